"""One protocol for every kind of key, and the state between the two phases of a signature.

`prepare` of a format makes a `Pending` without any key; a `Signer` turns the digests of many pendings into signature
values under one approval; `attach` of the format puts a value into its document.  A file, a token, an HSM, a remote
service and a browser's agent all look alike.

Values: RSA as the octets of RFC 8017; ECDSA as raw r‖s of equal length (RFC 6931, 2.3.6).  DER is made only inside CMS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from signing.state import StateValue
from transcript_core.errors import MalformedTranscript, NotEligible, SignatureMismatch
from transcript_core.pki.algorithms import SignatureAlgorithm, fits_certificate, value_size, verify_digest
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import Slot

_FORMAT: Final = "hocba-pending/1"
_MAX_PENDING_CHARS: Final = 128 * 1024  # a few hundred for XML; a PDF keeps its appended section, about 10 KiB


class PendingFormat(StrEnum):
    """What kind of signature a pending digest belongs to."""

    XADES = "xades"
    PADES = "pades"
    JADES = "jades"


class Signer(Protocol):
    """Holds one key and never shows it."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of the key."""
        ...

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The CA certificates above it as the key's holder gave them: issuer first, no anchor, maybe none."""
        ...

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The one algorithm this signer uses."""
        ...

    @property
    def list_size(self) -> int | None:
        """The most digests of one call that suit the key's holder; None: any number."""
        ...

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Return one signature value for each digest, in order, under one approval.

        May be called from another thread than the one that opened the signer, one call at a time.

        Args:
            digests: raw digests of the algorithm's hash: 32 bytes of SHA-256, 48 of SHA-384; at most `list_size`.

        Raises:
            SignatureMismatch: the answer to this list is none that fits it, so none of its values is used; the key is
                still there for other lists.
            KeyUnavailable: the key's holder did not sign all of them; no value is returned, the call can be repeated.
        """
        ...

    def close(self) -> None:
        """Let go of the key: log out of a token, end a session, forget a file's key.  Closing twice is harmless."""
        ...


@runtime_checkable
class ParallelSigner(Signer, Protocol):
    """A signer that may be asked for several lists at once."""

    @property
    def parallel_calls(self) -> int:
        """How many calls of `sign_digests` may be at work at the same time, each in a thread of its own."""
        ...


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """What preparing a signature needs to know of a signer: everything but the key."""

    certificate: Certificate
    chain: tuple[Certificate, ...]  # issuer first, without `certificate` and without the anchor
    algorithm: SignatureAlgorithm

    def __hash__(self) -> int:
        """As the certificate: identities are looked up for every document, and few share one."""
        return hash(self.certificate)

    @classmethod
    def of(cls, signer: Signer) -> SigningIdentity:
        """Return the identity of `signer`."""
        return cls(certificate=signer.certificate, chain=tuple(signer.chain), algorithm=signer.algorithm)


@dataclass(frozen=True, slots=True)
class Pending:
    """A digest that waits for its signature value.  Small, survives a restart, holds no secret and no content.

    Raises:
        MalformedTranscript: the digest is not one of the hash that the signature algorithm signs.
    """

    format: PendingFormat
    serial: str  # of the document; "" when the format has none
    version: int
    slot_id: str
    digest: bytes  # what the key signs: 32 raw bytes (48 with SHA-384)
    digest_algorithm: str  # "sha256" | "sha384"
    signature_algorithm: SignatureAlgorithm
    certificate_sha256: bytes  # 32 raw bytes; fixed at prepare
    signing_time: datetime  # aware, UTC, whole seconds
    state: Mapping[str, StateValue]  # what the format's attach needs; nobody else reads it

    def __post_init__(self) -> None:
        algorithm = self.signature_algorithm
        if len(self.digest) != algorithm.digest_size or self.digest_algorithm != algorithm.hash_name:
            raise MalformedTranscript(
                f"{self.where}: a digest of {len(self.digest)} bytes by {self.digest_algorithm} is none that "
                f"{algorithm.value} signs; prepare again"
            )

    @property
    def where(self) -> str:
        """Return which document and slot this is, as error messages begin."""
        return f"document {self.serial} version {self.version}, slot {self.slot_id}"

    def to_json(self) -> str:
        """Return the pending as one line of JSON text."""
        return json.dumps(
            {
                "type": _FORMAT,
                "format": self.format.value,
                "serial": self.serial,
                "version": self.version,
                "slot_id": self.slot_id,
                "digest": self.digest.hex(),
                "digest_algorithm": self.digest_algorithm,
                "signature_algorithm": self.signature_algorithm.value,
                "certificate_sha256": self.certificate_sha256.hex(),
                "signing_time": self.signing_time.astimezone(UTC).isoformat(),
                "state": dict(self.state),
            },
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Pending:
        """Return the pending that `to_json` wrote.

        Raises:
            MalformedTranscript: the text is not a pending of this version.
        """
        if len(text) > _MAX_PENDING_CHARS:
            raise MalformedTranscript("a pending signature is longer than any this program writes")
        try:
            raw = json.loads(text)
            if raw["type"] != _FORMAT:
                raise MalformedTranscript(f"a pending signature of another kind: {raw['type']}")
            return cls(
                format=PendingFormat(raw["format"]),
                serial=_text(raw["serial"]),
                version=int(raw["version"]),
                slot_id=_text(raw["slot_id"]),
                digest=bytes.fromhex(raw["digest"]),
                digest_algorithm=_text(raw["digest_algorithm"]),
                signature_algorithm=SignatureAlgorithm(raw["signature_algorithm"]),
                certificate_sha256=bytes.fromhex(raw["certificate_sha256"]),
                signing_time=_instant(raw["signing_time"]),
                state={_text(name): _state_value(value) for name, value in raw["state"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedTranscript("a pending signature cannot be read; prepare it again") from error


def check_identity(identity: SigningIdentity, slot: Slot) -> None:
    """Refuse, before any key is asked, a certificate whose key cannot make signatures of the identity's algorithm.

    Raises:
        NotEligible: a key of another family, curve or strength.
    """
    if fits_certificate(identity.algorithm, identity.certificate):
        return
    raise NotEligible(
        f"{slot.where}: the certificate's key is none that "
        f"{identity.algorithm.value} signs with; use the certificate and the algorithm of one key",
        reason="other-algorithm",
        text_vi="Khóa của chứng thư số không dùng được với thuật toán ký đã chọn; hãy chọn đúng chứng thư số của khóa.",
    )


def check_value(pending: Pending, value: bytes, identity: SigningIdentity) -> None:
    """Refuse a signer other than the one fixed at prepare, and a value that does not verify against the certificate.

    Args:
        value: the signer's answer, raw r‖s for ECDSA.

    Raises:
        SignatureMismatch: another certificate or algorithm, or the value does not verify.
    """
    certificate = identity.certificate
    if certificate.sha256 != pending.certificate_sha256:
        raise SignatureMismatch(f"{pending.where}: the certificate is not the one fixed at prepare; prepare again")
    algorithm = pending.signature_algorithm
    if identity.algorithm is not algorithm:
        raise SignatureMismatch(
            f"{pending.where}: the algorithm is not {algorithm.value}, which was fixed at prepare; prepare again"
        )
    if verify_digest(certificate, algorithm, pending.digest, value):
        return
    expected = value_size(algorithm, certificate.public_key)
    if expected is None:
        raise SignatureMismatch(
            f"{pending.where}: the certificate's key is none that {algorithm.value} signs with; prepare again with the "
            "certificate and the algorithm of one key"
        )
    if len(value) != expected:
        raise SignatureMismatch(
            f"{pending.where}: the signature value has {len(value)} bytes instead of {expected}; sign again"
        )
    raise SignatureMismatch(f"{pending.where}: the signature value does not verify against the certificate; sign again")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _state_value(value: object) -> StateValue:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("text or whole number expected")
    return value


def _instant(value: object) -> datetime:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError("an instant without time zone")
    return instant.astimezone(UTC)
