"""From approved hashes to signature values: `signatures/signHash` and `signatures/signPolling`.

CSC API 1.0.4, 11.9; 2.0, 11.10 and 11.12.  Values come back in the order of the hashes, says the API; whoever attaches
them checks each against its own digest, so an answer in another order is refused document by document, never mended.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from signing.keystores.csc.authorization import Activation, Waiting, encode_hashes
from signing.keystores.csc.credential import HASH_OIDS, RSA_PSS_OID, Credential
from signing.keystores.csc.problems import Reader
from signing.keystores.csc.service import Service
from signing.keystores.csc.settings import ApiVersion
from signing.keystores.csc.transport import Answer
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, der_to_raw
from transcript_core.pki.certificates import Certificate

_SIGN_TIMEOUT_S: Final = 30.0
_SIGN_TIMEOUT_PER_HASH_S: Final = 0.5
"""Seconds for one list, and more for each of its hashes: a slow security module signs ten a second."""

_POLL_INTERVAL_S: Final = 1.0
"""Seconds between two questions for values that are still being made."""

_KEEP_MS: Final = 600_000
"""Milliseconds for which the service keeps values that were made in the background."""

_MAX_VALUE_BYTES: Final = 1024
"""Bytes of one value; RSA-8192, the largest key that is accepted."""


class HashSigner:
    """Has lists of hashes signed under approvals that were already given."""

    def __init__(self, service: Service, algorithm: SignatureAlgorithm, oid: str, waiting: Waiting) -> None:
        """Send nothing yet.

        Args:
            service: where the credential is.
            algorithm: of the values.
            oid: what the service calls the algorithm.
            waiting: how time passes.
        """
        self._service = service
        self._algorithm = algorithm
        self._oid = oid
        self._waiting = waiting

    def sign(self, credential: Credential, activation: Activation, digests: Sequence[bytes]) -> list[bytes]:
        """Return one value for each digest, in the order of the answer; ECDSA as raw r‖s where it has that form.

        Raises:
            RemoteRefusal: refused as a whole, so nothing was signed.
            SignatureMismatch: fewer or more values, another algorithm, or values that are none; none of them is used.
            KeyUnavailable: no answer, or none that can be read.
        """
        timeout_s = _SIGN_TIMEOUT_S + _SIGN_TIMEOUT_PER_HASH_S * len(digests)
        answer = self._service.call(
            "signatures/signHash",
            self._build_request(credential, activation, digests),
            timeout_s=timeout_s,
            authorization=f"Bearer {activation.sad}" if activation.as_header else None,
        )
        if self._is_asynchronous:
            answer = self._await_values(answer.reader.get_text("responseID"), timeout_s)
        return self._read_values(answer.reader, len(digests), credential.certificate)

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """Return the algorithm of the values."""
        return self._algorithm

    @property
    def _is_asynchronous(self) -> bool:
        return self._service.settings.asynchronous

    def _build_request(
        self, credential: Credential, activation: Activation, digests: Sequence[bytes]
    ) -> dict[str, object]:
        hash_oid = HASH_OIDS[self._algorithm.hash_name]
        hashes = encode_hashes(digests)
        request: dict[str, object] = {"credentialID": credential.identifier, "signAlgo": self._oid}
        if self._service.info.version is ApiVersion.V1:
            request |= {"hash": hashes, "hashAlgo": hash_oid}
        else:
            request |= {"hashes": hashes, "hashAlgorithmOID": hash_oid}
        if not activation.as_header:
            request["SAD"] = activation.sad
        if self._oid == RSA_PSS_OID:
            parameters = self._algorithm.cms_signature["parameters"].dump()
            request["signAlgoParams"] = base64.b64encode(parameters).decode()
        if self._is_asynchronous:
            request |= {"operationMode": "A", "validity_period": _KEEP_MS}
        return request

    def _await_values(self, response_id: str, timeout_s: float) -> Answer:
        """Ask until the values are made (2.0, 11.12)."""
        deadline = self._waiting.clock() + timeout_s
        while self._waiting.clock() < deadline:
            answer = self._service.call("signatures/signPolling", {"requestID": response_id})
            if answer.status != 202:
                return answer
            self._waiting.sleep(_POLL_INTERVAL_S)
        raise KeyUnavailable(f"{self._service.host}: the signatures were not made in time; continue the batch later")

    def _read_values(self, reader: Reader, count: int, certificate: Certificate) -> list[bytes]:
        if reader.find_text("signAlgo") not in {None, self._oid}:
            raise reader.refuse("it signed with another algorithm than was asked for; nothing was taken")
        if (given := reader.count_items("signatures")) != count:
            raise reader.refuse(f"it answered {given} signatures for {count} hashes; nothing was taken")
        texts = reader.list_texts("signatures", at_most=count)
        return [read_value(_decode(reader, text), self._algorithm, certificate) for text in texts]


def read_value(octets: bytes, algorithm: SignatureAlgorithm, certificate: Certificate) -> bytes:
    """Return a value in the one form that is used here: RSA octets, or raw r‖s.

    The API names ECDSA by the OIDs of RFC 5758, whose values are DER (3.2); some services answer raw r‖s all the same.
    The length tells them apart: DER as long as raw r‖s would need numbers some 50 bits too short.  What has neither
    form is returned as it is and fails its check against the digest, by the document's name.
    """
    key = certificate.public_key
    if algorithm.scheme is not Scheme.ECDSA or not isinstance(key, ec.EllipticCurvePublicKey):
        return octets
    if len(octets) == 2 * ((key.key_size + 7) // 8):
        return octets
    try:
        return der_to_raw(octets, key.key_size)
    except ValueError:
        return octets


def _decode(reader: Reader, text: str) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise reader.refuse("a signature in the answer is no Base64; nothing was taken") from error
    if not 0 < len(octets) <= _MAX_VALUE_BYTES:
        raise reader.refuse("a signature in the answer has a length that no signature has; nothing was taken")
    return octets
