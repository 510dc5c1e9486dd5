"""PDF and JSON: alone, beside the XML, and against it.  The XML wins."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tests.support.samples import build_issue, build_transcript
from tests.support.signed_pdf import QR_URL
from tests.vectors.pictures import (
    build_appearance,
    describe_pictured,
    first_revision,
    pictured_xml,
    sign_pdf,
    signed_json,
    signed_pdf,
)
from tests.vectors.school import (
    CHECKED_AT,
    OTHER_MST,
    OTHER_SCHOOL_NAME,
    TEACHERS_SIGN_AT,
    describe,
    school,
    signed,
)
from tests.vectors.versions import CORRECTED_AT, LOCKED_AT, build_corrected, correct
from transcript_core.policy import get_policy, list_slots
from transcript_core.render import render_first_revision
from transcript_core.status import DocumentStatus
from transcript_core.xml import build_info
from verify.report import DocumentKind, Finding, FindingOutcome, Outcome, Report, SubIndication
from verify.verifier import Verifier


def verifier() -> Verifier:
    return school().verifier()


def list_failing(report: Report) -> dict[str, Finding]:
    bad = {FindingOutcome.FAILED, FindingOutcome.INDETERMINATE}
    return {finding.check: finding for finding in report.findings if finding.outcome in bad}


def test_pdf_alone_passes_and_says_that_the_picture_was_not_checked() -> None:
    report = verifier().verify(signed_pdf(), at=CHECKED_AT)
    assert (report.outcome, list_failing(report)) == (Outcome.PASSED, {})
    assert report.document.kind is DocumentKind.TRANSCRIPT_PDF
    assert report.get_finding("pdf.picture").outcome is FindingOutcome.NOT_CHECKED
    assert report.transcript == build_transcript()
    assert len(report.signatures) == 19


def test_seals_timestamp_proves_every_signature_of_the_pdf() -> None:
    report = verifier().verify(signed_pdf(), at=CHECKED_AT)
    assert {one.proven_time for one in report.signatures} == {report.signatures[-1].signed_at}


def test_principal_of_a_pdf_alone_must_be_one_by_the_authority_list() -> None:
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    stranger = school().person("0191111111", "Cao Thị Xa")
    pdf = sign_pdf(first_revision(), list_slots(transcript, issue, policy), policy, signers={"cbql": stranger})
    report = verifier().verify(pdf, at=CHECKED_AT)
    assert report.outcome is Outcome.FAILED
    assert set(list_failing(report)) == {"authority", "pdf.appearances"}  # the field shows the principal's name


def test_pdf_with_its_xml_passes_with_the_picture_checked() -> None:
    report = verifier().verify(signed_pdf(), at=CHECKED_AT, xml=pictured_xml())
    assert (report.outcome, list_failing(report)) == (Outcome.PASSED, {})
    assert report.get_finding("pdf.picture").outcome is FindingOutcome.PASSED
    assert report.document.digest is not None
    assert len(report.signatures) == 38


def test_pdf_beside_the_xml_of_another_transcript_fails() -> None:
    other = signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")
    report = verifier().verify(signed_pdf(), at=CHECKED_AT, xml=other)
    assert report.outcome is Outcome.FAILED
    assert list_failing(report)["pdf.content"].sub_indication is SubIndication.HASH_FAILURE


def test_pdf_beside_a_broken_xml_fails() -> None:
    broken = pictured_xml().replace(b"<DIEM>8.4</DIEM>", b"<DIEM>9.9</DIEM>", 1)
    report = verifier().verify(signed_pdf(), at=CHECKED_AT, xml=broken)
    assert report.outcome is Outcome.FAILED
    assert {"signature.references", "pdf.content"} <= set(list_failing(report))
    assert report.transcript is None


def test_picture_that_shows_other_marks_than_the_data_fails_beside_the_xml() -> None:
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    flattering = replace(transcript, homeroom_comment="Xuất sắc về mọi mặt.")
    picture = render_first_revision(flattering, issue, info_xml=build_info(transcript))
    pdf = sign_pdf(picture, list_slots(transcript, issue, policy), policy)
    report = verifier().verify(pdf, at=CHECKED_AT, xml=pictured_xml())
    assert report.outcome is Outcome.FAILED
    assert set(list_failing(report)) == {"pdf.picture"}


def test_unsigned_pdf_fails_as_incomplete() -> None:
    report = verifier().verify(first_revision(), at=CHECKED_AT)
    assert report.outcome is Outcome.FAILED
    assert list_failing(report)["slots.complete"].outcome is FindingOutcome.FAILED


def test_octets_after_the_seal_fail_a_pdf() -> None:
    report = verifier().verify(signed_pdf() + b"%10.0\n", at=CHECKED_AT)
    assert report.outcome is Outcome.FAILED


def test_json_alone_is_the_seals_word_and_names_who_is_missing() -> None:
    report = verifier().verify(signed_json(build_transcript(), pictured_xml()), at=CHECKED_AT)
    assert report.outcome is Outcome.INDETERMINATE
    missing = list_failing(report)["slots.complete"]
    assert all(slot in missing.text_vi for slot in ("gvbm-TOAN-1", "gvcn", "cbql"))
    assert report.transcript is None


def test_json_beside_its_xml_passes_whichever_is_asked_about() -> None:
    token, xml = signed_json(build_transcript(), pictured_xml()), pictured_xml()
    for report in (verifier().verify(token, at=CHECKED_AT, xml=xml), verifier().verify(xml, at=CHECKED_AT, json=token)):
        assert (report.outcome, list_failing(report)) == (Outcome.PASSED, {})


def test_json_that_says_something_else_fails_beside_the_xml() -> None:
    forged = replace(build_transcript(), homeroom_comment="Xuất sắc về mọi mặt.")
    report = verifier().verify(pictured_xml(), at=CHECKED_AT, json=signed_json(forged, pictured_xml()))
    assert report.outcome is Outcome.FAILED
    assert set(list_failing(report)) == {"json.content"}


def test_json_that_names_another_document_fails_beside_the_xml() -> None:
    report = verifier().verify(pictured_xml(), at=CHECKED_AT, json=signed_json(build_transcript(), signed()))
    assert set(list_failing(report)) == {"json.content"}


def test_changed_json_fails() -> None:
    token = signed_json(build_transcript(), pictured_xml())
    head, body, value = token.split(b".")
    report = verifier().verify(b".".join((head, body, value[:-8] + b"AAAAAAAA")), at=CHECKED_AT, xml=pictured_xml())
    assert report.outcome is Outcome.FAILED
    assert {"signature.references", "signature.value"} <= set(list_failing(report))


def test_json_of_another_schools_seal_fails() -> None:
    transcript = replace(build_transcript())
    document, slots, policy = describe(transcript, build_issue(transcript))
    seal = school().seal(OTHER_SCHOOL_NAME, OTHER_MST)
    xml = school().sign_all(document, slots, policy, signers={"ky-phat-hanh": seal})
    report = verifier().verify(signed_json(transcript, xml), at=CHECKED_AT, xml=xml)
    assert report.outcome is Outcome.FAILED
    assert "authority" in list_failing(report)


def test_replaced_version_passes_as_what_it_was_only_when_asked_for() -> None:
    document = signed()
    replaced = school().verifier(document, status=DocumentStatus.SUPERSEDED)
    assert replaced.verify(document, at=CHECKED_AT).transcript is None
    asked = replaced.verify(document, at=CHECKED_AT, version=1)
    assert (asked.outcome, asked.document.status) == (Outcome.PASSED, "superseded")
    assert asked.transcript == build_transcript()


def test_nothing_passes_without_anchors_list_or_status() -> None:
    document = signed()
    report = Verifier().verify(document, at=CHECKED_AT)
    assert (report.outcome, report.sub_indication) == (
        Outcome.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert {one.intact for one in report.signatures} == {True}
    assert set(report.unanswered) == {"authority", "status"}
    here, known = school(), school().status_of_all()
    for lacking in (
        Verifier(trust=None, authority=here.authority(), status=known),
        Verifier(trust=here.trust, authority=None, status=known),
        Verifier(trust=here.trust, authority=here.authority(), status=None),
    ):
        assert lacking.verify(document, at=CHECKED_AT).outcome is Outcome.INDETERMINATE


def test_development_anchors_are_never_passed_over_in_silence() -> None:
    finding = verifier().verify(signed(), at=CHECKED_AT).get_finding("trust.world")
    assert "THỬ NGHIỆM" in finding.text_vi
    assert "DEVELOPMENT" in finding.text_en


def test_inspection_of_a_transcript_judges_its_signatures_alone() -> None:
    recalled = school().verifier(status=DocumentStatus.RECALLED)
    report = recalled.inspect(signed(), at=TEACHERS_SIGN_AT.replace(year=2027))
    assert report.outcome is Outcome.PASSED
    assert not {"authority", "status", "slots.complete"} & {finding.check for finding in report.findings}
    assert Verifier().inspect(signed(), at=CHECKED_AT).sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_pdf_of_a_correction_needs_the_xml_for_the_signatures_that_were_kept() -> None:
    transcript = correct()
    issue = build_issue(transcript)
    policy = get_policy(transcript.policy_id)
    slots = [slot for slot in list_slots(transcript, issue, policy) if not slot.kept]
    picture = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    draw = partial(build_appearance, url=QR_URL.replace("/1#", "/2#"))
    pdf = sign_pdf(picture, slots, policy, start=LOCKED_AT, draw=draw)
    alone = verifier().verify(pdf, at=CORRECTED_AT)
    assert alone.outcome is Outcome.INDETERMINATE
    assert set(list_failing(alone)) == {"slots.complete"}
    assert "Phạm Hữu Hải" in list_failing(alone)["slots.complete"].text_vi
    with_xml = verifier().verify(pdf, at=CORRECTED_AT, xml=build_corrected())
    assert (with_xml.outcome, list_failing(with_xml)) == (Outcome.PASSED, {})
