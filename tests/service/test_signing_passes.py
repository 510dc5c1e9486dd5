"""A pass over many documents: worker processes, a key that goes away, workers that die, races, approvals."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from service.progress import no_progress
from service.signing import batching, saving
from service.signing.batching import PassReport, sign_pass
from service.signing.opening import SlotName, load_work
from service.signing.review import build_review
from service.signing.saving import SignedSlot, SigningRecord, save_signed
from service.signing.workflow import sign_open_slots
from service.store import DocumentStore, StoreFull
from service.workspace import Workspace
from signing.signer import Signer
from tests.support.many import find_rsa_teacher, list_open, multiply
from tests.support.signers import WatchedSigner
from tests.support.workflow import ACTOR, SmallSchool, built_school
from transcript_core.errors import KeyUnavailable, StaleDigest, TranscriptError
from transcript_core.policy import SignatureFormat
from transcript_core.xml import get_signature, list_signed_slots

BOTH = frozenset(SignatureFormat)
COPIES = 66  # with the school's own two documents three chunks: 32 + 32 + 4


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with built_school(tmp_path) as made:
        yield made


def watch(signer: Signer, before: Callable[[int], None] = lambda _: None) -> WatchedSigner:
    """Return the signer with lists as short as a token's: without a limit it would get all digests in one list."""
    return WatchedSigner(signer, 64, before)


def run(
    school: SmallSchool,
    signer: Signer,
    staff_code: str,
    *,
    workers: int = 0,
    advance: Callable[[int], None] = no_progress,
) -> PassReport:
    return sign_pass(
        school.open_desk(signer),
        list_open(school, staff_code),
        school_code=school.school.school_code,
        actor=ACTOR,
        advance=advance,
        workers=workers,
    )


def assert_signed_once(school: SmallSchool, count: int, slot_id: str) -> None:
    """Fail unless `count` documents have this slot signed in both formats, in the rows as in the files."""
    documents = school.list_documents()
    assert [school.list_signed(one.key)[slot_id] for one in documents] == [BOTH] * count
    school.assert_rows_tell_what_files_hold()
    school.assert_store_is_sound()


@pytest.mark.parametrize("workers", [0, 2])
def test_many_documents_are_signed_in_order_and_saved(school: SmallSchool, workers: int) -> None:
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    told: list[int] = []
    todo = list_open(school, teacher)
    signer = watch(school.open_person(teacher))
    report = run(school, signer, teacher, workers=workers, advance=told.append)
    assert (report.signed, report.failed) == (list(todo), {})
    assert sorted(signer.lists) == [8, 64, 64]
    assert sum(told) == COPIES + 2
    assert_signed_once(school, COPIES + 2, todo[0][1])
    assert not worker_processes()


def test_workers_hold_no_key_and_see_no_secret(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCBA_KEY_PASSWORD", "không ai được thấy")
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    seen: list[bytes] = []

    def look(_: int) -> None:
        seen.extend(Path(f"/proc/{pid}/environ").read_bytes() for pid in worker_processes())

    run(school, watch(school.open_person(teacher), look), teacher, workers=2)
    assert seen
    assert all(b"PATH=" in one and b"HOCBA_" not in one for one in seen)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_key_that_goes_away_keeps_what_was_signed_and_the_next_run_goes_on(school: SmallSchool, workers: int) -> None:
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    slot_id = list_open(school, teacher)[0][1]

    def pull(number: int) -> None:
        if number > 1:
            raise KeyUnavailable("the token was pulled")

    signer = watch(school.open_person(teacher), pull)
    report = run(school, signer, teacher, workers=workers)
    assert len(signer.lists) == 2, "asked once more, then never again"
    assert len(report.signed) == 32
    assert {type(error) for error in report.failed.values()} == {KeyUnavailable}
    assert len(report.failed) == COPIES + 2 - 32
    school.assert_rows_tell_what_files_hold()
    again = watch(school.open_person(teacher))
    assert len(run(school, again, teacher, workers=workers).signed) == COPIES + 2 - 32
    assert sum(again.lists) == 2 * (COPIES + 2 - 32), "nothing is signed twice"
    assert_signed_once(school, COPIES + 2, slot_id)


def test_a_killed_worker_costs_its_own_documents_alone(school: SmallSchool) -> None:
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    slot_id = list_open(school, teacher)[0][1]

    def kill(number: int) -> None:
        if number == 1:
            os.kill(worker_processes()[0], signal.SIGKILL)

    report = run(school, watch(school.open_person(teacher), kill), teacher, workers=2)
    assert {error.code for error in report.failed.values()} == {"worker-lost"}
    assert 0 < len(report.failed) < COPIES
    assert len(report.signed) + len(report.failed) == COPIES + 2
    school.assert_rows_tell_what_files_hold()
    assert len(run(school, school.open_person(teacher), teacher).signed) == len(report.failed)
    assert_signed_once(school, COPIES + 2, slot_id)
    assert not worker_processes()


def test_one_action_tries_again_what_a_killed_worker_lost(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    multiply(school, COPIES)
    monkeypatch.setattr(batching, "choose_workers", lambda _: 2)
    teacher = find_rsa_teacher(school)

    def kill(number: int) -> None:
        if number == 2:
            os.kill(worker_processes()[-1], signal.SIGKILL)

    desk = school.open_desk(watch(school.open_person(teacher), kill))
    report = sign_open_slots(desk, school_code=school.school.school_code, actor=ACTOR)
    assert not report.failed
    assert len(report.signed) >= COPIES + 2
    school.assert_rows_tell_what_files_hold()


def test_an_interrupt_saves_what_is_finished_and_ends_the_workers(school: SmallSchool) -> None:
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    slot_id = list_open(school, teacher)[0][1]

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(school, school.open_person(teacher), teacher, workers=2, advance=interrupt)
    assert not worker_processes()
    assert not [one for one in threading.enumerate() if one.name.startswith("signing-lane")]
    school.assert_rows_tell_what_files_hold()
    assert run(school, school.open_person(teacher), teacher).signed
    assert_signed_once(school, COPIES + 2, slot_id)


def test_a_full_store_stops_the_pass_and_what_was_saved_stays(
    school: SmallSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiply(school, COPIES)
    teacher = find_rsa_teacher(school)
    slot_id = list_open(school, teacher)[0][1]
    left = [2 * 70]  # two lanes with chunks of 32 documents: one at least gets to its end

    def write(path: Path, pieces: tuple[bytes, ...]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(pieces))

    monkeypatch.setattr("service.store.replace_atomically", write)
    todo = list_open(school, teacher)
    report = run(school, school.open_person(teacher), teacher)
    assert {*report.signed, *report.failed} == set(todo), "every document is told of, tried or not"
    assert len(report.signed) + len(report.failed) == len(todo)
    for (key, slot), error in report.failed.items():
        assert isinstance(error, StoreFull)
        assert str(error).startswith(f"document {key}, slot {slot}: the document store cannot be written")
        assert str(error).endswith("free some space and run again")
    assert {name for name in todo if school.list_signed(name[0])[slot_id] == BOTH} == set(report.signed)
    school.assert_rows_tell_what_files_hold()
    assert sum(school.list_signed(one.key)[slot_id] == BOTH for one in school.list_documents()) >= 32
    monkeypatch.undo()
    run(school, school.open_person(teacher), teacher)
    assert_signed_once(school, COPIES + 2, slot_id)


def test_of_two_who_sign_at_once_the_second_keeps_the_xml(school: SmallSchool) -> None:
    """The other signs between our reading and our saving: the XML is carried over, the PDF waits."""
    first, second = school.teachers[:2]
    ours = dict(list_open(school, first))

    def overtake(_: int) -> None:
        assert not school.sign(second).failed

    report = run(school, watch(school.open_person(first), overtake), first)
    assert {type(error) for error in report.failed.values()} == {StaleDigest}
    for key, slot_id in ours.items():
        assert school.list_signed(key)[slot_id] == {SignatureFormat.XADES}
    school.assert_rows_tell_what_files_hold()
    kept = {key: get_signature(school.read(key)[0], slot_id) for key, slot_id in ours.items()}
    assert run(school, school.open_person(first), first).signed
    for key, slot_id in ours.items():
        assert get_signature(school.read(key)[0], slot_id) == kept[key], "the XML is not signed a second time"
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)


def test_an_overtaken_document_that_cannot_be_read_stops_no_other(school: SmallSchool) -> None:
    """Somebody else's signature came first, and of one document the newer file is gone."""
    first, second = school.teachers[:2]
    lost = school.list_documents()[0].key

    def overtake(_: int) -> None:
        assert not school.sign(second).failed
        school.workspace.store.discard(school.get_document(lost).xml_sha256)

    report = run(school, watch(school.open_person(first), overtake), first)
    assert {key: error.code for (key, _), error in report.failed.items()} == {
        one.key: "not-found" if one.key == lost else "stale-digest" for one in school.list_documents()
    }
    for (key, slot_id), error in report.failed.items():
        assert school.list_signed(key)[slot_id] == (set() if key == lost else {SignatureFormat.XADES}), error


def test_a_file_that_the_disk_does_not_give_stops_no_other(school: SmallSchool) -> None:
    multiply(school, 3)
    teacher = school.teachers[0]
    broken = school.list_documents()[1]
    for digest_hex in (broken.xml_sha256, broken.pdf_sha256):
        path = school.workspace.settings.effective_store_dir / digest_hex[:2] / digest_hex
        path.unlink()
        path.mkdir()
    review = build_review(school.open_desk(school.open_person(teacher)), school_code=school.school.school_code)
    assert len({one.key for one in review.slots}) == 4
    report = run(school, school.open_person(teacher), teacher)
    assert {key for key, _ in report.signed} == {one.key for one in school.list_documents()} - {broken.key}
    assert {(key, error.code) for (key, _), error in report.failed.items()} == {(broken.key, "store-unreadable")}


def test_what_was_signed_by_another_run_meanwhile_is_not_signed_over(school: SmallSchool) -> None:
    teacher = find_rsa_teacher(school)

    def overtake(_: int) -> None:
        assert not school.sign(teacher).failed

    report = run(school, watch(school.open_person(teacher), overtake), teacher)
    assert {error.code for error in report.failed.values()} == {"conflict"}
    school.assert_rows_tell_what_files_hold()
    school.assert_store_is_sound()


def test_a_file_that_is_not_the_newest_is_never_named(school: SmallSchool) -> None:
    """Saving looks at the row as it is now, not as it was when the files were read."""
    teacher = find_rsa_teacher(school)
    (work, _) = load_work(school.workspace, list_open(school, teacher))
    school.sign(teacher)
    before = school.snapshot()
    stale = SignedSlot(work.stored, work.slot_id, {SignatureFormat.XADES: work.stored.xml_sha256})
    record = SigningRecord(ACTOR, school.workspace.clock.now(), "00", "00")
    assert [error.code for error in save_signed(school.workspace, [stale], record).values()] == ["conflict"]
    assert school.snapshot() == before


def test_what_changed_since_the_approval_is_named_and_what_came_later_waits(school: SmallSchool) -> None:
    multiply(school, 3)
    teacher = find_rsa_teacher(school)
    desk = school.open_desk(school.open_person(teacher))
    documents = [one.key for one in school.list_documents()]
    shown, *_ = list_open(school, teacher)
    approved: dict[SlotName, str] = {shown: "00" * 32}
    report = sign_open_slots(desk, school_code=school.school.school_code, approval=approved, actor=ACTOR)
    assert not report.signed
    assert [(key, error.code) for key, _, error in report.failed] == [(shown[0], "changed-since-review")]
    assert not any(list_signed_slots(school.read(key)[0]) for key in documents)


def test_files_named_by_rows_were_synced_before(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No row may name a file that a power cut could take away."""
    order: list[str] = []
    sync, save = DocumentStore.sync, saving.save_signed

    def note_sync(store: DocumentStore) -> None:
        order.append("sync")
        sync(store)

    def note_save(
        workspace: Workspace, signed: Sequence[SignedSlot], record: SigningRecord
    ) -> dict[SlotName, TranscriptError]:
        order.append("save")
        return save(workspace, signed, record)

    monkeypatch.setattr(DocumentStore, "sync", note_sync)
    monkeypatch.setattr(batching, "save_signed", note_save)
    teacher = find_rsa_teacher(school)
    run(school, school.open_person(teacher), teacher)
    assert order == ["sync", "save"]


def worker_processes() -> list[int]:
    """Return the worker processes of this process."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if b"signing.batch.workers" in _read(Path(f"/proc/{pid}/cmdline")):
                found.append(int(pid))
    return sorted(found)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        time.sleep(0)
        return b""
