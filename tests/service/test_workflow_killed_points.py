"""Killed all along a document's way, attach, sign, issue and extend: more than fifty times, each time at work.

The clock of a kill starts at a step of the work itself, a touch of the store or a private operation, so no kill falls
into the time in which the process is only starting.  A run of a copy tells how many steps a job has; the kills are
drawn over all of them, each some milliseconds after its step, wherever the process then is.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from service import audit
from service.db.engine import transaction
from service.signing.values_file import open_values_file
from service.transcripts.repository import DocumentState
from signing import pades, xades
from tests.support.deferred import carry_list, prepare_and_sign
from tests.support.victims import VALUES, Victims, open_victims
from tests.support.workflow import SmallSchool, enrolled_school, open_enrolled
from transcript_core.policy import SignatureFormat, SignatureLevel

BOTH = frozenset(SignatureFormat)
PUPILS = 2
SLOTS = 19
SEAL = "ky-phat-hanh"
PAUSE_S = 0.005  # from the step to the kill, at most: about the time from one step to the next
KILLS = {"attach": 6, "sign": 40, "issue": 8, "extend": 8}
MIN_KILLS = 50


@dataclass(frozen=True)
class Death:
    """Where a process was when it was killed."""

    job: str
    touches: int  # of the store, in its life
    operations: int  # with the key, in its life
    saved: int  # audit events by then: each change of a row has one
    stored: int  # files by then, those that no row names included


@dataclass
class Reaper:
    """Kills one job of one school after the other."""

    school: SmallSchool
    victims: Victims
    dice: random.Random
    deaths: list[Death]

    def kill_along(self, job: str) -> None:
        """Run a job to its end, killed as often as KILLS says at most, at steps that lie over the whole of it."""
        steps, last = self._measure(job)
        first, kills = count_events(self.school), KILLS[job]
        for number in range(kills):
            share = (count_events(self.school) - first) / (last - first)
            step = max(1, round((number + self.dice.random()) * steps / kills - share * steps))
            life = self.victims.watch(job, step=step, kill_after_s=self.dice.uniform(0.0, PAUSE_S))
            if life.ended:
                break
            assert life.steps >= step
            stored = len(self.school.workspace.store.list_digests())
            self.deaths.append(Death(job, life.touches, life.operations, count_events(self.school), stored))
            if number % 4 == 0:
                assert_sound(self.school)
        assert self.victims.run(job)
        assert_sound(self.school)

    def _measure(self, job: str) -> tuple[int, int]:
        """Return the steps of the whole job, and the audit events there are afterwards, from a copy."""
        with copied(self.school, f"{job}-{len(self.deaths)}") as copy:
            life = replace(self.victims, folder=copy.folder.parent).watch(job)
            assert life.ended
            return life.steps, count_events(copy)


@contextmanager
def copied(school: SmallSchool, name: str) -> Iterator[SmallSchool]:
    """Yield a copy of the school that lies beside it."""
    school.close()  # whoever copies the files of an open SQLite database takes its locks away
    folder = school.folder.parent.with_name(name)
    shutil.copytree(school.folder.parent, folder)
    with closing(open_enrolled(folder)) as copy:
        yield copy
    shutil.rmtree(folder)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with enrolled_school(tmp_path / "killed", pupils=PUPILS) as made:
        made.import_()
        made.build()
        yield made


@pytest.fixture
def victims(school: SmallSchool) -> Iterator[Victims]:
    with open_victims(school) as made:
        yield made


def test_killed_all_along_the_way(school: SmallSchool, victims: Victims) -> None:
    write_values(school)
    dice, deaths = random.Random(20260531), list[Death]()
    while len(deaths) < MIN_KILLS:  # once, on most machines
        with copied(school, f"round-{len(deaths)}") as copy:
            reaper = Reaper(copy, replace(victims, folder=copy.folder.parent), dice, deaths)
            for job in KILLS:
                reaper.kill_along(job)
            assert_done_once(copy)
    assert_differing(deaths)


def assert_done_once(school: SmallSchool) -> None:
    """Fail unless every document has every signature and timestamp once, is issued and passes."""
    for one in school.list_documents():
        assert one.state is DocumentState.ISSUED
        assert list(school.list_signed(one.key).values()) == [BOTH] * SLOTS
        assert set(count_signings(school, str(one.key)).values()) == {1}
        xml, pdf = school.read(one.key)
        sealed, picture = xades.read_state(xml, SEAL), pades.read_state(pdf)
        assert (sealed.level, sealed.archived, len(sealed.timestamps)) == (SignatureLevel.B_LTA, 1, 2)
        assert (picture.level, len(picture.document_timestamps)) == (SignatureLevel.B_LTA, 1)
        school.assert_passes(one.key)


def assert_differing(deaths: list[Death]) -> None:
    """Fail unless the processes died at work, in many states of it."""
    assert len(deaths) >= MIN_KILLS
    assert all(one.touches + one.operations for one in deaths)
    assert len(set(deaths)) >= MIN_KILLS * 9 // 10
    assert len({(one.touches, one.operations) for one in deaths}) >= MIN_KILLS // 3
    assert len({one.saved for one in deaths}) >= MIN_KILLS // 4
    assert {one.job for one in deaths} == set(KILLS)
    for job in KILLS:
        assert len({one for one in deaths if one.job == job}) >= 2, job


def write_values(school: SmallSchool) -> None:
    """Prepare one teacher's batch and lay down its values for the job "attach"."""
    signer = school.open_person(school.teachers[0])
    made, values = prepare_and_sign(school, signer)
    with open_values_file(school.folder.parent / VALUES, carry_list(school, made).head, values):
        pass


def count_events(school: SmallSchool) -> int:
    """Return how many audit events an installation has; each change of state is one, in the same transaction."""
    with transaction(school.workspace.sessions) as session:
        return int(session.execute(text("SELECT count(*) FROM audit_events")).scalar_one())


def count_signings(school: SmallSchool, key: str) -> Counter[str]:
    """Return slot and format → how often the audit trail says it was signed."""
    with transaction(school.workspace.sessions) as session:
        found = audit.list_events(session, subject_prefix=f"{key}#")
    return Counter(
        f"{subject} {kind}" for _, _, action, subject, detail in found if action == "sign" for kind in detail.split("+")
    )


def assert_sound(school: SmallSchool) -> None:
    """Fail when anything is left that is not whole."""
    school.assert_store_is_sound()
    school.assert_rows_tell_what_files_hold()
