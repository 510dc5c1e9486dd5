"""Raising what was issued: every document ends at its level, each timestamp is made once, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp

from keys_dev.services import Responder
from service.db.engine import transaction
from service.db.tables import RecallRow
from service.signing.desk import SigningServices
from service.signing.extending import ExtendReport, extend_documents
from service.signing.levels import list_level_tasks
from service.status.recalls import approve_recall, request_recall, seal_recall
from service.transcripts import event_repository
from signing import pades, xades
from signing.evidence import EvidenceCollector
from signing.timestamp import TimestampClient, build_query
from signing.timestamp_budget import RequestBudget, RequestLedger, TimestampAuthority
from tests.support.pki import development_pki
from tests.support.workflow import AT, SmallSchool, built_school, issued_school, refuse_addresses, unstamped_school
from transcript_core.clock import FixedClock
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.pki.fetch import Fetch
from transcript_core.policy import SignatureFormat, SignatureLevel
from transcript_core.status import DocumentStatus
from transcript_core.xml import document_digest

B_LT, B_LTA = SignatureLevel.B_LT, SignatureLevel.B_LTA
SEAL = "ky-phat-hanh"


@dataclass
class Town:
    """A school, the time, and the authorities that it asks."""

    school: SmallSchool
    ledger: RequestLedger
    budget: RequestBudget | None = None
    later: timedelta = timedelta()

    @property
    def now(self) -> SmallSchool:
        """The school at the town's time."""
        return replace(self.school, workspace=replace(self.school.workspace, clock=FixedClock(AT + self.later)))

    def open_services(self, fetch: Fetch | None = None) -> SigningServices:
        clock = FixedClock(AT + self.later)
        network = fetch or Responder(development_pki(), clock)
        trust = development_pki().trust_store()
        authority = TimestampAuthority(development_pki().tsa_url, self.budget)
        return SigningServices(
            fetch=network,
            evidence=EvidenceCollector(network, trust, clock),
            timestamps=TimestampClient([authority], network, trust=trust, ledger=self.ledger, clock=clock),
        )

    def extend(
        self, level: SignatureLevel = B_LT, *, fetch: Fetch | None = None, renew_before: int = 180
    ) -> ExtendReport:
        """Extend at the town's time."""
        return extend_documents(
            self.now.context,
            self.open_services(fetch),
            level=level,
            renew_before=timedelta(days=renew_before),
            actor="test",
        )

    def levels(self) -> list[tuple[SignatureLevel, SignatureLevel]]:
        """Return the levels that the files themselves show."""
        found = []
        for one in self.school.list_documents():
            xml, pdf = self.school.read(one.key)
            found.append((xades.read_state(xml, SEAL).level, pades.read_state(pdf).level))
        return found

    def assert_sound(self) -> None:
        """Fail unless rows, files, event and status agree, and every file passes."""
        school = self.now
        school.assert_store_is_sound()
        school.assert_rows_tell_what_files_hold()
        for one in school.list_documents():
            school.assert_passes(one.key)
            with transaction(school.workspace.sessions) as session:
                assert event_repository.list_event_files(session, one.key.serial) == [(1, one.xml_sha256)]
            answer = school.context.find_status(one.key.serial, one.key.version, None)
            assert answer.status is DocumentStatus.VALID


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A school whose documents were issued while the authority was down."""
    with unstamped_school(tmp_path / "school") as school:
        yield Town(school, RequestLedger(tmp_path / "ledger.json"))


def digests(school: SmallSchool) -> Sequence[bytes]:
    return [document_digest(school.read(one.key)[0]) for one in school.list_documents()]


def test_documents_issued_without_a_timestamp_are_raised_and_stay_the_same_documents(town: Town) -> None:
    before = digests(town.school)
    assert set(town.levels()) == {(SignatureLevel.B_B, SignatureLevel.B_B)}
    report = town.extend()
    assert (report.failed, report.waiting) == ([], [])
    assert len(report.raised) == 4
    assert set(town.levels()) == {(B_LT, B_LT)}
    assert digests(town.school) == before
    town.assert_sound()
    again = town.extend()
    assert (again.raised, again.failed, again.waiting) == ([], [], [])


def test_an_exhausted_budget_stops_in_the_middle_and_the_next_windows_complete_it(town: Town) -> None:
    """Two documents need four requests, three are allowed in a window: nothing is asked for twice, nothing is lost."""
    town.budget = RequestBudget(requests=3, window=timedelta(minutes=20), block=timedelta(days=1))
    first = town.extend()
    assert len(first.waiting) == 1
    assert first.refusal is not None
    assert first.refusal.reason == "out-of-budget"
    assert first.retry_at == AT + timedelta(minutes=20)
    town.assert_sound()
    assert sorted(town.levels()) == sorted([(B_LT, B_LT), (B_LT, SignatureLevel.B_B)])
    assert town.extend().retry_at == first.retry_at
    town.later = timedelta(minutes=21)
    last = town.extend()
    assert (last.waiting, last.failed) == ([], [])
    assert set(town.levels()) == {(B_LT, B_LT)}
    for one in town.school.list_documents():
        assert town.school.read(one.key)[0].count(b"<xades:SignatureTimeStamp>") == 1
    town.assert_sound()


def test_an_authority_that_is_down_is_asked_once_and_all_documents_wait(town: Town) -> None:
    calls: list[str] = []
    network = Responder(development_pki(), FixedClock(AT))

    def fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        calls.append(url)
        return refuse_addresses(network, "/tsa")(url, body=body, content_type=content_type, max_bytes=max_bytes)

    report = town.extend(fetch=fetch)
    assert len(report.waiting) == 2
    assert [url for url in calls if "/tsa" in url] == [development_pki().tsa_url]
    assert set(town.levels()) == {(SignatureLevel.B_B, SignatureLevel.B_B)}
    town.assert_sound()


def test_a_revocation_server_that_is_down_leaves_the_timestamp_in_and_is_named(town: Town) -> None:
    network = refuse_addresses(refuse_addresses(Responder(development_pki(), FixedClock(AT)), "/ocsp"), "/crl")
    report = town.extend(fetch=network)
    assert report.failed
    assert not report.waiting
    last = town.extend()
    assert not last.failed
    assert set(town.levels()) == {(B_LT, B_LT)}
    town.assert_sound()


def test_the_archive_level_and_its_renewal_before_the_authoritys_end(town: Town) -> None:
    report = town.extend(B_LTA)
    assert not report.failed
    assert set(town.levels()) == {(B_LTA, B_LTA)}
    town.assert_sound()
    assert town.extend(B_LTA).raised == []
    with transaction(town.school.workspace.sessions) as session:
        due = list_level_tasks(session, target=B_LTA, renew_before=AT + timedelta(days=3_600))
    assert len(due) == 2  # P-256 ends in 2035, before the development authority's certificate does
    town.later = timedelta(days=150)
    renewed = town.extend(B_LTA, renew_before=3_600)
    assert not renewed.failed
    town.assert_sound()
    for one in town.school.list_documents():
        xml, pdf = town.school.read(one.key)
        assert xades.read_state(xml, SEAL).archived == 2
        assert len(pades.read_state(pdf).document_timestamps) == 2


def test_levels_are_found_again_when_the_rows_about_them_are_gone(tmp_path: Path) -> None:
    """A document of an earlier release has none; a row about another file says nothing."""
    with issued_school(tmp_path / "school") as school:
        town = Town(school, RequestLedger())
        with school.workspace.sessions.begin() as session:
            session.connection().exec_driver_sql("DELETE FROM levels")
        report = town.extend(SignatureLevel.B_T)
        assert (report.raised, report.failed, report.waiting) == ([], [], [])
        with transaction(school.workspace.sessions) as session:
            assert list_level_tasks(session, target=SignatureLevel.B_T, renew_before=AT) == []


def test_a_file_that_does_not_pass_never_replaces_the_one_that_does(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(document: bytes, *_: object, **__: object) -> bytes:
        head, _mark, tail = document.rpartition(b"<xades:RevocationValues>")
        return head + tail.partition(b"</xades:RevocationValues>")[2]

    before = town.school.snapshot()
    monkeypatch.setattr("signing.xades.add_evidence", forget)
    report = town.extend()
    assert {error.code for _, error in report.failed} == {"not-verified"}
    assert town.school.snapshot() == before


def test_the_most_urgent_documents_come_first(town: Town) -> None:
    """One document is unproven, the other only lacks the archive timestamp."""
    town.budget = RequestBudget(requests=2, window=timedelta(minutes=20))
    town.extend()
    with transaction(town.school.workspace.sessions) as session:
        first, second = list_level_tasks(session, target=B_LTA, renew_before=AT)
    assert (first.xml.level, second.xml.level) == (SignatureLevel.B_B, B_LT)


def test_evidence_of_an_authority_that_was_not_expected_is_completed_before_recording(tmp_path: Path) -> None:
    """The first answer is nonsense, so nothing is known of the authority when the seal is prepared; then it answers."""
    with built_school(tmp_path / "school") as school:
        school.sign_people()
        answers = 0

        def fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
            nonlocal answers
            answers += "/tsa" in url
            if "/tsa" in url and answers == 1:
                return b"nonsense"
            return school.fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)

        report = school.issue(fetch=fetch)
        assert not report.failed
        assert not report.below_aim
        Town(school, RequestLedger()).assert_sound()


def test_a_recall_is_raised_too_and_stays_in_force(town: Town) -> None:
    school = town.school
    down = refuse_addresses(school.fetch, "/tsa")
    target = school.list_documents()[0].key
    clerk, principal = school.open_person(school.clerk), school.open_person(school.principal)
    desk = school.open_desk(clerk, fetch=down)
    key = request_recall(
        desk, target.serial, target.version, reason="Sai nhân thân", approver_staff_code=school.principal, actor="test"
    )
    approve_recall(school.open_desk(principal, fetch=down), target.serial, actor="test")
    seal_recall(school.context, school.open_desk(school.open_seal(), fetch=down), target.serial, actor="test")
    report = town.extend(B_LTA)
    assert not report.failed
    assert (key, SignatureFormat.XADES, B_LTA) in report.raised
    with transaction(school.workspace.sessions) as session:
        files = dict(event_repository.list_event_files(session, target.serial))
        assert session.get_one(RecallRow, (key.serial, key.version)).xml_sha256 == files[key.version]
    assert xades.read_state(school.workspace.store.get(files[key.version]), SEAL).archived == 1
    answer = school.context.find_status(target.serial, target.version, None)
    assert answer.status is DocumentStatus.RECALLED
    assert town.extend(B_LTA).raised == []


def test_an_authority_that_answers_something_else_changes_nothing(town: Town) -> None:
    """Another nonce, another imprint, a huge answer, a refusal: each is told by its reason, and every file stays."""
    network = Responder(development_pki(), FixedClock(AT))
    wrong: dict[str, Callable[[bytes], bytes]] = {
        "other-nonce": lambda body: network.answer("/tsa", build_query(read_imprint(body), 7)).body,
        "other-imprint": lambda body: network.answer("/tsa", build_query(bytes(32), read_nonce(body))).body,
        "too-long": lambda _: b"\x30" * (MAX_TIMESTAMP_BYTES + 1),
        "rejected": lambda _: refusal("rejection"),
    }
    before = town.school.snapshot()
    for reason, answer in wrong.items():

        def fetch(
            url: str,
            *,
            body: bytes | None = None,
            content_type: str | None = None,
            max_bytes: int,
            answer: Callable[[bytes], bytes] = answer,
        ) -> bytes:
            if "/tsa" in url and body is not None:
                return answer(body)
            return network(url, body=body, content_type=content_type, max_bytes=max_bytes)

        report = town.extend(fetch=fetch)
        assert report.refusal is not None
        assert (report.refusal.reason, len(report.waiting)) == (reason, 2)
        assert town.school.snapshot() == before
    assert set(town.levels()) == {(SignatureLevel.B_B, SignatureLevel.B_B)}


def read_imprint(body: bytes) -> bytes:
    imprint: bytes = tsp.TimeStampReq.load(body)["message_imprint"]["hashed_message"].native
    return imprint


def read_nonce(body: bytes) -> int:
    return int(tsp.TimeStampReq.load(body)["nonce"].native)


def refusal(status: str) -> bytes:
    info: bytes = tsp.PKIStatusInfo({"status": status}).dump()
    return b"\x30" + bytes([len(info)]) + info
