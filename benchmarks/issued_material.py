"""Issued documents to verify: a school of the demo's making, and transcripts with the usual and twice the signatures.

The school is imported, signed, sealed with timestamps and evidence, and issued by the installation's own code, so every
document passes all checks.  What a verifier needs lies in one folder and can be opened by any process.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from benchmarks.material import AT, Stored, advance, authority, sign_position, signer_of
from demo.school import DemoSchool, enrol
from demo.school_generator import write_school
from keys_dev.services import Responder
from service.context import build_context
from service.db.engine import transaction
from service.schools.importing import import_folder
from service.signing.desk import SigningDesk, open_services
from service.signing.issuing import issue_documents
from service.signing.workflow import sign_open_slots
from service.status.exporting import export_status
from service.status.files import StatusFiles, open_status_file
from service.transcripts import repository
from service.transcripts.building import build_documents
from service.transcripts.repository import DocumentState
from signing.batch import Terms
from signing.eligibility import SignerCheck
from signing.evidence import EvidenceCollector
from signing.signer import Signer, SigningIdentity
from tests.support.issued import ACTOR, BASE_URL, CHANGED_AT, ENROLLED_AT, SIGNED_AT, ManualClock
from tests.support.pki import development_pki
from tests.support.samples import build_issue, build_transcript
from transcript_core.authority import AuthorityList, OfficeEntry, open_authority_list
from transcript_core.clock import FixedClock
from transcript_core.identifiers import generate_serial
from transcript_core.model import SchoolLevel, SlotRole, SlotSigner, SubjectResult, Transcript
from transcript_core.pki.trust import TrustStore, load_trust_store
from transcript_core.policy import get_policy, list_slots, part_id, teacher_slot_id
from transcript_core.render import render_first_revision
from transcript_core.xml import build_document, build_info
from verify.policy import TRANSCRIPT_POLICY
from verify.verifier import Verifier

_CLASS_SIZE: Final = 40
_MOST_TEACHERS: Final = 3
"""Teachers of one subject in the document with twice the signatures: all but one of its 12 subjects have as many."""


@dataclass(frozen=True, slots=True)
class IssuedFolder:
    """A folder with issued documents ("0.xml", "0.pdf", …) and what it takes to verify them."""

    folder: Path
    documents: int

    def read(self, number: int) -> tuple[bytes, bytes]:
        """Return XML and PDF of one document."""
        xml, pdf = ((self.folder / f"{number}.{suffix}").read_bytes() for suffix in ("xml", "pdf"))
        return xml, pdf

    def open_verifier(self) -> Verifier:
        """Return a verifier as `hocba verify` has it: anchors, authority list, status file."""
        clock, trust = FixedClock(CHANGED_AT), self.load_trust()
        listed = open_authority_list((self.folder / "authority.jws").read_bytes(), trust.authorities, at=CHANGED_AT)
        status = open_status_file(self.folder / "status.jws", trust=trust, authority=listed, clock=clock)
        return Verifier(
            trust=trust, authority=listed, status=StatusFiles((status,)), policy=TRANSCRIPT_POLICY, clock=clock
        )

    def load_trust(self) -> TrustStore:
        """Return the anchors."""
        return load_trust_store(self.folder / "anchors")


def issue_school(folder: Path, pupils: int) -> IssuedFolder:
    """Write the issued documents of as many pupils, in classes of 40, and what it takes to verify them."""
    classes = [f"7A{number + 1}" for number in range(-(-pupils // _CLASS_SIZE))]
    write_school(folder / "school", classes=classes, pupils_per_class=min(pupils, _CLASS_SIZE))
    clock, pki = ManualClock(ENROLLED_AT), development_pki()
    school = enrol(folder / "school", pki, folder, level=SchoolLevel.LOWER_SECONDARY, base_url=BASE_URL, clock=clock)
    shutil.copytree(pki.anchors_dir, folder / "anchors")
    try:
        year = _sign_and_issue(school, clock, classes)
        clock.at = CHANGED_AT
        count = _write_issued(school, folder, year)
    finally:
        engine = school.workspace.sessions.kw["bind"]
        assert isinstance(engine, Engine)
        engine.dispose()
    return IssuedFolder(folder, count)


def _sign_and_issue(school: DemoSchool, clock: ManualClock, classes: Sequence[str]) -> str:
    """Take all documents of these classes from the workbooks to the seal; return their school year."""
    workspace, keys = school.workspace, school.keys
    records = import_folder(workspace, school.folder, school=school.school, hold_back=False, actor=ACTOR).records
    build_documents(workspace, school=school.school, school_year=records.school_year, actor=ACTOR)
    clock.at = SIGNED_AT
    services = open_services(workspace, Responder(keys.pki, clock))

    def open_desk(signer: Signer) -> SigningDesk:
        return SigningDesk(workspace, signer, services, clock.now())

    for class_name in classes:
        signed = True
        while signed:  # a homeroom teacher waits for others, a principal for everybody
            reports = [
                sign_open_slots(
                    open_desk(keys.open_person(staff_code)),
                    school_code=school.school.school_code,
                    class_name=class_name,
                    actor=ACTOR,
                )
                for staff_code in keys.people
            ]
            assert not any(report.failed for report in reports)
            signed = any(report.signed for report in reports)
        desk = open_desk(keys.open_seal())
        issued = issue_documents(build_context(workspace), desk, class_name=class_name, actor=ACTOR)
        assert not issued.failed, issued.failed
    return records.school_year


def _write_issued(school: DemoSchool, folder: Path, year: str) -> int:
    workspace, code = school.workspace, school.school.school_code
    with transaction(workspace.sessions) as session:
        found = repository.list_documents(session, school_code=code, state=DocumentState.ISSUED)
        stored = [repository.get_document(session, one.key) for one in found]
    for number, one in enumerate(stored):
        for suffix, digest in (("xml", one.xml_sha256), ("pdf", one.pdf_sha256)):
            (folder / f"{number}.{suffix}").write_bytes(workspace.store.get(digest))
    status = export_status(
        build_context(workspace), school.keys.open_seal(), school_code=code, school_year=year, actor=ACTOR
    )
    (folder / "status.jws").write_bytes(status)
    return len(stored)


# --- documents with many signatures ----------------------------------------------------------------------------


def sign_document(signatures: int) -> tuple[bytes, bytes]:
    """Return XML and PDF of a transcript with so many B-B signatures, 19 or 38; teachers share the 12 subjects."""
    transcript = _with_teachers(build_transcript(serial=generate_serial()), signatures - 3)
    issue = build_issue(transcript)
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    issue = build_issue(transcript, pdf=pdf)
    slots = list_slots(transcript, issue, get_policy(transcript.policy_id))
    assert len(slots) == signatures, len(slots)
    documents = [Stored(build_document(transcript, issue), pdf, slots)]
    for position, slot in enumerate(slots):
        holder = signer_of(slot)
        terms = Terms(SigningIdentity.of(holder), _check(holder), AT)
        documents = advance(documents, sign_position(documents, position, terms=terms))
    return documents[0].octets


def _with_teachers(transcript: Transcript, count: int) -> Transcript:
    """Return the transcript with so many teacher slots: colleagues of other subjects join, one a subject at a time."""
    subjects = list(transcript.subjects)
    colleagues = list({one.staff_code: one for subject in subjects for one in subject.teachers}.values())
    missing = count - sum(len(subject.teachers) for subject in subjects)
    while missing > 0:
        for number, subject in enumerate(subjects):
            known = {one.staff_code for one in subject.teachers}
            other = next(one for one in colleagues if one.staff_code not in known)
            if missing > 0 and len(subject.teachers) <= _MOST_TEACHERS:
                subjects[number] = replace(subject, teachers=(*subject.teachers, other))
                missing -= 1
    rest = tuple(one for one in transcript.signers if one.role is not SlotRole.SUBJECT_TEACHER)
    return replace(transcript, subjects=tuple(subjects), signers=(*_list_signers(subjects), *rest))


def _list_signers(subjects: Sequence[SubjectResult]) -> list[SlotSigner]:
    return [
        SlotSigner(
            slot_id=teacher_slot_id(subject.subject_code, number),
            role=SlotRole.SUBJECT_TEACHER,
            staff_code=teacher.staff_code,
            name=teacher.name,
            title="GIÁO VIÊN BỘ MÔN",
            subject_code=subject.subject_code,
            part_id=part_id(subject.subject_code),
            part_revision=subject.revision,
        )
        for subject in subjects
        for number, teacher in enumerate(subject.teachers, start=1)
    ]


def wide_authority() -> AuthorityList:
    """Return the sample authority list with every subject teacher entitled for every subject."""
    base = authority()
    codes = [subject.subject_code for subject in build_transcript().subjects]
    staff = [replace(entry, offices=tuple(_widen(entry.offices, codes))) for entry in base.staff]
    return replace(base, staff=tuple(staff))


def _widen(offices: Sequence[OfficeEntry], codes: Sequence[str]) -> list[OfficeEntry]:
    fixed = [one for one in offices if one.subject_code is None]
    taught = {replace(one, subject_code=code) for one in offices if one.subject_code is not None for code in codes}
    return [*fixed, *sorted(taught, key=lambda one: (one.class_name or "", one.subject_code or ""))]


def _check(signer: Signer) -> SignerCheck:
    pki, clock = development_pki(), FixedClock(AT)
    evidence = EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(signer.certificate)
    return SignerCheck(
        signer.certificate, authority=wide_authority(), trust=pki.trust_store(), evidence=evidence, at=AT
    )
