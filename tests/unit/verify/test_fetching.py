"""What a file lacks is asked of a source, only when there is one, only for that, and the report says about whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from signing.evidence import EvidenceCollector
from tests.support.pki import CREATED_AT, development_pki, open_person, pki_at
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from transcript_core.clock import FixedClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence, EvidenceSource
from verify.report import FindingOutcome, Outcome, Report, SubIndication
from verify.verifier import Verifier


@dataclass
class Counting:
    """A source that counts what it is asked."""

    source: EvidenceSource
    asked: list[Certificate] = field(default_factory=list)

    def collect(self, certificate: Certificate, *, chain: Sequence[Certificate] = ()) -> Evidence:
        self.asked.append(certificate)
        return self.source.collect(certificate, chain=chain)


class Silent:
    """A source that reaches nobody."""

    def collect(self, certificate: Certificate, *, chain: Sequence[Certificate] = ()) -> Evidence:
        del certificate, chain
        raise EvidenceUnavailable("no server answers", servers=())


def signed() -> bytes:
    """Return a document with one bare signature."""
    document, slots, policy = build_unsigned()
    return sign_slots(document, slots[:1], policy, signer=open_person())


def online() -> Counting:
    pki = development_pki()
    return Counting(EvidenceCollector(pki_at(SIGNED_AT, pki), pki.trust_store(), FixedClock(SIGNED_AT)))


def inspect(source: EvidenceSource | None) -> Report:
    return Verifier(trust=development_pki().trust_store(), source=source).inspect(signed(), at=SIGNED_AT)


def test_nothing_is_fetched_unless_asked() -> None:
    report = inspect(None)
    assert (report.outcome, report.sub_indication) == (Outcome.INDETERMINATE, SubIndication.TRY_LATER)


def test_what_is_missing_is_fetched_once_and_named() -> None:
    source = online()
    report = inspect(source)
    assert report.outcome is Outcome.PASSED
    assert len(source.asked) == 1
    finding = report.get_finding("certificate.revocation")
    assert finding.outcome is FindingOutcome.PASSED
    for text in (finding.text_vi, finding.text_en):
        assert source.asked[0].common_name in text


def test_a_source_that_reaches_nobody_changes_nothing() -> None:
    assert inspect(Silent()).to_dict() == inspect(None).to_dict()


def test_nobody_is_asked_about_what_the_file_carries() -> None:
    source = online()
    evidence = source.collect(open_person().certificate)
    source.asked.clear()
    assert evidence.fetched_at >= CREATED_AT
    verifier = Verifier(trust=development_pki().trust_store(), source=source)
    assert verifier.inspect(b"<a/>", at=SIGNED_AT).outcome is not Outcome.PASSED
    assert source.asked == []
