"""Documents that `extend` archived pass decades later while their chain of timestamps holds, and not when it does not.

The authorities are made here (`tests.support.lasting`), because the development PKI rests on keys that end in 2030.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

import pytest

from signing import pades, xades
from tests.support.lasting import DAY, Holder, day, make_root, trust
from tests.support.signed import build_unsigned, sign_slots
from tests.support.signed_pdf import sign_slot, unsigned_pdf
from verify.report import Outcome, Report, SubIndication
from verify.verifier import Verifier

SIGNED = day(2026, 6)
FAR = day(2054)
RENEWALS = (2034, 2044)


@cache
def root() -> Holder:
    return make_root("Gốc", day(2020), day(2070))


@cache
def ca() -> Holder:
    return root().issue("CA", day(2021), day(2045), is_ca=True)


@cache
def tsa_ca() -> Holder:
    return root().issue("CA của TSA", day(2021), day(2065), is_ca=True)


@cache
def person() -> Holder:
    return ca().issue("Người ký", day(2025), day(2029), identity="CCCD:001080000001")


@cache
def authority(year: int) -> Holder:
    return tsa_ca().issue_tsa(f"TSA {year}", day(year - 1), day(year + 11))


@cache
def archive_xml(renewals: tuple[int, ...]) -> bytes:
    """Return a transcript signed by one person in all slots, archived a day later and in these years."""
    document, slots, policy = build_unsigned()
    document = sign_slots(document, slots, policy, signer=person().signer, at=SIGNED)
    seal = slots[-1]
    stamp = authority(2026)
    token = stamp.stamp(xades.get_timestamp_imprint(document, seal.slot_id), SIGNED + DAY)
    document = xades.add_timestamp(document, seal, token, policy=policy)
    document = xades.add_evidence(document, seal, [person().prove(SIGNED + DAY)], policy=policy)
    for moment in (SIGNED + DAY, *map(day, renewals)):
        document = xades.add_evidence(document, seal, [stamp.prove(moment)], policy=policy)
        stamp = authority(moment.year)
        token = stamp.stamp(xades.get_archive_imprint(document, seal.slot_id), moment)
        document = xades.add_archive_timestamp(document, seal, token, policy=policy)
    return xades.add_evidence(document, seal, [stamp.prove(moment)], policy=policy)


@cache
def archive_pdf(renewals: tuple[int, ...]) -> bytes:
    """Return a transcript's PDF signed by one person in two fields and the seal's, archived likewise."""
    pdf, slots, policy = unsigned_pdf()
    for slot in (*slots[:2], slots[-1]):
        pdf = sign_slot(pdf, slot, person().signer, policy)
    evidence = [person().prove(SIGNED + DAY)]
    for moment in (SIGNED + DAY, *map(day, renewals)):
        pdf = pades.append_evidence(pdf, evidence)
        stamp = authority(moment.year)
        pending = pades.prepare_document_timestamp(pdf)
        pdf = pades.attach_document_timestamp(pdf, pending, stamp.stamp(pending.imprint, moment))
        renewed_at = next((day(year) for year in renewals if day(year) > moment), moment)
        evidence = [stamp.prove(renewed_at)]
    return pades.append_evidence(pdf, evidence)


def inspect(document: bytes, at: datetime) -> Report:
    return Verifier(trust=trust(root())).inspect(document, at=at)


MAKERS = pytest.mark.parametrize("archive", [archive_xml, archive_pdf], ids=["xades", "pades"])


@MAKERS
def test_archived_and_renewed_document_passes_decades_later(archive: Callable[[tuple[int, ...]], bytes]) -> None:
    report = inspect(archive(RENEWALS), FAR)
    assert (report.outcome, report.sub_indication) == (Outcome.PASSED, None)
    assert {one.proven_time for one in report.signatures} == {SIGNED + DAY}


@MAKERS
@pytest.mark.parametrize(
    ("renewals", "at", "passes"),
    [
        ((), 2036, True),
        ((), 2040, False),
        ((2034,), 2044, True),
        ((2034,), 2054, False),
        ((2044,), 2054, False),
    ],
)
def test_only_a_chain_renewed_in_time_holds(
    archive: Callable[[tuple[int, ...]], bytes], renewals: tuple[int, ...], at: int, passes: bool
) -> None:
    report = inspect(archive(renewals), day(at))
    expected = (Outcome.PASSED, None) if passes else (Outcome.INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE)
    assert (report.outcome, report.sub_indication) == expected
