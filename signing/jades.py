"""Signs JSON as a compact JWS, in the same two phases as the other formats.

Spec: RFC 7515 (JWS), RFC 7518 (algorithms; ECDSA values are raw r‖s, 3.4); of ETSI TS 119 182-1 (JAdES) the protected
headers `x5c`, `x5t#S256` and `iat`, the claimed signing time.  Deviation: no unprotected `etsiU` header, which the
compact form has no place for; so no timestamps and no embedded revocation status.

A JWS alone is the word of its signer: it never replaces a transcript's XML.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from signing.signer import Pending, PendingFormat, Signer, SigningIdentity, check_value
from signing.state import StateValue
from transcript_core.errors import (
    KeyUnavailable,
    LimitExceeded,
    MalformedTranscript,
    SignatureMismatch,
    StaleDigest,
    TranscriptError,
)
from transcript_core.jws import ACCEPTED_ALGORITHMS
from transcript_core.limits import MAX_JSON_BYTES

_OURS: Final = frozenset({"alg", "iat", "x5c", "x5t#S256"})
_REFUSED: Final = frozenset({"b64", "crit", "jku", "jwk", "x5u"})  # change what is signed, or point at a key elsewhere


def prepare(
    payload: bytes,
    identity: SigningIdentity,
    *,
    headers: Mapping[str, StateValue],
    at: datetime,
    serial: str = "",
    version: int = 0,
    max_bytes: int = MAX_JSON_BYTES,
) -> Pending:
    """Return the digest that signs `payload`; no key is involved.

    Args:
        payload: JSON, UTF-8; signed as it is.
        headers: further protected headers: `typ`, serial, version, document digest.
        at: the signing time that is signed, aware.
        serial, version: of the document that the payload belongs to, for messages and logs.

    Raises:
        LimitExceeded: the payload is longer than `max_bytes`.
        KeyUnavailable: the key's algorithm is none that a JWS is accepted with.
        ValueError: `headers` names one that is not the caller's to set.
    """
    if len(payload) > max_bytes:
        raise LimitExceeded(f"a JSON document of {len(payload)} bytes is longer than {max_bytes}")
    if identity.algorithm.jws_name not in ACCEPTED_ALGORITHMS:
        accepted = ", ".join(ACCEPTED_ALGORITHMS)
        raise KeyUnavailable(f"this key signs with {identity.algorithm.value}; JSON is signed with {accepted} only")
    if taken := (_OURS | _REFUSED) & set(headers):
        raise ValueError(f"these headers are not the caller's to set: {', '.join(sorted(taken))}")
    signing_time = at.astimezone(UTC).replace(microsecond=0)
    signing_input = _signing_input(payload, identity, headers, signing_time)
    return Pending(
        format=PendingFormat.JADES,
        serial=serial,
        version=version,
        slot_id="",
        digest=_digest(signing_input, identity),
        digest_algorithm=identity.algorithm.hash_name,
        signature_algorithm=identity.algorithm,
        certificate_sha256=identity.certificate.sha256,
        signing_time=signing_time,
        state={"headers": _dump(headers)},
    )


def attach(payload: bytes, pending: Pending, value: bytes, *, identity: SigningIdentity) -> bytes:
    """Return the compact JWS, ASCII.

    Raises:
        SignatureMismatch: another certificate than at prepare, or a value that does not verify against it.
        StaleDigest: the payload or the chain is not the one that was prepared.
    """
    if pending.format is not PendingFormat.JADES:
        raise MalformedTranscript(f"a signature prepared for {pending.format.value} cannot become a JWS")
    check_value(pending, value, identity)
    try:
        headers = json.loads(str(pending.state["headers"]))
    except (KeyError, ValueError) as error:
        raise MalformedTranscript("the prepared state of a JWS cannot be read; prepare again") from error
    signing_input = _signing_input(payload, identity, headers, pending.signing_time)
    if _digest(signing_input, identity) != pending.digest:
        raise StaleDigest(f"{_where(pending)}: it changed since prepare")
    return signing_input + b"." + _b64url(value)


def sign_prepared(pendings: Sequence[Pending], signer: Signer) -> list[bytes | TranscriptError]:
    """Return the value of each pending, or why there is none; in lists as long as the key's holder takes.

    A holder that does not sign (KeyUnavailable) is not asked again: the remaining pendings get its error.
    """
    answers: list[bytes | TranscriptError] = []
    step = signer.list_size or len(pendings) or 1
    lost: KeyUnavailable | None = None
    for start in range(0, len(pendings), step):
        listed = pendings[start : start + step]
        if lost is None:
            try:
                answers += _sign_list(listed, signer)
                continue
            except KeyUnavailable as error:
                lost = error
        answers += [lost] * len(listed)
    return answers


def _sign_list(pendings: Sequence[Pending], signer: Signer) -> Sequence[bytes | TranscriptError]:
    """Return the values of one list.  Raises: KeyUnavailable: the key's holder did not sign."""
    try:
        values = signer.sign_digests([one.digest for one in pendings])
    except SignatureMismatch as error:  # of this list alone
        return [SignatureMismatch(f"{_where(one)}: {error}") for one in pendings]
    if len(values) == len(pendings):
        return values
    told = f"the key's holder answered {len(values)} values for a list of {len(pendings)} digests, so none is used"
    return [SignatureMismatch(f"{_where(one)}: {told}; sign again") for one in pendings]


def sign_jws(
    payload: bytes,
    signer: Signer,
    *,
    headers: Mapping[str, StateValue],
    at: datetime,
    serial: str = "",
    version: int = 0,
    max_bytes: int = MAX_JSON_BYTES,
) -> bytes:
    """Return `payload` as a compact JWS, prepared, signed and attached at once.

    Raises:
        KeyUnavailable: the key's holder did not sign, or its algorithm is none that a JWS is accepted with.
        SignatureMismatch: what it answered does not verify against its certificate.
        LimitExceeded, ValueError: as `prepare`.
    """
    identity = SigningIdentity.of(signer)
    pending = prepare(payload, identity, headers=headers, at=at, serial=serial, version=version, max_bytes=max_bytes)
    values = signer.sign_digests([pending.digest])
    if len(values) != 1:
        raise KeyUnavailable(f"the key's holder answered {len(values)} values for one digest")
    return attach(payload, pending, values[0], identity=identity)


def _signing_input(
    payload: bytes, identity: SigningIdentity, headers: Mapping[str, StateValue], signing_time: datetime
) -> bytes:
    """Return the JWS signing input.  Spec: RFC 7515, 5.1, steps 2 to 5."""
    protected = {
        **headers,
        "alg": identity.algorithm.jws_name,
        "iat": int(signing_time.timestamp()),
        "x5c": [base64.b64encode(one.der).decode("ascii") for one in (identity.certificate, *identity.chain)],
        "x5t#S256": _b64url(identity.certificate.sha256).decode("ascii"),
    }
    return _b64url(_dump(protected).encode()) + b"." + _b64url(payload)


def _where(pending: Pending) -> str:
    return f"document {pending.serial} version {pending.version}, JSON"


def _digest(signing_input: bytes, identity: SigningIdentity) -> bytes:
    return hashlib.new(identity.algorithm.hash_name, signing_input).digest()


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _b64url(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
