"""The process is killed anywhere, again and again: what was finished is kept, nothing is done twice or by halves.

On PostgreSQL; `test_workflow_killed_points` does the same on SQLite, more than fifty times.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from service import audit
from service.db.engine import transaction
from service.transcripts import event_repository, repository
from service.transcripts.repository import DocumentState
from tests.support.victims import Victims, open_victims
from tests.support.workflow import SmallSchool, enrolled_school
from transcript_core.policy import SignatureFormat
from transcript_core.status import DocumentStatus
from verify.report import Outcome

BOTH = frozenset(SignatureFormat)
PUPILS = 2
SLOTS = 19
MAX_KILLS = 8

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with enrolled_school(tmp_path, database_url=database_url, pupils=PUPILS) as made:
        made.import_()
        yield made


@pytest.fixture
def victims(school: SmallSchool) -> Iterator[Victims]:
    with open_victims(school) as made:
        yield made


def test_killed_anywhere_it_goes_on_and_nothing_is_signed_twice(school: SmallSchool, victims: Victims) -> None:
    dice = random.Random(20260531)
    kills = kill_until_done(school, victims, "build", [1, 2, 5, 8])
    kills += kill_until_done(school, victims, "sign", [dice.randint(1, 60) for _ in range(MAX_KILLS)])
    kills += kill_until_done(school, victims, "issue", [1, 4, 7, 10, 11, 13, 14, 16, 2])
    assert kills >= 12
    documents = school.list_documents()
    assert [one.state for one in documents] == [DocumentState.ISSUED] * PUPILS
    assert len({one.pupil_code for one in documents}) == PUPILS
    for one in documents:
        assert set(school.list_signed(one.key).values()) == {BOTH}
        assert len(school.list_signed(one.key)) == SLOTS
        school.assert_passes(one.key)
        assert one.view_secret_sha256 is not None
        assert set(count_signings(school, str(one.key)).values()) == {1}
        assert school.context.find_record(one.key.serial, 1).answer.status is DocumentStatus.VALID


def test_killed_between_the_xml_and_the_pdf_of_one_slot(school: SmallSchool, victims: Victims) -> None:
    """The XML is stored under its digest, the PDF is not: no row names either, so the slot is open still."""
    school.build()
    before = school.snapshot()
    stored = set(school.workspace.store.list_digests())
    touches_to_kill = next(number for number in range(1, 12) if not _leaves_no_new_xml(school, victims, stored, number))
    assert touches_to_kill > 2
    assert school.snapshot() == before
    school.assert_rows_tell_what_files_hold()
    assert victims.run("sign")
    school.assert_rows_tell_what_files_hold()
    assert all(set(count_signings(school, str(one.key)).values()) == {1} for one in school.list_documents())
    assert len(school.issue().issued) == PUPILS


def test_killed_by_time(school: SmallSchool, victims: Victims) -> None:
    """Not at our chosen points, but wherever it happens to be: in the middle of a commit, too."""
    dice = random.Random(7)
    school.build()
    for _ in range(4):
        if victims.run("sign", kill_after_s=dice.uniform(0.3, 0.9)):
            break
        assert_sound(school)
    assert victims.run("sign")
    for _ in range(2):
        if victims.run("issue", kill_after_s=dice.uniform(0.2, 0.6)):
            break
        assert_sound(school)
    assert victims.run("issue")
    for one in school.list_documents():
        assert one.state is DocumentState.ISSUED
        assert set(count_signings(school, str(one.key)).values()) == {1}
        assert school.verify(one.key)[1].outcome is Outcome.PASSED


def kill_until_done(school: SmallSchool, victims: Victims, job: str, touches: Sequence[int]) -> int:
    """Run `job`, killed at these touches of the store in turn, until it gets to its end; return the kills."""
    for kills, kill_at in enumerate(touches):
        if victims.run(job, kill_at=kill_at):
            return kills
        assert_sound(school)
    assert victims.run(job)
    return len(touches)


def assert_sound(school: SmallSchool) -> None:
    """Fail when the killed process left anything behind that is not whole."""
    school.assert_store_is_sound()
    school.assert_rows_tell_what_files_hold()
    with transaction(school.workspace.sessions) as session:
        documents = repository.list_documents(session, school_code=school.school.school_code)
        events = [len(event_repository.list_event_files(session, one.key.serial)) for one in documents]
    assert events == [1 if one.state is DocumentState.ISSUED else 0 for one in documents]


def count_signings(school: SmallSchool, key: str) -> Counter[str]:
    """Return slot and format → how often the audit trail says it was signed."""
    with transaction(school.workspace.sessions) as session:
        found = audit.list_events(session, subject_prefix=f"{key}#")
    return Counter(
        f"{subject} {kind}" for _, _, action, subject, detail in found if action == "sign" for kind in detail.split("+")
    )


def _leaves_no_new_xml(school: SmallSchool, victims: Victims, stored: set[str], kill_at: int) -> bool:
    """Kill the first signing run at this touch; return whether no signed XML was stored before."""
    assert not victims.run("sign", kill_at=kill_at)
    new = set(school.workspace.store.list_digests()) - stored
    return not any(school.workspace.store.get(digest).startswith(b"<HOC_BA") for digest in new)
