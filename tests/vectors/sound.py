"""Documents that must pass, so that no check is right by refusing everything."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.vectors.cases import sound
from tests.vectors.school import signed, signed_recall
from tests.vectors.versions import CORRECTED_AT, build_corrected
from transcript_core.model import SchoolLevel


@sound("TT 27/2020; policy of primary schools")
def primary() -> bytes:
    return signed(SchoolLevel.PRIMARY)


@sound("TT 22/2021; policy of lower secondary schools")
def lower_secondary() -> bytes:
    return signed(SchoolLevel.LOWER_SECONDARY)


@sound("TT 22/2021; policy of upper secondary schools")
def upper_secondary() -> bytes:
    return signed(SchoolLevel.UPPER_SECONDARY)


@sound("policy of recalls")
def recall() -> bytes:
    return signed_recall()


@sound("EN 319 102-1, 5.5: the proven time counts, not today", at=datetime(2030, 6, 1, tzinfo=UTC))
def verified_years_after_the_certificates_expired() -> bytes:
    return signed()


@sound("design of versions: unchanged parts keep their teachers' signatures", at=CORRECTED_AT)
def correction_that_keeps_signatures() -> bytes:
    return build_corrected()
