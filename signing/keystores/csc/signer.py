"""A `Signer` whose key is at a remote signing service (Cloud Signature Consortium API 1.0.4 and 2.0).

One list of digests is one approval.  An approval that ends between two calls is asked for again, for the digests that
are left: silently where the credential lets this program, from the person where it wants the person.  No request that
may have been carried out is ever repeated by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from signing.keystores.csc.authorization import Activation, Approver, Waiting
from signing.keystores.csc.credential import Credential
from signing.keystores.csc.problems import RemoteRefusal
from signing.keystores.csc.service import Service
from signing.keystores.csc.values import HashSigner
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate

_CREDENTIAL_FRESH_S: Final = 60.0
"""Seconds for which what `credentials/info` said is relied on; before a later approval it is asked again."""

_MAX_RENEWALS: Final = 3
"""Approvals of one list that may end unused, one after the other, before the list is given up."""

_ENDED: Final = frozenset({400, 401, 403})
"""How services answer when activation data has ended; the API's text has 400 (2.0, 11.10)."""


class CscSigner:
    """A `Signer` over one credential of one service."""

    __slots__ = ("_algorithm", "_approver", "_checked_at", "_closed", "_credential", "_service", "_values", "_waiting")

    def __init__(
        self, service: Service, credential: Credential, approver: Approver, values: HashSigner, waiting: Waiting
    ) -> None:
        """Hold a credential that was just read; `open_csc` does that."""
        self._algorithm = values.algorithm
        self._approver = approver
        self._checked_at = waiting.clock()
        self._closed = False
        self._credential = credential
        self._service = service
        self._values = values
        self._waiting = waiting

    @property
    def certificate(self) -> Certificate:
        """The certificate of the credential as it was at the beginning; another one later is refused."""
        return self._credential.certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The CA certificates above it as the service gave them: issuer first, no self-issued one."""
        return self._credential.chain

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The one algorithm this signer uses."""
        return self._algorithm

    @property
    def list_size(self) -> int | None:
        """The signatures that the credential allows under one approval (`multisign`), MAX_LIST at most."""
        return self._credential.list_size

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Return one value for each digest, in order; RSA octets, or raw r‖s for ECDSA.

        Args:
            digests: raw digests of the algorithm's hash.  More than `list_size` are approved list by list.

        Raises:
            SignatureMismatch: the service answered something else than it was asked for; no value is returned, and
                other digests may be signed.
            KeyUnavailable: not all of them were signed; no value is returned, and the call can be repeated.
        """
        if self._closed:
            raise KeyUnavailable("this signer is closed; open the key again")
        size = self._algorithm.digest_size
        if any(len(digest) != size for digest in digests):
            raise KeyUnavailable(f"{self._algorithm.value} signs digests of {size} bytes")
        step = self._credential.list_size
        values: list[bytes] = []
        for start in range(0, len(digests), step):
            values += self._sign_list(digests[start : start + step])
        return values

    def close(self) -> None:
        """Give the service's token back and close the connections; signing afterwards raises KeyUnavailable."""
        if not self._closed:
            self._closed = True
            self._approver.forget()
            self._service.close()

    def _sign_list(self, digests: Sequence[bytes]) -> list[bytes]:
        """Sign one list, under a new approval for what is left whenever one ends before the list."""
        values: list[bytes] = []
        unused = 0  # approvals in a row that ended before they were used
        while len(values) < len(digests):
            signed, refusal = self._sign_under_one(digests[len(values) :])
            values += signed
            unused = 0 if signed else unused + 1
            if refusal is not None and (unused > _MAX_RENEWALS or not _ends_approval(refusal, was_used=bool(signed))):
                raise refusal
        return values

    def _sign_under_one(self, digests: Sequence[bytes]) -> tuple[list[bytes], RemoteRefusal | None]:
        """Sign under one approval, call by call, until all is signed, it ends, or the service refuses to go on."""
        step = self._service.settings.hashes_per_call or len(digests)
        activation = self._approve(digests)
        values: list[bytes] = []
        while len(values) < len(digests):
            part = digests[len(values) : len(values) + step]
            try:
                if values:
                    activation = self._approver.extend(self._credential, activation, part)
                values += self._values.sign(self._credential, activation, part)
            except RemoteRefusal as refusal:
                return values, refusal
            if activation.is_over(self._waiting.clock()):
                break
        return values, None

    def _approve(self, digests: Sequence[bytes]) -> Activation:
        """Return an approval of what is left, once the credential is known to be still the same and usable."""
        if self._waiting.clock() - self._checked_at >= _CREDENTIAL_FRESH_S:
            self._check_credential()
        return self._approver.approve(self._credential, digests)

    def _check_credential(self) -> None:
        now = self._service.get_credential(self._credential.identifier)
        if now.certificate.sha256 != self._credential.certificate.sha256:
            raise KeyUnavailable(
                f"{self._service.host}: the credential has another certificate than at the beginning of the batch; "
                "open the key again and prepare what is left anew"
            )
        self._checked_at = self._waiting.clock()

    def __repr__(self) -> str:
        """Name the certificate and the service, never a secret."""
        return f"CscSigner({self.certificate.common_name!r}, {self._algorithm.value}, {self._service.host!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: tokens do not travel between processes."""
        raise TypeError("a signer cannot be pickled; open the key where it is used")


def _ends_approval(refusal: RemoteRefusal, *, was_used: bool) -> bool:
    """Return whether a refusal means that an approval has ended, so that a new one helps.

    Services that say so are believed.  Others answer no more than "bad request"; then an approval that had served
    before has most likely ended, and a fresh one that never served has another fault.
    """
    return refusal.says_expired or (was_used and refusal.status in _ENDED)
