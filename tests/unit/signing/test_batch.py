"""A person signs many documents at once: each by itself, in both formats, under one approval."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

import pytest

from keys_dev.services import Responder
from signing.batch import SigningResult, SigningTask, attach_task, choose_workers, prepare_task, sign_batch
from signing.batch.rooms import MAX_KEPT_OPEN, LocalRoom
from signing.batch.tasks import Answer, Wanted
from signing.batch.workplace import InMemory, Terms
from signing.eligibility import SignerCheck
from signing.evidence import EvidenceCollector
from signing.signer import Signer, SigningIdentity
from signing.timestamp import TimestampClient
from tests.support.authority import build_authority, staff_identity
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.samples import HOMEROOM, PRINCIPAL, build_issue, build_transcript
from tests.support.signed_pdf import build_appearance
from tests.support.signers import WatchedSigner
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.clock import FixedClock
from transcript_core.errors import (
    EvidenceUnavailable,
    KeyUnavailable,
    NotEligible,
    SignatureMismatch,
    SlotNotReady,
    StaleDigest,
    TimestampRefused,
    TranscriptError,
)
from transcript_core.model import SchoolLevel
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat, SignatureLevel, SigningPolicy, Slot, find_policy, list_slots
from transcript_core.render import render_first_revision
from transcript_core.xml import build_document, build_info, list_signed_slots, read_document

AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
LEVEL = SchoolLevel.PRIMARY
BOTH = (SignatureFormat.XADES, SignatureFormat.PADES)
SERIALS = ("01J9ZK3T5V7X9ABCDEFGHJKMN1", "01J9ZK3T5V7X9ABCDEFGHJKMN2", "01J9ZK3T5V7X9ABCDEFGHJKMN3")


@dataclass(frozen=True)
class Stored:
    """A document as the store has it."""

    xml: bytes
    pdf: bytes
    slots: tuple[Slot, ...]
    policy: SigningPolicy

    def task(self, position: int, formats: tuple[SignatureFormat, ...] = BOTH) -> SigningTask:
        slot = self.slots[position]
        return SigningTask(
            key=slot.serial,
            slot=slot,
            slots=self.slots,
            policy=self.policy,
            xml=self.xml,
            formats=formats,
            pdf=self.pdf,
            appearance=build_appearance(self.pdf, slot),
        )

    def after(self, result: SigningResult, *, partly: bool = False) -> Stored:
        documents = {kind: one.document for kind, one in result.formats.items()}
        assert result.signed or partly
        return replace(
            self,
            xml=documents.get(SignatureFormat.XADES) or self.xml,
            pdf=documents.get(SignatureFormat.PADES) or self.pdf,
        )


@cache
def stored_documents(level: SchoolLevel = LEVEL) -> tuple[Stored, ...]:
    policy = find_policy(level)
    found = []
    for serial in SERIALS:
        transcript = build_transcript(level, serial=serial)
        issue = build_issue(transcript)
        pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
        slots = list_slots(transcript, issue, policy)
        found.append(Stored(build_document(transcript, issue), pdf, slots, policy))
    return tuple(found)


@cache
def open_staff(person: tuple[str, str]) -> Signer:
    return open_person(person[1], staff_identity(person[0]).removeprefix("CCCD:"), algorithm="p-256")


@cache
def evidence_of(certificate: Certificate) -> Evidence:
    pki, clock = development_pki(), FixedClock(AT)
    return EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(certificate)


def check_of(signer: Signer, policy: SigningPolicy | None = None) -> SignerCheck:
    return SignerCheck(
        signer.certificate,
        authority=build_authority((policy and policy.school_level) or LEVEL),
        trust=development_pki().trust_store(),
        evidence=evidence_of(signer.certificate),
        at=AT,
    )


def sign(tasks: Sequence[SigningTask], signer: Signer, **details: Any) -> list[SigningResult]:
    evidence = evidence_of(signer.certificate)
    return list(sign_batch(tasks, signer, check=check_of(signer), at=AT, evidence=evidence, **details))


def timestamps() -> TimestampClient:
    pki, clock = development_pki(), FixedClock(AT)
    return TimestampClient([pki.tsa_url], Responder(pki, clock), clock=clock)


Change: TypeAlias = Callable[["Handled", list[bytes]], Sequence[bytes]]


@dataclass
class Handled(WatchedSigner):
    """A signer whose answers a test may change."""

    change: Change | None = None

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        values = list(super().sign_digests(digests))
        return values if self.change is None else self.change(self, values)


def errors_of(result: SigningResult) -> list[type[Exception] | None]:
    return [None if one.error is None else type(one.error) for one in result.formats.values()]


def test_three_people_sign_three_documents_each_with_one_approval() -> None:
    documents = list(stored_documents())
    levels = []
    for position, opened in enumerate((open_staff(HOMEROOM), open_staff(PRINCIPAL), open_seal())):
        signer = Handled(opened)
        results = sign([one.task(position) for one in documents], signer, timestamps=timestamps())
        assert signer.lists == [6]
        assert [result.key for result in results] == list(SERIALS)
        levels.append({one.level for result in results for one in result.formats.values()})
        documents = [one.after(result) for one, result in zip(documents, results, strict=True)]
    assert levels == [{SignatureLevel.B_B}, {SignatureLevel.B_B}, {SignatureLevel.B_T}]
    for one in documents:
        assert canonicalize(parse_xml(one.xml)) == one.xml
        assert set(read_document(one.xml).signed) == {slot.slot_id for slot in one.slots}
        assert one.xml.count(b"<xades:RevocationValues>") == 3
        assert one.pdf.count(b"/ByteRange") == 3


def test_one_bad_document_stops_nobody() -> None:
    good, signed_already, foreign = stored_documents()
    signer = open_staff(HOMEROOM)
    signed_already = signed_already.after(sign([signed_already.task(0)], signer)[0])
    strangers = replace(foreign.task(0), slot=replace(foreign.slots[0], class_name="5A1"))
    handled = Handled(signer)
    results = sign([signed_already.task(0), strangers, good.task(0)], handled)
    assert [errors_of(one) for one in results] == [[SlotNotReady] * 2, [NotEligible] * 2, [None, None]]
    assert handled.lists == [2]


def test_a_manager_waits_for_the_homeroom_teacher() -> None:
    (result,) = sign([stored_documents()[0].task(1)], open_staff(PRINCIPAL))
    assert errors_of(result) == [SlotNotReady] * 2
    assert not result.signed


def test_a_broken_document_is_told_by_itself() -> None:
    good, other, _ = stored_documents()
    broken = replace(other.task(0), xml=other.xml[:-20])
    no_pdf = replace(other.task(0), pdf=b"%PDF-1.7\n")
    results = sign([broken, no_pdf, good.task(0)], open_staff(HOMEROOM))
    assert [one.signed for one in results] == [False, False, True]


def lose_after(lists: int) -> Change:
    def lose(signer: Handled, values: list[bytes]) -> list[bytes]:
        if len(signer.lists) > lists:
            raise KeyUnavailable("the token was pulled")
        return values

    return lose


def test_a_lost_key_leaves_what_was_signed_and_is_not_asked_again() -> None:
    signer = Handled(open_staff(HOMEROOM), change=lose_after(1))
    results = sign([one.task(0) for one in stored_documents()], signer, list_size=1)
    errors = [errors_of(one) for one in results]  # which of two chunks under way asks first is left open
    assert (errors.count([None, None]), errors.count([KeyUnavailable] * 2)) == (1, 2)
    assert signer.lists == [2, 2]


def test_fewer_values_than_digests_sign_nothing() -> None:
    signer = Handled(open_staff(HOMEROOM), change=lambda _, values: values[:-1])
    results = sign([one.task(0) for one in stored_documents()], signer)
    assert [errors_of(one) for one in results] == [[SignatureMismatch] * 2] * 3
    for serial, one in zip(SERIALS, results, strict=True):
        assert f"document {serial} version 1, slot gvcn" in str(one.formats[SignatureFormat.PADES].error)


def test_values_in_another_order_are_refused_by_name() -> None:
    signer = Handled(open_staff(HOMEROOM), change=lambda _, values: values[::-1])
    results = sign([one.task(0) for one in stored_documents()[:2]], signer)
    assert [errors_of(one) for one in results] == [[SignatureMismatch] * 2] * 2
    error = results[0].formats[SignatureFormat.XADES].error
    assert SERIALS[0] in str(error)


def test_one_wrong_value_stops_one_document() -> None:
    def spoil(_: Handled, values: list[bytes]) -> list[bytes]:
        return [bytes(len(values[0])), *values[1:]]

    results = sign([one.task(0) for one in stored_documents()[:2]], Handled(open_staff(HOMEROOM), change=spoil))
    assert [errors_of(one) for one in results] == [[SignatureMismatch] * 2, [None, None]]


def test_a_pdf_that_waited_is_signed_later_beside_its_xml() -> None:
    document = stored_documents()[0]
    signer = open_staff(HOMEROOM)
    (xml_only,) = sign([document.task(0, (SignatureFormat.XADES,))], signer)
    assert list(xml_only.formats) == [SignatureFormat.XADES]
    document = document.after(xml_only)
    (pdf_only,) = sign([document.task(0, (SignatureFormat.PADES,))], signer)
    assert pdf_only.signed
    assert list_signed_slots(document.xml) == {"gvcn"}
    assert document.after(pdf_only).pdf.count(b"/ByteRange") == 1


def test_an_authority_that_is_down_never_fails_the_signing() -> None:
    def dead(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        raise EvidenceUnavailable(f"{url}: no answer")

    document = stored_documents()[0]
    for position, person in enumerate((HOMEROOM, PRINCIPAL)):
        document = document.after(sign([document.task(position)], open_staff(person))[0])
    (result,) = sign([document.task(2)], open_seal(), timestamps=TimestampClient(["http://tsa.invalid/"], dead))
    assert result.signed
    for one in result.formats.values():
        assert one.level is SignatureLevel.B_B
        assert one.timestamp_problem is not None


def dead_authority() -> TimestampClient:
    """Return a client whose only authority is down."""

    def dead(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        raise EvidenceUnavailable(f"{url}: no answer")

    return TimestampClient(["http://tsa.invalid/"], dead)


def demand_timestamps(document: Stored, *positions: int) -> Stored:
    """Return the document under a policy that demands B-T in these slots."""
    b_t = SignatureLevel.B_T
    roles = [document.slots[position].role for position in positions]
    rules = {
        one.role: replace(one, level=b_t, demanded_level=b_t) for one in document.policy.rules if one.role in roles
    }
    return replace(
        document,
        slots=tuple(replace(one, rule=rules.get(one.role, one.rule)) for one in document.slots),
        policy=replace(document.policy, rules=tuple(rules.get(one.role, one) for one in document.policy.rules)),
    )


@pytest.mark.parametrize("configured", [True, False])
def test_a_slot_that_demands_a_timestamp_is_signed_with_it_or_not_at_all(configured: bool) -> None:
    document = demand_timestamps(stored_documents()[0], 0)
    signer, slot_id = open_staff(HOMEROOM), document.slots[0].slot_id
    (result,) = sign([document.task(0)], signer, timestamps=dead_authority() if configured else None)
    assert not result.signed
    for one in result.formats.values():
        assert isinstance(one.error, TimestampRefused)
        assert one.opened is None
        assert f"{SERIALS[0]} version 1, slot {slot_id}" in str(one.error)
    (result,) = sign([document.task(0)], signer, timestamps=timestamps())
    assert {one.level for one in result.formats.values()} == {SignatureLevel.B_T}
    (later,) = sign([document.after(result).task(1)], open_staff(PRINCIPAL), timestamps=timestamps())
    assert later.signed


def test_a_pdf_is_not_stamped_beside_an_xml_that_was_refused() -> None:
    """The authority comes back between the two formats of one slot: the original decides."""
    answers = iter([False, True])
    network = Responder(development_pki(), FixedClock(AT))

    def fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        if not next(answers):
            raise EvidenceUnavailable(f"{url}: no answer", status=500)
        return network(url, body=body, content_type=content_type, max_bytes=max_bytes)

    document = demand_timestamps(stored_documents()[0], 0)
    client = TimestampClient([development_pki().tsa_url], fetch, clock=FixedClock(AT))
    (result,) = sign([document.task(0)], open_staff(HOMEROOM), timestamps=client)
    assert errors_of(result) == [TimestampRefused] * 2
    assert next(answers), "nothing was asked for the PDF"


def test_in_the_pdf_too_later_slots_wait_for_a_timestamp_that_is_demanded() -> None:
    plain = stored_documents()[0]
    signer = open_staff(HOMEROOM)
    bare = plain.after(sign([plain.task(0)], signer)[0])
    stamped = demand_timestamps(plain, 0).after(
        sign([demand_timestamps(plain, 0).task(0)], signer, timestamps=timestamps())[0]
    )
    mixed = replace(stamped, pdf=bare.pdf)
    (result,) = sign([mixed.task(1)], open_staff(PRINCIPAL))
    assert errors_of(result) == [SlotNotReady] * 2
    assert "in the PDF these slots are signed first, with a timestamp: gvcn" in str(
        result.formats[SignatureFormat.PADES].error
    )
    (empty,) = sign([replace(stamped, pdf=plain.pdf).task(1)], open_staff(PRINCIPAL))
    assert errors_of(empty) == [SlotNotReady] * 2


def test_no_timestamp_is_spent_on_a_value_that_does_not_verify() -> None:
    asked: list[str] = []

    def refuse(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        asked.append(url)
        raise EvidenceUnavailable(f"{url}: no answer")

    document = stored_documents()[0]
    for position, person in enumerate((HOMEROOM, PRINCIPAL)):
        document = document.after(sign([document.task(position)], open_staff(person))[0])
    seal = Handled(open_seal(), change=lambda _, values: values[::-1])
    (result,) = sign([document.task(2)], seal, timestamps=TimestampClient(["http://tsa.invalid/"], refuse))
    assert errors_of(result) == [SignatureMismatch] * 2
    assert asked == []


def test_a_task_without_its_pdf_cannot_be_built() -> None:
    task = stored_documents()[0].task(0)
    with pytest.raises(ValueError, match="PDF"):
        replace(task, pdf=None)
    with pytest.raises(ValueError, match="appearance"):
        replace(task, appearance=None)


@pytest.mark.parametrize("most", [400, None])  # None: any number, each list perhaps an approval of its own
def test_a_holder_of_long_lists_gives_one_approval_for_all_and_documents_are_opened_again(most: int | None) -> None:
    """Past `MAX_KEPT_OPEN` a chunk keeps its digests alone between prepare and attach."""
    one = stored_documents()[0].task(0)
    tasks = [replace(one, key=str(number)) for number in range(MAX_KEPT_OPEN + 6)]
    signer = Handled(open_staff(HOMEROOM), most)
    results = sign(tasks, signer)
    assert signer.lists == [2 * len(tasks)]
    assert [result.key for result in results if result.signed] == [task.key for task in tasks]
    assert list_signed_slots(results[-1].formats[SignatureFormat.XADES].document or b"") == {"gvcn"}


@dataclass
class FailingDisk(InMemory):
    """Keeps how many documents it was given and how many of them were told to be in error; its first flush fails."""

    failures: int = 1
    kept: list[str] = field(default_factory=list)

    def keep(self, name: SigningTask, outcome: SigningResult | TranscriptError) -> SigningResult:
        self.kept.append(name.key)
        return super().keep(name, outcome)

    def flush(self) -> None:
        if self.failures:
            self.failures -= 1
            raise TranscriptError("the disk is full")


def test_what_was_kept_before_a_flush_failed_is_not_told_as_done_whichever_chunk_flushed() -> None:
    signer = open_staff(HOMEROOM)
    workplace = FailingDisk()
    room = LocalRoom(workplace, Terms(SigningIdentity.of(signer), check_of(signer), AT))
    tasks = [replace(stored_documents()[0].task(0), key=str(number)) for number in range(3)]
    wanted = {0: room.prepare(0, tasks[:1]), 1: room.prepare(1, tasks[1:])}
    values = {number: [_answer(signer, one) for one in chunk] for number, chunk in wanted.items()}

    class Between(list[Answer]):
        """The second chunk's answers; the first chunk is finished after the first of them."""

        first: Sequence[SigningResult] = ()

        def __iter__(self) -> Iterator[Answer]:
            yield self[0]
            self.first = room.attach(0, values[0])
            yield self[1]

    between = Between(values[1])
    second = room.attach(1, between)
    assert workplace.kept == ["1", "0", "0", "2", "1", "2"]  # each failed one is kept again, with the error
    for result in (*between.first, *second):
        assert {str(one.error) for one in result.formats.values()} == {"the disk is full"}
    room.prepare(2, tasks[:1])
    assert all(result.signed for result in room.attach(2, values[0]))


def _answer(signer: Signer, wanted: Wanted) -> Answer:
    return {kind: signer.sign_digests([pending.digest])[0] for kind, pending in wanted.items()}


@pytest.mark.parametrize(
    ("cores", "count", "workers"),
    [(1, 5_000, 0), (2, 5_000, 0), (4, 999, 0), (4, 1_000, 4), (64, 5_000, 8), (None, 5_000, 0)],
)
def test_workers_are_started_where_one_process_cannot_fill_the_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, count: int, workers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert choose_workers(count) == workers


def test_short_lists_are_never_exceeded() -> None:
    signer = Handled(open_staff(HOMEROOM), 3)
    assert all(result.signed for result in sign([one.task(0) for one in stored_documents()], signer))
    assert signer.lists == [3, 3]


def test_chunks_are_worked_on_ahead_of_the_reader_but_not_far() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[SigningTask]:
        for number in range(60):
            taken.append(number)
            yield replace(stored_documents()[0].task(0), key=str(number))

    signer = Handled(open_staff(HOMEROOM))
    evidence = evidence_of(signer.certificate)
    results = sign_batch(tasks(), signer, check=check_of(signer), at=AT, evidence=evidence, list_size=1)
    assert [next(results).key for _ in range(3)] == ["0", "1", "2"]
    for _ in range(100):
        time.sleep(0.002)
    assert 3 < len(taken) <= 3 + 8
    results.close()  # type: ignore[attr-defined]  # a generator
    assert not [one for one in threading.enumerate() if one.name.startswith("signing-lane")]
    assert len(taken) <= 3 + 8


def test_an_error_of_the_source_reaches_the_reader() -> None:
    def tasks() -> Iterator[SigningTask]:
        yield stored_documents()[0].task(0)
        yield stored_documents()[1].task(0)
        raise EvidenceUnavailable("the rows cannot be read")

    signer = open_staff(HOMEROOM)
    with pytest.raises(EvidenceUnavailable, match="rows"):
        list(sign_batch(tasks(), signer, check=check_of(signer), at=AT, list_size=1))
    assert not [one for one in threading.enumerate() if one.name.startswith("signing-lane")]


def test_a_certificate_that_changes_in_mid_batch_signs_nothing_more() -> None:
    first, other = open_staff(HOMEROOM), open_staff(PRINCIPAL)

    def swap(signer: Handled, values: list[bytes]) -> list[bytes]:
        signer.inner = other
        return values

    signer = Handled(first, change=swap)
    results = sign([one.task(0) for one in stored_documents()], signer, list_size=1)
    errors = [errors_of(one) for one in results]
    assert (errors.count([None, None]), errors.count([KeyUnavailable] * 2)) == (1, 2)
    assert signer.lists == [2]


def test_lists_are_signed_side_by_side_where_the_signer_allows_it() -> None:
    both = threading.Barrier(2, timeout=20)

    @dataclass
    class Parallel(Handled):
        parallel_calls: int = 2

        def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
            both.wait()  # broken, hence an error, unless two calls meet
            return super().sign_digests(digests)

    results = sign([one.task(0) for one in stored_documents()[:2]], Parallel(open_staff(HOMEROOM), 64), list_size=1)
    assert all(result.signed for result in results)


def test_an_empty_batch_asks_no_key() -> None:
    signer = Handled(open_staff(HOMEROOM))
    assert sign([], signer) == []
    assert signer.lists == []


def test_of_two_people_at_once_the_second_keeps_the_xml_and_the_pdf_waits() -> None:
    """XML parts are signed side by side; a PDF is a queue, and its stale digest is refused for that format alone."""
    (document,) = stored_documents(SchoolLevel.LOWER_SECONDARY)[:1]
    people = [open_staff((slot.staff_code or "", slot.name)) for slot in document.slots[:2]]
    prepared = [
        prepare_task(document.task(one), SigningIdentity.of(signer), check=check_of(signer, document.policy), at=AT)
        for one, signer in enumerate(people)
    ]
    results = []
    for one, signer in zip(prepared, people, strict=True):
        current = replace(one, task=replace(one.task, xml=document.xml, pdf=document.pdf))
        values = {kind: signer.sign_digests([pending.digest])[0] for kind, pending in one.pendings.items()}
        results.append(attach_task(current, values, identity=SigningIdentity.of(signer)))
        document = document.after(results[-1], partly=True)
    assert [errors_of(one) for one in results] == [[None, None], [None, StaleDigest]]
    assert list_signed_slots(document.xml) == {slot.slot_id for slot in document.slots[:2]}
