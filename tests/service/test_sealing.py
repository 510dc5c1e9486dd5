"""The seal: few lists for many documents, one approval for exactly what was shown, nothing sealed twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from service.signing.issuing import IssueReport, issue_documents
from service.signing.review import Review, build_seal_review
from service.transcripts.repository import DocumentState
from signing.batch import engine, rooms
from signing.signer import Signer
from tests.support.many import multiply
from tests.support.signers import WatchedSigner
from tests.support.workflow import ACTOR, SmallSchool, built_school, open_other_seal
from transcript_core.errors import KeyUnavailable, NotEligible

COPIES = 4
"""With the school's own two documents three chunks of a small batch."""


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    """Two documents that wait for the seal."""
    with built_school(tmp_path) as made:
        made.sign_people()
        yield made


@pytest.fixture
def small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for thousands of documents holds for six: chunks of two, longer ones opened twice."""
    monkeypatch.setattr(engine, "CHUNK", 2)
    monkeypatch.setattr(rooms, "MAX_KEPT_OPEN", 2)


@dataclass
class InThreads(WatchedSigner):
    """The same key as a file's, which works in several threads at once."""

    list_size: int | None = None
    parallel_calls: int = 2
    threads: set[str] = field(default_factory=set)

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        self.threads.add(threading.current_thread().name)
        return super().sign_digests(digests)


def issue(school: SmallSchool, seal: Signer, review: Review | None = None) -> IssueReport:
    return issue_documents(
        school.context, school.open_desk(seal), approval=None if review is None else review.contents, actor=ACTOR
    )


def review_of(school: SmallSchool) -> Review:
    return build_seal_review(school.open_desk(school.open_seal()))


def assert_issued(school: SmallSchool, report: IssueReport, count: int) -> None:
    """Fail unless so many documents, the first ones of the school, were issued by this run and pass."""
    assert (len(report.issued), report.failed) == (count, [])
    for key in report.issued:
        school.assert_passes(key)


@pytest.mark.usefixtures("small_batch")
@pytest.mark.parametrize(("list_size", "lists"), [(None, [12, 6]), (1_000, [12, 6]), (10, [2, 10, 6])])
def test_lists_are_as_long_as_the_keys_holder_takes(
    school: SmallSchool, list_size: int | None, lists: list[int]
) -> None:
    """Copies share a picture, so they are sealed and then not issued; the school's own documents are."""
    own = {one.key for one in school.list_documents()}
    multiply(school, COPIES)
    seal = WatchedSigner(school.open_seal(), list_size)
    report = issue(school, seal)
    *seals, json = seal.lists
    assert [*sorted(seals), json] == lists
    assert set(report.issued) == own
    assert {error.code for _, error in report.failed} == {"not-verified"}
    assert len(report.failed) == COPIES
    for key in own:
        school.assert_passes(key)
    school.assert_rows_tell_what_files_hold()


@pytest.mark.usefixtures("small_batch")
def test_a_key_in_memory_seals_in_lanes(school: SmallSchool) -> None:
    own = {one.key for one in school.list_documents()}
    multiply(school, COPIES)
    seal = InThreads(school.open_seal())
    assert set(issue(school, seal).issued) == own
    assert seal.threads - {threading.current_thread().name} <= {"signing-lane-0", "signing-lane-1"}
    assert len(seal.threads) > 1, "the JSON alone is signed here"
    school.assert_rows_tell_what_files_hold()


def test_the_review_shows_what_waits_and_the_approval_is_for_that_alone(tmp_path: Path) -> None:
    with built_school(tmp_path) as school:
        early = review_of(school)
        assert (early.slots, early.waiting, early.json_signatures) == ((), 2, 0)
        assert {one.role for one in early.missing} == {"GVBM", "GVCN", "CBQL"}
        school.sign_people()
        review = review_of(school)
        assert (review.documents, review.json_signatures, review.waiting) == (2, 2, 0)
        assert {(one.role, one.missing) for one in review.slots} == {("KY_PHAT_HANH", ("xades", "pades"))}
        assert issue(school, school.open_seal(), early).issued == []
        one, other = review.slots
        only = replace(review, slots=(one,))
        assert_issued(school, issue(school, school.open_seal(), only), 1)
        changed = replace(review, slots=(replace(other, content_sha256="00" * 32),))
        report = issue(school, school.open_seal(), changed)
        assert [(key, error.code) for key, error in report.failed] == [(other.key, "changed-since-review")]
        assert school.get_document(other.key).state is DocumentState.LOCKED
        assert_issued(school, issue(school, school.open_seal(), review), 1)
        with pytest.raises(NotEligible):
            build_seal_review(school.open_desk(school.open_person(school.principal)))
        assert build_seal_review(school.open_desk(open_other_seal())).slots == ()


def test_a_key_that_goes_away_after_the_seal_is_not_asked_again_and_the_next_run_records(school: SmallSchool) -> None:
    def pull(number: int) -> None:
        if number > 1:
            raise KeyUnavailable("the token was pulled")

    seal = WatchedSigner(school.open_seal(), None, pull)
    report = issue(school, seal)
    assert (report.issued, seal.lists) == ([], [4, 2])
    assert {error.code for _, error in report.failed} == {"key-unavailable"}
    review = review_of(school)
    assert {(one.missing, one.role) for one in review.slots} == {((), "KY_PHAT_HANH")}
    assert (review.documents, review.json_signatures) == (2, 2)
    spoilt = replace(review, slots=tuple(replace(one, content_sha256="00" * 32) for one in review.slots))
    assert {error.code for _, error in issue(school, school.open_seal(), spoilt).failed} == {"changed-since-review"}
    sealed = [one.xml_sha256 for one in school.list_documents()]
    again = WatchedSigner(school.open_seal(), None)
    assert_issued(school, issue(school, again, review), 2)
    assert again.lists == [2], "the JSON alone"
    assert [one.xml_sha256 for one in school.list_documents()] == sealed


def test_a_key_that_never_answers_is_asked_once(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise KeyUnavailable("no token")

    monkeypatch.setattr("service.signing.issuing.choose_wave", lambda _: 1)
    seal = WatchedSigner(school.open_seal(), None, refuse)
    report = issue(school, seal)
    assert (report.issued, len(report.failed), seal.lists) == ([], 2, [2])
    assert_issued(school, issue(school, school.open_seal()), 2)
