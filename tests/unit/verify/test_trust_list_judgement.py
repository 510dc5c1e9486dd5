"""What a trust list does to verification: history, uses, worlds, and services that were withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.pki import development_pki
from tests.support.trust_lists import (
    BEGINNING,
    GRANTED,
    ISSUED_AT,
    NEXT_UPDATE,
    OCSP,
    OTHER_CA,
    TSA,
    WITHDRAWN,
    certificate_of,
    open_sample,
    operator,
    sample_list,
    service,
    sign,
)
from tests.vectors.school import CHECKED_AT, school, signed
from transcript_core.errors import TrustMaterialError
from transcript_core.pki.path import PathOutcome, PathResult, Purpose, SubIndication, list_paths, validate_path
from transcript_core.pki.trust import TrustFolder, TrustStore, TrustUse, World, build_anchor
from transcript_core.pki.trust_list import TrustService, build_trust_store
from verify.report import FindingOutcome, Outcome
from verify.trust_lists import open_trust_list
from verify.verifier import Verifier

SECOND = timedelta(seconds=1)
SIGNED_AT = datetime(2026, 5, 30, tzinfo=UTC)


def store(*services: TrustService, world: World = World.NATIONAL, folder: TrustFolder | None = None) -> TrustStore:
    return build_trust_store(folder or TrustFolder(), [(world, open_sample(sample_list(services, world=world)))])


def validate(trust: TrustStore, at: datetime = SIGNED_AT, purpose: Purpose = Purpose.SIGNING) -> PathResult:
    """Ask about the seal's certificate, which the national CA issued; revocation is another matter."""
    return validate_path(school().seal().certificate, trust=trust, at=at, purpose=purpose)


def found(result: PathResult) -> bool:
    """Return whether the path led to a trusted anchor; nothing is known of revocation here."""
    return (result.anchor is not None, result.sub_indication) == (True, SubIndication.TRY_LATER)


# Anchors


def test_each_period_of_trust_is_an_anchor_of_its_own() -> None:
    again = ISSUED_AT + timedelta(days=1)
    listed = sample_list([service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN), (again, GRANTED))])
    first, second = open_sample(listed).list_anchors(World.NATIONAL)
    assert (first.trusted_from, first.trusted_to) == (BEGINNING, ISSUED_AT)
    assert (second.trusted_from, second.trusted_to) == (again, None)
    assert first.uses == {TrustUse.SIGNING}
    assert first.source is not None
    assert first.source.number == 7
    assert [first.is_trusted_at(at) for at in (BEGINNING - SECOND, BEGINNING, ISSUED_AT - SECOND, ISSUED_AT)] == [
        False,
        True,
        True,
        False,
    ]


def test_statuses_that_both_mean_trust_are_one_period() -> None:
    former = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/undersupervision"
    (anchor,) = sample_list([service("national-ca", (BEGINNING, former), (ISSUED_AT, GRANTED))]).list_anchors(
        World.NATIONAL
    )
    assert (anchor.trusted_from, anchor.trusted_to) == (BEGINNING, None)
    both = [
        service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN)),
        service("national-ca", service_type=OTHER_CA),
    ]
    (anchor,) = sample_list(both).list_anchors(World.NATIONAL)
    assert anchor.trusted_to is None


@pytest.mark.parametrize("status", [WITHDRAWN, f"{GRANTED}x", "granted", "http://example.invalid/granted"])
def test_any_other_status_is_no_trust(status: str) -> None:
    assert not sample_list([service("national-ca", (BEGINNING, status))]).list_anchors(World.NATIONAL)


def test_services_of_other_kinds_open_no_path() -> None:
    assert not sample_list([service("ocsp-national-ca", service_type=OCSP)]).list_anchors(World.NATIONAL)


EXTENSION = "<ServiceInformationExtensions>{}</ServiceInformationExtensions></ServiceInformation>"
SCOPE = (
    '<Extension Critical="true"><AdditionalServiceInformation>'
    '<URI xml:lang="en">http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/{}</URI>'
    "</AdditionalServiceInformation></Extension>"
)


@pytest.mark.parametrize(
    ("extension", "trusted"),
    [
        (SCOPE.format("ForeSignatures"), True),
        (SCOPE.format("ForWebSiteAuthentication"), False),
        (SCOPE.format("ForeSeals") + SCOPE.format("ForWebSiteAuthentication"), True),
        (SCOPE.format("RootCA-QC"), True),
        ('<Extension Critical="true"><Unknown></Unknown></Extension>', False),
        ("<Extension><Unknown></Unknown></Extension>", False),
        ('<Extension Critical="false"><Unknown></Unknown></Extension>', True),
    ],
)
def test_extensions_that_must_be_understood(extension: str, trusted: bool) -> None:
    data = sign(
        sample_list([service("national-ca")]),
        lambda text: text.replace("</ServiceInformation>", EXTENSION.format(extension)),
    )
    read = open_trust_list(data, [operator()], at=SIGNED_AT)
    assert bool(read.list_anchors(World.NATIONAL)) is trusted


# Paths


def test_an_issuer_counts_while_its_service_was_granted() -> None:
    withdrawn = SIGNED_AT + timedelta(days=3)
    trust = store(service("national-ca", (BEGINNING, GRANTED), (withdrawn, WITHDRAWN)))
    assert found(validate(trust, SIGNED_AT))
    late = validate(trust, withdrawn)
    assert (late.outcome, late.sub_indication) == (
        PathOutcome.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    )
    assert (late.anchor, late.world) == (None, None)
    assert late.lapsed is not None
    assert late.lapsed.trusted_to == withdrawn
    proven = validate_path(school().seal().certificate, trust=trust, at=withdrawn, used_at=SIGNED_AT)
    assert found(proven), "withdrawn later does not hurt what was signed before, when that is proven"


def test_an_issuer_does_not_count_before_its_service_was_granted() -> None:
    trust = store(service("national-ca", (SIGNED_AT + SECOND, GRANTED)))
    early = validate(trust, SIGNED_AT)
    assert (early.anchor, early.sub_indication) == (None, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_no_root_helps_a_service_that_was_withdrawn() -> None:
    root = TrustFolder(
        (build_anchor(certificate_of("national-root"), World.NATIONAL),), (certificate_of("national-ca"),)
    )
    assert found(validate(TrustStore(root.anchors, root.intermediates)))
    trust = store(service("national-ca", (BEGINNING, WITHDRAWN)), folder=root)
    assert validate(trust).anchor is None


def test_a_time_stamping_service_is_good_for_time_stamps_only_and_a_ca_for_signatures() -> None:
    tsa = certificate_of("tsa")
    listed = store(service("tsa", service_type=TSA))
    assert [chain for _, chain in list_paths(tsa, listed, (), Purpose.TIMESTAMPING)] == [(tsa,)]
    result = validate_path(tsa, trust=listed, at=SIGNED_AT, purpose=Purpose.TIMESTAMPING)
    assert result.outcome is PathOutcome.VALID
    assert validate_path(tsa, trust=listed, at=SIGNED_AT).anchor is None
    only_ca = store(service("national-ca"))
    assert validate_path(tsa, trust=only_ca, at=SIGNED_AT, purpose=Purpose.TIMESTAMPING).anchor is None
    assert found(validate(only_ca))
    as_tsa = store(service("national-ca", service_type=TSA))
    assert validate(as_tsa).anchor is None
    assert found(validate_path(tsa, trust=as_tsa, at=SIGNED_AT, purpose=Purpose.TIMESTAMPING))


def test_a_time_stamping_service_withdrawn_stamps_no_more() -> None:
    trust = store(service("tsa", (BEGINNING, GRANTED), (SIGNED_AT, WITHDRAWN), service_type=TSA))
    ask = [
        validate_path(certificate_of("tsa"), trust=trust, at=at, purpose=Purpose.TIMESTAMPING).outcome
        for at in (SIGNED_AT - SECOND, SIGNED_AT)
    ]
    assert ask == [PathOutcome.VALID, PathOutcome.INDETERMINATE]


# Together


def test_one_certificate_belongs_to_one_world_and_one_source() -> None:
    listed = open_sample(sample_list([service("national-ca")]))
    with pytest.raises(TrustMaterialError, match="one trust world only"):
        build_trust_store(TrustFolder(), [(World.NATIONAL, listed), (World.PUBLIC_DUTY, listed)])
    with pytest.raises(TrustMaterialError, match="is an anchor twice"):
        build_trust_store(TrustFolder(), [(World.NATIONAL, listed), (World.NATIONAL, listed)])
    folder = TrustFolder((build_anchor(certificate_of("national-ca"), World.NATIONAL),))
    with pytest.raises(TrustMaterialError, match="alone decides"):
        build_trust_store(folder, [(World.NATIONAL, listed)])
    with pytest.raises(TrustMaterialError, match="no trust anchor"):
        build_trust_store(TrustFolder(), [(World.NATIONAL, open_sample(sample_list([])))])


def test_stores_of_other_periods_have_other_fingerprints() -> None:
    stores = [
        store(service("national-ca")),
        store(service("national-ca", (ISSUED_AT, GRANTED))),
        store(service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN))),
        store(service("national-ca", service_type=TSA)),
    ]
    assert len({one.fingerprint for one in stores}) == 4
    assert {one.due for one in stores} == {NEXT_UPDATE}


def both_worlds(*national: TrustService) -> TrustStore:
    lists = [
        (World.NATIONAL, open_sample(sample_list(national))),
        (World.PUBLIC_DUTY, open_sample(sample_list([service("public-duty-ca")], world=World.PUBLIC_DUTY))),
    ]
    folder = TrustFolder(authorities=development_pki().trust_store().authorities)
    return build_trust_store(folder, lists)


def test_a_transcript_passes_by_two_lists_and_the_report_says_which() -> None:
    trust = both_worlds(service("national-ca"), service("tsa", service_type=TSA))
    verifier = Verifier(trust=trust, authority=school().authority(), status=school().status_of_all())
    report = verifier.verify(signed(), at=CHECKED_AT)
    assert report.outcome is Outcome.PASSED, [
        one for one in report.findings if one.outcome is not FindingOutcome.PASSED
    ]
    assert {one.world for one in report.signatures} == {"national", "public-duty"}
    said = report.get_finding("trust.world")
    assert "danh sách tin cậy số 7 của Cơ quan quản lý" in said.text_vi
    assert "trust list 7 of Cơ quan quản lý" in said.text_en


def test_a_seal_of_a_ca_that_was_withdrawn_before_is_not_believed() -> None:
    gone = service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN))
    trust = both_worlds(gone, service("tsa", service_type=TSA))
    verifier = Verifier(trust=trust, authority=school().authority(), status=school().status_of_all())
    report = verifier.verify(signed(), at=CHECKED_AT)
    assert report.outcome is Outcome.INDETERMINATE
    seal = next(one for one in report.signatures if one.slot == "ky-phat-hanh")
    assert (seal.world, seal.outcome) == (None, Outcome.INDETERMINATE)
    assert report.transcript is None
