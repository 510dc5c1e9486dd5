"""Attempts to let the wrong people, or too few, make a document that passes.  Insiders hold their own keys only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from lxml.etree import _Element

from tests.support.samples import build_issue, build_transcript
from tests.vectors.forge import MATHS, XADES, edit, only, reseal, resign
from tests.vectors.pictures import describe_pictured, sign_pdf, signed_pdf
from tests.vectors.school import (
    CHECKED_AT,
    OTHER_SCHOOL_CODE,
    build_sample_recall,
    describe,
    school,
    signed,
)
from transcript_core.authority import OfficeEntry, StaffEntry
from transcript_core.canonical import parse_xml
from transcript_core.consistency import check_issue, check_transcript
from transcript_core.errors import MalformedTranscript
from transcript_core.model import KeptSignature, PrimarySummary, SchoolLevel, SlotRole
from transcript_core.policy import Office, find_policy, get_policy, list_recall_slots, list_slots
from transcript_core.render import render_first_revision
from transcript_core.render.view import build_view
from transcript_core.status import DocumentStatus, StatusEntry, StatusFile
from transcript_core.xml import build_info, build_recall, document_digest, parse_transcript
from verify.report import FindingOutcome, Outcome, Report
from verify.text import render
from verify.verifier import Verifier


def list_failing(report: Report) -> set[str]:
    bad = {FindingOutcome.FAILED, FindingOutcome.INDETERMINATE}
    return {finding.check for finding in report.findings if finding.outcome in bad}


def test_picture_under_the_policy_of_another_level_cannot_do_without_the_teachers() -> None:
    """Primary schools need no subject teachers; homeroom, principal and seal of another level must not use that."""
    transcript, issue = describe_pictured()
    primary = find_policy(SchoolLevel.PRIMARY)
    homeroom = tuple(one for one in transcript.signers if one.role is SlotRole.HOMEROOM_TEACHER)
    forged = replace(transcript, policy_id=primary.identifier, signers=homeroom)
    slots = list_slots(forged, issue, replace(primary, school_level=transcript.school.level))
    picture = render_first_revision(transcript, issue, info_xml=build_info(forged))
    report = school().verifier().verify(sign_pdf(picture, slots, primary), at=CHECKED_AT)
    assert report.outcome is Outcome.FAILED
    assert "document.structure" in list_failing(report)


def test_picture_of_other_marks_that_everybody_signed_unseen_is_told() -> None:
    """Who prepares documents may draw better marks, and put that picture's digest into the data all sign."""
    transcript, _ = describe_pictured()
    flattering = replace(transcript, homeroom_comment="Xuất sắc về mọi mặt.")
    issue = build_issue(transcript)
    picture = render_first_revision(flattering, issue, info_xml=build_info(transcript))
    issue = build_issue(transcript, pdf=picture)
    document, slots, policy = describe(transcript, issue)
    xml, pdf = school().sign_all(document, slots, policy), sign_pdf(picture, slots, policy)
    report = school().verifier().verify(pdf, at=CHECKED_AT, xml=xml)
    assert (report.outcome, list_failing(report)) == (Outcome.INDETERMINATE, {"pdf.picture"})
    assert report.transcript is None


def test_picture_follows_from_the_signed_values_and_not_from_how_a_spreadsheet_wrote_them() -> None:
    """The XML says 34.0; a verifier that makes the picture again has no other source."""
    transcript = build_transcript(SchoolLevel.PRIMARY)
    assert isinstance(transcript.summary, PrimarySummary)
    imported = replace(transcript, summary=replace(transcript.summary, weight_kg=Decimal(34)))
    read = parse_transcript(parse_xml(build_info(imported)))
    assert read == imported
    assert build_view(read, build_issue(read)) == build_view(imported, build_issue(imported))


def test_another_version_than_the_one_asked_for_never_passes() -> None:
    document = signed()
    report = school().verifier(status=DocumentStatus.SUPERSEDED).verify(document, at=CHECKED_AT, version=2)
    assert (report.outcome, list_failing(report)) == (Outcome.FAILED, {"status"})
    assert report.transcript is None
    assert school().verifier().verify(signed_pdf(), at=CHECKED_AT, version=2).outcome is Outcome.FAILED


def test_one_person_with_two_staff_codes_cannot_recall_alone() -> None:
    transcript = build_transcript()
    manager = build_issue(transcript).manager
    here = school()
    key = here.person(manager.staff_code, manager.name)
    assert key.certificate.identity is not None
    second = StaffEntry(
        "0199999999",
        manager.name,
        (key.certificate.identity,),
        (OfficeEntry(Office.CLERK, "01000701", datetime(2024, 8, 1, tzinfo=UTC).date()),),
    )
    authority = replace(here.authority(), staff=(*here.authority().staff, second))
    recall = build_sample_recall(signed(), transcript)
    recall = replace(recall, requested_by=replace(recall.requested_by, staff_code="0199999999", name=manager.name))
    slots, policy = list_recall_slots(recall, find_policy(None)), find_policy(None)
    document = here.sign_all(build_recall(recall), slots, policy, signers={"nguoi-de-nghi": key})
    report = Verifier(trust=here.trust, authority=authority).verify(document, at=CHECKED_AT)
    assert (report.outcome, list_failing(report)) == (Outcome.FAILED, {"slots.signers"})


def test_part_of_a_name_names_nobody() -> None:
    transcript = build_transcript()
    signers = tuple(replace(one, name=one.name[:-1]) if one.slot_id == MATHS else one for one in transcript.signers)
    forged = replace(transcript, signers=signers)
    document, slots, policy = describe(forged, build_issue(forged))
    keys = {MATHS: school().person(*_person(MATHS))}
    report = school().verifier().verify(school().sign_all(document, slots, policy, signers=keys), at=CHECKED_AT)
    assert (report.outcome, list_failing(report)) == (Outcome.FAILED, {"slots.signers"})


def _person(slot_id: str) -> tuple[str, str]:
    signer = next(one for one in build_transcript().signers if one.slot_id == slot_id)
    return signer.staff_code, signer.name


def test_school_issues_no_transcripts_of_a_level_it_does_not_have() -> None:
    here = school()
    authority = here.authority()
    schools = tuple(replace(one, levels=(SchoolLevel.PRIMARY,)) for one in authority.schools)
    verifier = Verifier(trust=here.trust, authority=replace(authority, schools=schools), status=here.status_of_all())
    report = verifier.verify(signed(), at=CHECKED_AT)
    assert (report.outcome, list_failing(report)) == (Outcome.FAILED, {"authority"})


def test_status_file_of_another_school_says_nothing() -> None:
    """Another school's seal could else call a recalled document current."""
    document, transcript = signed(), build_transcript()
    entry = StatusEntry(transcript.serial, transcript.version, document_digest(document), DocumentStatus.VALID)
    foreign = StatusFile(OTHER_SCHOOL_CODE, "2025-2026", CHECKED_AT, CHECKED_AT + timedelta(days=7), (entry,))
    here = school()
    report = Verifier(trust=here.trust, authority=here.authority(), status=foreign).verify(document, at=CHECKED_AT)
    assert (report.outcome, list_failing(report)) == (Outcome.INDETERMINATE, {"status"})
    assert report.document.status == "unknown"


def test_seal_and_school_have_one_name() -> None:
    transcript = build_transcript()
    issue = build_issue(transcript)
    with pytest.raises(MalformedTranscript, match="different names"):
        check_issue(replace(issue, seal=replace(issue.seal, name="Trường THPT Chu Văn An")), transcript)


@pytest.mark.parametrize(("version", "kept"), [(1, 0), (3, 1), (3, 2)])
def test_first_document_keeps_nothing(version: int, kept: int) -> None:
    """A NEW document that claims kept signatures could date them as it likes."""
    transcript = build_transcript()
    signers = tuple(
        replace(one, kept=KeptSignature(kept, CHECKED_AT.date())) if one.slot_id == MATHS else one
        for one in transcript.signers
    )
    with pytest.raises(MalformedTranscript, match="keeps"):
        check_transcript(replace(transcript, version=version, signers=signers))


@pytest.mark.parametrize(
    "claimed",
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_signing_time_at_the_end_of_the_calendar_fails_and_can_be_told(claimed: str) -> None:
    def change(root: _Element) -> None:
        only(root, MATHS, f"{XADES}SigningTime").text = claimed

    report = school().verifier().verify(edit(signed(), change, resign(MATHS), reseal), at=CHECKED_AT)
    assert report.outcome is Outcome.FAILED
    assert {"signature.form", "time.plausible"} <= list_failing(report)
    assert render(report, "vi")
    assert report.to_json()


def test_policy_of_the_sample_is_that_of_its_level() -> None:
    transcript = build_transcript()
    primary = find_policy(SchoolLevel.PRIMARY)
    assert get_policy(transcript.policy_id).school_level is transcript.school.level
    with pytest.raises(MalformedTranscript, match="another kind of document"):
        list_slots(transcript, build_issue(transcript), primary)
