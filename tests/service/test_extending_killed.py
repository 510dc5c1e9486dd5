"""Raising is killed anywhere, again and again: every document ends at its level, each timestamp stands there once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.db.engine import transaction
from service.transcripts import event_repository
from signing import pades, xades
from tests.support.victims import Victims, open_victims
from tests.support.workflow import SmallSchool, unstamped_school
from transcript_core.policy import SignatureLevel

B_LTA = SignatureLevel.B_LTA
SEAL = "ky-phat-hanh"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with unstamped_school(tmp_path) as made:
        yield made


@pytest.fixture
def victims(school: SmallSchool) -> Iterator[Victims]:
    with open_victims(school) as made:
        yield made


def test_killed_anywhere_it_goes_on_and_nothing_is_stamped_twice(school: SmallSchool, victims: Victims) -> None:
    dice = random.Random(20260603)
    kills = 0
    for touch in [1, 2, 3, 4, *(dice.randint(1, 6) for _ in range(4))]:
        if victims.run("extend", kill_at=touch):
            break
        kills += 1
        school.assert_store_is_sound()
        school.assert_passes(school.list_documents()[kills % 2].key)
    for _ in range(3):
        victims.run("extend", kill_after_s=dice.uniform(0.2, 1.0))
    assert victims.run("extend")
    assert kills >= 4
    assert_each_is_raised_once(school)


def assert_each_is_raised_once(school: SmallSchool) -> None:
    for one in school.list_documents():
        xml, pdf = school.read(one.key)
        state, picture = xades.read_state(xml, SEAL), pades.read_state(pdf)
        assert (state.level, state.archived, len(state.timestamps)) == (B_LTA, 1, 2)
        assert (picture.level, len(picture.document_timestamps)) == (B_LTA, 1)
        school.assert_passes(one.key)
        with transaction(school.workspace.sessions) as session:
            assert event_repository.list_event_files(session, one.key.serial) == [(1, one.xml_sha256)]
