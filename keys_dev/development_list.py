"""The trust lists that a development PKI offers: one for each world, signed by an operator of its own.

```
lists/operator.pem .key     the operator's certificate, for --trust-list-signer, and its key
lists/national.xml          the public CA, and the time-stamping unit itself
lists/public-duty.xml       the sub-CA of the public-duty PKI
```
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys_dev.files import locked, write_private
from keys_dev.pki import DevelopmentPki
from keys_dev.profiles import DEVELOPMENT_LABEL, Profile, Request, build_certificate, build_name, generate_key
from keys_dev.trust_lists import build_trust_list, sign_trust_list
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.trust import World
from transcript_core.pki.trust_list import WORLD_RULE, StatusPeriod, TrustList, TrustService

_SERVICE_TYPES: Final = "http://uri.etsi.org/TrstSvc/Svctype/"
_GRANTED: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
_OPERATOR: Final = "Cơ quan quản lý danh sách tin cậy thử nghiệm"
_LOOK_BACK: Final = timedelta(days=2 * 365)
_OPERATOR_LIFETIME: Final = timedelta(days=20 * 365)


def write_trust_list(
    pki: DevelopmentPki, world: World, *, issued_at: datetime, number: int = 1, valid_for: timedelta = timedelta(180)
) -> Path:
    """Write the list of one world and return its path; the operator's key is made at the first call.

    Args:
        pki: whose CAs the list names.
        world: of the list.
        issued_at: aware.
        number: of the list, growing.
        valid_for: until the next list is due.
    """
    key, certificate = load_operator(pki)
    trust_list = TrustList(
        number=number,
        operator=_OPERATOR,
        scheme=f"VN:{DEVELOPMENT_LABEL} {world.value}",
        territory="VN",
        rules=(f"{WORLD_RULE}{world.value}",),
        issued_at=issued_at,
        next_update=issued_at + valid_for,
        services=_list_services(pki, world),
    )
    path = pki.folder / "lists" / f"{world.value}.xml"
    write_private(path, sign_trust_list(build_trust_list(trust_list), key, certificate, at=issued_at))
    return path


def load_operator(pki: DevelopmentPki) -> tuple[ec.EllipticCurvePrivateKey, Certificate]:
    """Return key and certificate of the operator, made at the first call."""
    stem = pki.folder / "lists" / "operator"
    with locked(pki.folder):
        if not stem.with_suffix(".pem").is_file():
            _create_operator(pki, stem)
    key = load_pem_private_key(stem.with_suffix(".key").read_bytes(), None)
    return cast("ec.EllipticCurvePrivateKey", key), load_certificate(stem.with_suffix(".pem").read_bytes())


def _create_operator(pki: DevelopmentPki, stem: Path) -> None:
    key = generate_key("p-256")
    subject = build_name(f"{DEVELOPMENT_LABEL} list operator", organisation=_OPERATOR)
    start = pki.created_at
    request = Request(Profile.AUTHORITY, subject, start - _LOOK_BACK, start + _OPERATOR_LIFETIME)
    certificate = build_certificate(request, key, None)
    write_private(stem.with_suffix(".key"), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(stem.with_suffix(".pem"), certificate.public_bytes(Encoding.PEM))


def _list_services(pki: DevelopmentPki, world: World) -> tuple[TrustService, ...]:
    services = [_describe(pki, f"{world.value}-ca", "CA/QC")]
    if world is World.NATIONAL:
        services.append(_describe(pki, "tsa", "TSA/QTST"))
    return tuple(services)


def _describe(pki: DevelopmentPki, name: str, service_type: str) -> TrustService:
    certificate = load_certificate(pki.read_key(name)[0])
    period = StatusPeriod(f"{_SERVICE_TYPES}{service_type}", _GRANTED, certificate.not_before, None)
    return TrustService(DEVELOPMENT_LABEL, f"{DEVELOPMENT_LABEL} {name}", (certificate,), (period,))
