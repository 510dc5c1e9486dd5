"""A dishonest operator with the database, and a dishonest school with principal and seal, against what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from lxml.etree import _Element

from service.context import AppContext
from service.db.engine import transaction
from service.db.tables import EventRow
from service.status.exporting import export_status
from service.transcripts.recording import SignedFiles, record_document, record_recall
from service.verifications.events import EventVerifier, VerifiedEvent, list_following
from service.verifications.verifiers import RECORD_POLICY
from tests.support.issued import Installation, issued_school, open_copy, open_empty
from tests.support.samples import build_transcript
from tests.vectors.forge import XADES, edit, only, resign
from tests.vectors.school import MovableClock, school, signed
from tests.vectors.versions import CORRECTED_AT, build_corrected, correct, sign_correction
from transcript_core.errors import Conflict, MalformedTranscript
from transcript_core.jws import parse_jws
from transcript_core.model import Event, KeptSignature, Replacement, SlotSigner, SubjectResult, Transcript
from transcript_core.status import DocumentStatus, derive_status, parse_status_payload
from transcript_core.xml import document_digest
from verify.report import FindingOutcome, Outcome
from verify.verifier import Verifier


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    opened = open_copy(tmp_path / "copy")
    yield opened
    opened.close()


def _forged_export(installation: Installation, context: AppContext) -> dict[tuple[str, int], DocumentStatus]:
    issued = installation.issued
    signed_file = export_status(
        context,
        issued.keys.open_seal(),
        school_code=issued.school.school_code,
        school_year=issued.current.transcript.school_year,
        actor="test",
    )
    entries = parse_status_payload(parse_jws(signed_file).payload).entries
    return {(entry.serial, entry.version): entry.status for entry in entries}


def test_recall_whose_row_was_moved_to_another_year_is_still_exported(installation: Installation) -> None:
    key = installation.issued.recalled.key
    with transaction(installation.workspace.sessions) as session:
        session.get_one(EventRow, (key.serial, 2)).school_year = "2001-2002"
    assert _forged_export(installation, installation.context)[key.serial, 1] is DocumentStatus.RECALLED


def test_recall_whose_row_names_another_file_stops_the_export(installation: Installation) -> None:
    """The file is signed and genuine, even of the same serial, but it is not that event."""
    key = installation.issued.recalled.key
    with transaction(installation.workspace.sessions) as session:
        first = session.get_one(EventRow, (key.serial, 1)).document_sha256
        session.get_one(EventRow, (key.serial, 2)).document_sha256 = first
    with pytest.raises(Conflict, match="no longer verifies"):
        _forged_export(installation, installation.context)


def test_pdf_cannot_be_recorded_as_a_recall(installation: Installation) -> None:
    with pytest.raises(MalformedTranscript):
        record_recall(installation.context, installation.issued.current.pdf, actor="test")


def test_row_that_names_a_pdf_proves_nothing(installation: Installation) -> None:
    key = installation.issued.current.key
    with transaction(installation.workspace.sessions) as session:
        row = session.get_one(EventRow, (key.serial, 1))
        row.document_sha256 = installation.workspace.store.put(installation.issued.current.pdf)
    assert installation.context.find_record(key.serial, 1).unproven


def test_xml_cannot_be_recorded_in_the_place_of_the_pdf(tmp_path: Path) -> None:
    other, current = open_empty(tmp_path / "other"), issued_school().current
    files = SignedFiles(current.xml, current.xml, current.jws)
    with pytest.raises(MalformedTranscript, match="PDF"):
        record_document(other.context, files, view_secret_sha256=None, actor="test")
    other.close()


def test_issued_version_cannot_be_recorded_again_with_another_view_secret(installation: Installation) -> None:
    current = installation.issued.current
    installation.clock.forward(timedelta(minutes=1))
    files = SignedFiles(current.xml, current.pdf, current.jws)
    with pytest.raises(Conflict):
        record_document(installation.context, files, view_secret_sha256=bytes(32), actor="test")


def test_recall_cannot_be_recorded_twice(installation: Installation) -> None:
    with pytest.raises(Conflict):
        record_recall(installation.context, installation.issued.recall, actor="test")


def test_pdf_alone_is_held_against_what_was_issued_here(installation: Installation) -> None:
    """Kept signatures and the picture are then checked too; where the version is unknown, they are not."""
    report = installation.context.verify_now(installation.issued.replacement.pdf).report
    assert report.outcome is Outcome.PASSED
    assert report.get_finding("pdf.picture").outcome is FindingOutcome.PASSED


# --- versions that bring something back ---------------------------------------------------------------------------


def _read(*documents: bytes) -> list[VerifiedEvent]:
    """Return the events of documents that each pass by themselves."""
    here = school()
    verifier = Verifier(trust=here.trust, authority=here.authority(), policy=RECORD_POLICY)
    events = EventVerifier(verifier, MovableClock(CORRECTED_AT + timedelta(days=4)))
    found = [events.find_event(str(number), document) for number, document in enumerate(documents)]
    assert None not in found
    return [one for one in found if one is not None]


def _third(changed: tuple[str, ...], **values: object) -> Transcript:
    """Return version 3, replacing version 2, otherwise as `correct` makes version 2."""
    base = replace(
        correct(),
        version=3,
        event=Event.UPDATE,
        replaces=Replacement(2, document_digest(build_corrected()), "Sửa lại.", changed),
    )
    return replace(base, **values)  # type: ignore[arg-type]


def _roll_back() -> bytes:
    """Return version 3 with the mark of version 1, its teacher's signature of version 1 and all: not signed anew."""
    first, kept = build_transcript(), KeptSignature(1, _find_kept_day())
    subjects = tuple(
        next(old for old in first.subjects if old.subject_code == one.subject_code) for one in correct().subjects
    )
    signers = tuple(
        replace(one, part_revision=1, kept=kept) if one.subject_code == "TOAN" else one for one in correct().signers
    )
    return sign_correction(_third(("thongtinhocba",), subjects=subjects, signers=signers), signed())


def _find_kept_day() -> date:
    return next(one.kept.signed_on for one in correct().signers if one.kept is not None)


def test_part_cannot_be_rolled_back_by_those_who_did_not_sign_it() -> None:
    """Homeroom teacher, principal and seal need no teacher for it, and the document alone is sound."""
    events = _read(signed(), build_corrected(), _roll_back())
    following = list_following(events)
    assert [one.event.version for one in following] == [1, 2]
    answers = derive_status([one.event for one in following], as_of=CORRECTED_AT)
    assert answers[2].status is DocumentStatus.VALID


def test_change_that_is_not_named_does_not_follow() -> None:
    def comment(one: SubjectResult) -> SubjectResult:
        return replace(one, comment="Xuất sắc.", revision=3) if one.subject_code == "NGUVAN" else one

    subjects = tuple(map(comment, correct().subjects))
    signers = tuple(
        replace(one, part_revision=3, kept=None) if one.subject_code == "NGUVAN" else _keep_all(one)
        for one in correct().signers
    )
    honest = sign_correction(_third(("diem-NGUVAN",), subjects=subjects, signers=signers), build_corrected())
    more = {"subjects": subjects, "signers": signers, "homeroom_comment": "Xuất sắc về mọi mặt."}
    silent = sign_correction(_third(("diem-NGUVAN",), **more), build_corrected())
    assert [one.event.version for one in list_following(_read(signed(), build_corrected(), honest))] == [1, 2, 3]
    assert [one.event.version for one in list_following(_read(signed(), build_corrected(), silent))] == [1, 2]


def _keep_all(signer: SlotSigner) -> SlotSigner:
    """Keep also the signature that version 2 was made for."""
    if signer.subject_code != "TOAN":
        return signer
    return replace(signer, kept=KeptSignature(2, CORRECTED_AT.date() - timedelta(days=2)))


def test_signature_made_later_is_not_one_that_was_kept() -> None:
    """A stolen or revoked key could else sign today and be believed as of the day that principal and seal name."""
    transcript = correct()
    slots_anew = [one.slot_id for one in transcript.signers if one.subject_code == "NGUVAN"]
    genuine = build_corrected()
    again = sign_correction(transcript, _signed_anew(slots_anew))
    assert [one.event.version for one in list_following(_read(signed(), genuine))] == [1, 2]
    assert [one.event.version for one in list_following(_read(signed(), again))] == [1]


def _signed_anew(slot_ids: list[str]) -> bytes:
    """Return version 1 with these slots signed once more at another time of the same day."""

    def change(root: _Element) -> None:
        for slot_id in slot_ids:
            only(root, slot_id, f"{XADES}SigningTime").text = "2026-05-29T05:00:00Z"

    return edit(signed(), change, resign(*slot_ids))
