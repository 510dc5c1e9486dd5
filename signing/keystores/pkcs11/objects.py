"""Finds the private key on a token, the certificate that belongs to it and the chain above.

Tokens pair keys and certificates by CKA_ID (PKCS #11 2.40, 4.6.3); labels are for people.  Where a token lets the
public key be read it is compared with the certificate's; where it does not, the signer compares by its first signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, ObjectClass, Session
from pkcs11.exceptions import AttributeSensitive, AttributeTypeInvalid, PKCS11Error
from pkcs11.types import SignMixin

from signing.keystores.chain import order_chain
from signing.keystores.pkcs11 import troubles
from signing.keystores.pkcs11.uri import Pkcs11Uri
from signing.keystores.pkcs12 import read_key_file
from transcript_core.errors import KeyUnavailable, TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pki.certificates import Certificate, PublicKey, load_certificate, load_certificates

_MAX_OBJECTS: Final = 4096
"""Objects of one kind that are looked at; an HSM partition of a province holds a few hundred."""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A private key with its certificate."""

    id: bytes  # CKA_ID
    label: str  # CKA_LABEL
    certificate: Certificate
    chain: tuple[Certificate, ...]  # issuer first, no anchor
    is_compared: bool  # whether the token's public key was seen to be the certificate's
    wants_pin_each_time: bool  # CKA_ALWAYS_AUTHENTICATE


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: SignMixin
    id: bytes
    certificate: Certificate
    matches: bool | None  # None: the token shows no public key


def find_key(session: Session, uri: Pkcs11Uri) -> FoundKey:
    """Return the key that the URI names on the token of a logged-in session.

    Raises:
        KeyUnavailable: none, several, no certificate, or one of another key.
    """
    try:
        return _find_key(session, uri)
    except PKCS11Error as error:
        raise troubles.explain(error, "show its keys and certificates") from error


def find_again(session: Session, found: FoundKey) -> SignMixin:
    """Return the same key for use in another session.

    Raises:
        KeyUnavailable: it is not there any more.
    """
    try:
        keys: list[SignMixin] = _list_objects(
            session, _template(ObjectClass.PRIVATE_KEY, id=found.id, label=found.label)
        )
        for key in keys:
            if _compare(key, found.certificate.public_key, session, found.id) is not False:
                return key
    except PKCS11Error as error:
        raise troubles.explain(error, "show its keys") from error
    raise troubles.refuse(troubles.NO_KEY)


def _find_key(session: Session, uri: Pkcs11Uri) -> FoundKey:
    keys = [key for key in _list_named_keys(session, uri) if _read(key, Attribute.SIGN) is not False]
    if not keys:
        raise troubles.refuse(troubles.NO_KEY)
    stored = _list_certificates(session)
    given = () if uri.certificate is None else _load_file(uri.certificate)
    chosen = _choose(_pair(session, keys, stored, given), keys)
    others = given[1:] or tuple(certificate for _, certificate in stored)
    return FoundKey(
        id=chosen.id,
        label=str(_read(chosen.key, Attribute.LABEL) or ""),
        certificate=chosen.certificate,
        chain=order_chain(chosen.certificate, others),
        is_compared=chosen.matches is True,
        wants_pin_each_time=bool(_read(chosen.key, Attribute.ALWAYS_AUTHENTICATE)),
    )


def _list_named_keys(session: Session, uri: Pkcs11Uri) -> list[SignMixin]:
    """Return the private keys that a URI means: by their own label and id, or by those of certificate or public key.

    A label that no private key carries is looked for among the certificates: tokens often label only these.
    """
    if uri.type in {None, "private"}:
        keys = _list_objects(session, _template(ObjectClass.PRIVATE_KEY, id=uri.id, label=uri.object))
        if keys or uri.type == "private" or uri.object is None:
            return keys
    kind = ObjectClass.PUBLIC_KEY if uri.type == "public" else ObjectClass.CERTIFICATE
    ids = {_read(one, Attribute.ID) for one in _list_objects(session, _template(kind, id=uri.id, label=uri.object))}
    templates = [_template(ObjectClass.PRIVATE_KEY, id=id_, label=None) for id_ in ids if id_]
    return [key for template in templates for key in _list_objects(session, template)]


def _template(kind: ObjectClass, *, id: bytes | None, label: str | None) -> dict[Attribute, Any]:  # noqa: A002  (CKA_ID)
    wanted: dict[Attribute, Any] = {Attribute.CLASS: kind}
    if id is not None:
        wanted[Attribute.ID] = id
    if label is not None:
        wanted[Attribute.LABEL] = label
    return wanted


def _list_objects(session: Session, template: dict[Attribute, Any]) -> list[Any]:
    found: list[Any] = []
    for one in session.get_objects(template):
        found.append(one)
        if len(found) > _MAX_OBJECTS:
            raise KeyUnavailable("the token holds more objects than are looked through; name the key by object and id")
    return found


def _list_certificates(session: Session) -> list[tuple[bytes, Certificate]]:
    """Return CKA_ID and certificate of every X.509 certificate on the token that can be read."""
    found: list[tuple[bytes, Certificate]] = []
    for one in _list_objects(session, {Attribute.CLASS: ObjectClass.CERTIFICATE}):
        try:
            found.append((bytes(_read(one, Attribute.ID) or b""), load_certificate(_read(one, Attribute.VALUE) or b"")))
        except TrustMaterialError:
            continue  # other people's certificates on the token are none of our business
    return found


def _load_file(path: Path) -> tuple[Certificate, ...]:
    try:
        return load_certificates(read_key_file(path))[:MAX_CERTIFICATES]
    except TrustMaterialError as error:
        raise KeyUnavailable(f"{path}: {error}") from error


def _pair(
    session: Session,
    keys: Sequence[SignMixin],
    stored: Sequence[tuple[bytes, Certificate]],
    given: Sequence[Certificate],
) -> list[_Candidate]:
    """Return every key with every certificate that may be its own."""
    candidates: list[_Candidate] = []
    for key in keys:
        key_id = bytes(_read(key, Attribute.ID) or b"")
        possible = [(key_id, given[0])] if given else stored
        for certificate_id, certificate in possible:
            matches = _compare(key, certificate.public_key, session, key_id)
            same_id = bool(key_id) and certificate_id == key_id
            if not certificate.is_ca and (matches or same_id or given):
                candidates.append(_Candidate(key, key_id, certificate, matches))
    return candidates


def _choose(candidates: Sequence[_Candidate], keys: Sequence[SignMixin]) -> _Candidate:
    """Return the one key with its certificate; of several certificates for it, the one that began last."""
    fitting = [one for one in candidates if one.matches is not False]
    if not fitting:
        raise troubles.refuse(troubles.MISMATCH if candidates else troubles.NO_CERTIFICATE)
    fitting = [one for one in fitting if one.certificate.may_sign] or fitting
    if len({one.key.handle for one in fitting}) > 1:
        ids = ", ".join(sorted({one.id.hex() or "none" for one in fitting}))
        raise KeyUnavailable(
            f"{len(keys)} private keys on the token fit the URI; name one by id=%… (CKA_ID in hexadecimal: {ids})",
            text_vi=f"Có {len(keys)} khoá trên thẻ khớp với URI; hãy chọn một khoá bằng id=%… (CKA_ID: {ids}).",
        )
    return max(fitting, key=lambda one: (one.certificate.not_before, one.certificate.not_after))


def _compare(key: SignMixin, public: PublicKey, session: Session, key_id: bytes) -> bool | None:
    """Return whether the token's key belongs to a public key; None when the token shows nothing to compare."""
    if isinstance(public, rsa.RSAPublicKey):
        if key.key_type is not KeyType.RSA:
            return False
        modulus = _read(key, Attribute.MODULUS)
        return None if not modulus else int.from_bytes(modulus) == public.public_numbers().n
    if key.key_type is not KeyType.EC or not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shown = [shown for shown in _list_points(key, session, key_id) if shown]
    return any(one.endswith(point) and len(one) <= len(point) + _POINT_WRAPPING for one in shown) if shown else None


_POINT_WRAPPING: Final = 3  # CKA_EC_POINT is a DER OCTET STRING around the point; some tokens leave the wrapping out


def _list_points(key: SignMixin, session: Session, key_id: bytes) -> Iterable[bytes]:
    """Yield CKA_EC_POINT of the private key, where a token has it there, and of the public key beside it."""
    yield _read(key, Attribute.EC_POINT) or b""
    if key_id:
        for public in _list_objects(session, _template(ObjectClass.PUBLIC_KEY, id=key_id, label=None)):
            yield _read(public, Attribute.EC_POINT) or b""


def _read(one: Any, attribute: Attribute) -> Any:
    """Return an attribute, or None when the token does not have or show it."""
    try:
        return one[attribute]
    except (AttributeTypeInvalid, AttributeSensitive):
        return None
