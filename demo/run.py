"""The main job from the first spreadsheet to the last verification, and what forgers would try in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo.attacks import edit_mark, forge_paper, raise_marks, swap_part
from demo.correction import correct_final_mark
from demo.ledger import Ledger, Step, count
from demo.outputs import write_document, write_held_back, write_problems, write_report, write_results
from demo.school import DemoSchool
from service.cli.output import progress, progress_bars
from service.context import AppContext, build_context
from service.db.engine import transaction
from service.schools.importing import ImportOutcome, import_folder
from service.signing.desk import SigningDesk, SigningServices
from service.signing.issuing import IssueReport, issue_documents
from service.signing.review import build_review, build_seal_review
from service.signing.workflow import sign_open_slots
from service.status.exporting import export_status
from service.status.files import open_status_file
from service.status.recalls import approve_recall, request_recall, seal_recall
from service.store import write_atomically
from service.transcripts import repository, slot_repository
from service.transcripts.building import build_documents, get_transcript_document
from service.transcripts.replacing import build_replacement
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.web.texts import Language
from service.web.view import build_comparison
from signing.signer import Signer
from transcript_core.errors import TranscriptError
from transcript_core.model import Transcript
from transcript_core.policy import part_id
from transcript_core.records import StaffRecord
from verify.policy import TRANSCRIPT_POLICY
from verify.report import Outcome, Report
from verify.verifier import Verifier

ACTOR = "demo"
_CORRECTED = "Toán.xlsx"
_PRINCIPAL = "Hiệu trưởng"
_CLERK = "Văn thư"
_REASON = "Sửa điểm đánh giá cuối kì môn Toán học kì II do nhập nhầm"
_RECALL_REASON = "Phát hành nhầm cho học sinh đã chuyển trường"


@dataclass
class Demo:
    """One run over one school."""

    demo: DemoSchool
    out: Path
    services: SigningServices
    class_name: str | None
    ledger: Ledger = field(default_factory=Ledger)
    urls: dict[DocumentKey, str] = field(default_factory=dict)
    held_back: list[str] = field(default_factory=list)  # a line for each error that holds a pupil back

    def __post_init__(self) -> None:
        self.workspace = self.demo.workspace
        self.context: AppContext = build_context(self.workspace)

    def run(self) -> None:
        """Do everything, in order."""
        outcome = self.import_school()
        self.build(outcome)
        self.sign_all(outcome.records.staff)
        self.issue("seal and issue")
        self.write_documents()
        self.verify_all()
        documents = self.list_documents(DocumentState.ISSUED)
        if len(documents) >= 4:
            self.try_to_deceive(documents)
            self.recall_one(documents[1], outcome)
            replaced = self.replace_one(documents[2:], outcome)
            self.check_offline(current=documents[0], replaced=replaced, recalled=documents[1])

    def import_school(self) -> ImportOutcome:
        """Take the workbooks; pupils with errors are held back, each named."""
        with self.ledger.step("import the school's spreadsheets") as step:
            outcome = import_folder(
                self.workspace, self.demo.folder, school=self.demo.school, hold_back=True, actor=ACTOR
            )
            step.count = count(len(outcome.records.pupils), "pupil")
            step.outcome = f"{len(outcome.records.held_back)} held back, {len(outcome.problems)} problems named"
        write_problems(self.out, outcome.problems)
        self.held_back = write_held_back(self.out, outcome.problems, outcome.records.held_back)
        with self.ledger.step("import the same files again") as step:
            again = import_folder(
                self.workspace, self.demo.folder, school=self.demo.school, hold_back=True, actor=ACTOR
            )
            step.count = count(len(again.records.pupils), "pupil")
            step.outcome = "nothing changed" if not again.changed else "CHANGED"
            step.expected = not again.changed
        return outcome

    def build(self, outcome: ImportOutcome) -> None:
        """Build and lock the documents."""
        total = sum(self.class_name in {None, pupil.class_name} for pupil in outcome.records.pupils)
        with self.ledger.step("build and lock XML and PDF") as step, progress("build", total) as advance:
            result = build_documents(
                self.workspace,
                school=self.demo.school,
                school_year=outcome.records.school_year,
                class_name=self.class_name,
                actor=ACTOR,
                advance=advance,
            )
            step.count = count(len(result.built), "document")
            step.outcome = f"{len(result.incomplete)} incomplete, {result.unchanged} were there already"
            step.expected = not result.incomplete

    def sign_all(self, staff: Sequence[StaffRecord]) -> None:
        """Let everybody sign what is open for them: subject teachers, homeroom teachers, principal."""
        managers = [one.staff_code for one in staff if one.position == _PRINCIPAL]
        teachers = [one.staff_code for one in staff if one.staff_code not in managers]
        self._sign("sign: subject teachers, and homeroom where complete", teachers)
        self._sign("sign: the other homeroom teachers", teachers)
        self._sign("sign: principal", managers)

    def _sign(self, name: str, staff_codes: Sequence[str]) -> None:
        with transaction(self.workspace.sessions) as session:
            open_slots = slot_repository.count_open_slots(
                session, school_code=self.demo.school.school_code, class_name=self.class_name
            )
        with self.ledger.step(name) as step, progress("sign", sum(open_slots.values())) as advance:
            signed, failed, odd = 0, [], 0
            for staff_code in staff_codes:
                desk, school_code = self.open_desk(self.demo.keys.open_person(staff_code)), self.demo.school.school_code
                review = build_review(desk, school_code=school_code, class_name=self.class_name)
                odd += len(review.odd_marks) + len(review.replaced) + len(review.records_changed)
                report = sign_open_slots(
                    desk,
                    school_code=school_code,
                    class_name=self.class_name,
                    approval=review.contents,
                    actor=ACTOR,
                    advance=advance,
                )
                signed += len(report.signed)
                failed += report.failed
            step.count = f"{count(signed, 'slot')} × 2 formats"
            step.outcome = f"{len(failed)} refused, {odd} to look at in the reviews"
            step.expected = not failed

    def open_desk(self, signer: Signer) -> SigningDesk:
        """Return a desk for one action, now."""
        return SigningDesk(self.workspace, signer, self.services, self.workspace.clock.now())

    def issue(self, name: str) -> IssueReport:
        """Seal, verify, record."""
        total = len(self.list_documents(DocumentState.LOCKED))
        with (
            self.ledger.step(name) as step,
            progress_bars(("seal", total), ("issue", total)) as (advance_sealed, advance),
        ):
            desk = self.open_desk(self.demo.keys.open_seal())
            report = issue_documents(
                self.context,
                desk,
                class_name=self.class_name,
                approval=build_seal_review(desk, class_name=self.class_name).contents,
                actor=ACTOR,
                advance_sealed=advance_sealed,
                advance=advance,
            )
            self.urls |= report.urls
            step.count = count(len(report.issued), "document")
            step.outcome = f"{len(report.failed)} failed"
            step.expected = not report.failed
        for key, error in report.failed[:3]:
            self.ledger.steps.append(Step(f"  {key}", outcome=str(error), expected=False))
        return report

    def list_documents(self, state: DocumentState) -> list[StoredDocument]:
        """Return the documents of this run's class or school in `state`."""
        with transaction(self.workspace.sessions) as session:
            return repository.list_documents(
                session, school_code=self.demo.school.school_code, class_name=self.class_name, state=state
            )

    def read(self, stored: StoredDocument) -> dict[str, bytes]:
        """Return the files of one issued document by suffix."""
        store = self.workspace.store
        files = {"xml": store.get(stored.xml_sha256), "pdf": store.get(stored.pdf_sha256)}
        return files if stored.json_sha256 is None else {**files, "jws": store.get(stored.json_sha256)}

    def write_documents(self) -> None:
        """Leave every issued document and the results in the folder."""
        transcripts: list[Transcript] = []
        with self.ledger.step("write documents, QR codes and results") as step:
            for stored in self.list_documents(DocumentState.ISSUED):
                files = self.read(stored)
                transcript = get_transcript_document(files["xml"]).transcript
                transcripts.append(transcript)
                write_document(self.out / "documents", transcript, files, url=self.urls.get(stored.key))
            write_results(self.out, transcripts)
            step.count = count(len(transcripts), "document")
            step.outcome = str(self.out / "documents")

    def verify_all(self) -> None:
        """Verify every document as a stranger would: the XML with its JSON, then the PDF with its XML."""
        verifier = self.build_verifier()
        documents = self.list_documents(DocumentState.ISSUED)
        for suffix, name in (
            ("xml", "verify XML with its JSON"),
            ("pdf", "verify PDF with its XML"),
        ):
            with self.ledger.step(name) as step, progress("verify", len(documents)) as advance:
                worst: list[Report] = []
                for stored in documents:
                    files = self.read(stored)
                    report = (
                        verifier.verify(files["xml"], json=files["jws"])
                        if suffix == "xml"
                        else verifier.verify(files["pdf"], xml=files["xml"])
                    )
                    worst += [] if report.outcome is Outcome.PASSED else [report]
                    advance(1)
                step.count = count(len(documents), "document")
                step.outcome = f"{len(documents) - len(worst)} {Outcome.PASSED.value}, {len(worst)} not"
                step.expected = not worst
            if worst:
                write_report(self.out / "reports", f"unexpected-{suffix}", worst[0])
        if documents:
            sample = self.read(documents[0])
            write_report(self.out / "reports", "genuine-xml", verifier.verify(sample["xml"]))
            write_report(self.out / "reports", "genuine-pdf", verifier.verify(sample["pdf"], xml=sample["xml"]))

    def build_verifier(self) -> Verifier:
        """Return a verifier that knows the installation's records, as the public page does."""
        return Verifier(
            trust=self.workspace.trust,
            authority=self.workspace.authority,
            status=self.context,
            policy=TRANSCRIPT_POLICY,
            clock=self.workspace.clock,
        )

    def try_to_deceive(self, documents: Sequence[StoredDocument]) -> None:
        """Edit a mark, swap a signed part, put a genuine QR code on a forged paper."""
        first, other = self.read(documents[0]), self.read(documents[3])
        forged = self.out / "forged"
        url = self.urls.get(documents[0].key, "http://127.0.0.1/")
        tries: list[tuple[str, str, Callable[[], bytes]]] = [
            ("edit one mark in the XML", "edited-mark.xml", lambda: edit_mark(first["xml"])),
            (
                "swap one signed part",
                "swapped-part.xml",
                lambda: swap_part(first["xml"], other["xml"], part_id("TOAN")),
            ),
            ("genuine QR on a forged PDF", "forged-paper.pdf", lambda: forge_paper(first["xml"], url)),
        ]
        for name, file, make in tries:
            with self.ledger.step(name) as step:
                content = make()
                write_atomically(forged / file, content)
                report = self.build_verifier().verify(content)
                write_report(self.out / "reports", Path(file).stem, report)
                self._expect(step, report, caught=True)
        self.compare_paper(first["xml"])

    def compare_paper(self, xml: bytes) -> None:
        """Show what a reader of the forged paper sees who scans its genuine QR code and presses "compare"."""
        with self.ledger.step("forged paper beside the QR's page") as step:
            document = get_transcript_document(xml)
            page, paper = (
                build_comparison(one, document.issue, Language.VIETNAMESE)["tables"][0]["rows"]
                for one in (document.transcript, raise_marks(document.transcript))
            )
            different = [(row[0], row[-1], other[-1]) for row, other in zip(page, paper, strict=True) if row != other]
            step.count, step.expected = count(len(different), "line"), bool(different)
            subject, says, claims = different[0]
            step.outcome = f"{subject}: signed {says}, paper {claims}"

    def _expect(self, step: Step, report: Report, *, caught: bool) -> None:
        step.count = "1 document"
        status = f", {report.document.status}" if report.document.status not in {None, "valid"} else ""
        step.outcome = f"{report.outcome.value}{status}"
        step.expected = (report.outcome is not Outcome.PASSED) is caught

    def replace_one(self, documents: Sequence[StoredDocument], outcome: ImportOutcome) -> StoredDocument:
        """Correct a mark in the workbook, import again, build version 2, sign what changed, issue; return version 1."""
        with self.ledger.step("correct a mark, build the next version") as step:
            by_pupil = {document.pupil_code: document for document in documents}
            pupil_code, before, after = correct_final_mark(self.demo.folder, _CORRECTED, list(by_pupil))
            stored = by_pupil[pupil_code]
            import_folder(self.workspace, self.demo.folder, school=self.demo.school, hold_back=True, actor=ACTOR)
            key = build_replacement(
                self.workspace, stored.key.serial, school=self.demo.school, reason=_REASON, actor=ACTOR
            )
            step.count, step.outcome = f"version {key.version}", f"final mark {before} → {after}"
        self.sign_all(outcome.records.staff)
        self.issue("seal and issue the new version")
        with self.ledger.step("verify the replaced version") as step:
            report = self.build_verifier().verify(self.read(stored)["xml"])
            write_report(self.out / "reports", "replaced", report)
            self._expect(step, report, caught=True)
        with transaction(self.workspace.sessions) as session:
            newest = repository.get_document(session, key)
        with self.ledger.step("verify the new version, XML and PDF") as step:
            files = self.read(newest)
            transcript = get_transcript_document(files["xml"]).transcript
            write_document(self.out / "documents", transcript, files, url=self.urls.get(key))
            report = self.build_verifier().verify(files["pdf"], xml=files["xml"])
            write_report(self.out / "reports", "new-version", report)
            self._expect(step, report, caught=False)
        return stored

    def recall_one(self, stored: StoredDocument, outcome: ImportOutcome) -> None:
        """Recall one version: the clerk asks, the principal approves, the seal closes."""
        clerk = _find_position(outcome.records.staff, _CLERK)
        principal = _find_position(outcome.records.staff, _PRINCIPAL)
        keys, serial = self.demo.keys, stored.key.serial
        with self.ledger.step("recall one: clerk, principal, seal") as step:
            request_recall(
                self.open_desk(keys.open_person(clerk)),
                serial,
                stored.key.version,
                reason=_RECALL_REASON,
                approver_staff_code=principal,
                actor=ACTOR,
            )
            approve_recall(self.open_desk(keys.open_person(principal)), serial, actor=ACTOR)
            key = seal_recall(self.context, self.open_desk(keys.open_seal()), serial, actor=ACTOR)
            step.count, step.outcome = "1 document", f"recorded as version {key.version}"
        with self.ledger.step("verify the recalled version") as step:
            report = self.build_verifier().verify(self.read(stored)["xml"])
            write_report(self.out / "reports", "recalled", report)
            self._expect(step, report, caught=True)

    def check_offline(self, *, current: StoredDocument, replaced: StoredDocument, recalled: StoredDocument) -> None:
        """Export the signed status file and verify with it alone, as one would offline."""
        year = current.school_year
        path = self.out / f"status-{year}.jws"
        with self.ledger.step("export the signed status file") as step:
            signed = export_status(
                self.context,
                self.demo.keys.open_seal(),
                school_code=self.demo.school.school_code,
                school_year=year,
                actor=ACTOR,
            )
            write_atomically(path, signed)
            status = open_status_file(
                path, trust=self.workspace.trust, authority=self.workspace.authority, clock=self.workspace.clock
            )
            step.count, step.outcome = (
                count(len(status.entries), "version"),
                f"next update {status.next_update:%Y-%m-%d}",
            )
        offline = Verifier(
            trust=self.workspace.trust,
            authority=self.workspace.authority,
            status=status,
            policy=TRANSCRIPT_POLICY,
            clock=self.workspace.clock,
        )
        for name, stored, caught in (
            ("offline: a current one", current, False),
            ("offline: the replaced one", replaced, True),
            ("offline: the recalled one", recalled, True),
        ):
            with self.ledger.step(name) as step:
                self._expect(step, offline.verify(self.read(stored)["xml"]), caught=caught)


def _find_position(staff: Sequence[StaffRecord], position: str) -> str:
    for person in staff:
        if person.position == position:
            return person.staff_code
    raise TranscriptError(f"the school's list of staff has no {position}")
