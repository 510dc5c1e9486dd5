"""Trust lists over the CAs of the shared development PKI, signed by its list operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from keys_dev.development_list import load_operator
from keys_dev.trust_lists import build_trust_list, sign_trust_list
from tests.support.pki import development_pki
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.trust import World
from transcript_core.pki.trust_list import StatusPeriod, TrustList, TrustService
from verify.trust_lists import open_trust_list

ISSUED_AT = datetime(2026, 5, 2, tzinfo=UTC)
NEXT_UPDATE = datetime(2026, 11, 2, tzinfo=UTC)
READ_AT = datetime(2026, 6, 20, tzinfo=UTC)
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
CA = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"
OTHER_CA = "http://uri.etsi.org/TrstSvc/Svctype/CA/PKC"
TSA = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST"
OCSP = "http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP"
GRANTED = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
WITHDRAWN = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn"


def operator() -> Certificate:
    """Return the certificate of the list's operator."""
    return load_operator(development_pki())[1]


def certificate_of(name: str) -> Certificate:
    """Return the certificate of a CA ("national-ca") or a service ("tsa") of the shared PKI."""
    return load_certificate(development_pki().read_key(name)[0])


def periods(*statuses: tuple[datetime, str], service_type: str = CA) -> tuple[StatusPeriod, ...]:
    """Return statuses, each from its time up to the next."""
    ends = [time for time, _ in statuses[1:]] + [None]
    return tuple(
        StatusPeriod(service_type, status, first, end) for (first, status), end in zip(statuses, ends, strict=True)
    )


def service(name: str, *statuses: tuple[datetime, str], service_type: str = CA) -> TrustService:
    """Return a service of the shared PKI, granted from the beginning unless told otherwise."""
    found = periods(*(statuses or ((BEGINNING, GRANTED),)), service_type=service_type)
    return TrustService("Nhà cung cấp thử nghiệm", name, (certificate_of(name),), found)


def sample_list(
    services: Sequence[TrustService] | None = None,
    *,
    number: int = 7,
    world: World = World.NATIONAL,
    issued_at: datetime = ISSUED_AT,
    next_update: datetime | None = NEXT_UPDATE,
) -> TrustList:
    """Return a list of the national CA and the time-stamping unit, or of other services."""
    usual = (service("national-ca"), service("tsa", service_type=TSA))
    return TrustList(
        number=number,
        operator="Cơ quan quản lý",
        scheme="VN:danh sách",
        territory="VN",
        rules=(f"urn:hocba:trust-world:{world.value}",),
        issued_at=issued_at,
        next_update=next_update,
        services=usual if services is None else tuple(services),
    )


def sign(trust_list: TrustList, change: Callable[[str], str] | None = None) -> bytes:
    """Return the list signed by the operator, its text changed before that."""
    return sign_text(build_trust_list(trust_list).decode(), change)


def sign_text(text: str, change: Callable[[str], str] | None = None) -> bytes:
    """Return XML of a list signed by the operator."""
    key, certificate = load_operator(development_pki())
    changed = text if change is None else change(text)
    assert change is None or changed != text, "the change found nothing to change"
    return sign_trust_list(changed.encode(), key, certificate, at=ISSUED_AT)


def open_sample(trust_list: TrustList, *, at: datetime = READ_AT) -> TrustList:
    """Return the list as it comes back through signature and reader."""
    return open_trust_list(sign(trust_list), [operator()], at=at)
