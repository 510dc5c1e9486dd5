"""A policy demands a timestamp of the teachers: without it nothing is saved, later slots wait, nothing gets stuck."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from service.signing.attaching import AttachReport, attach_values, get_open_batch
from service.signing.desk import open_services
from service.signing.preparing import PreparedBatch
from service.signing.values import SignedValue
from tests.support.deferred import all_attached, list_outcomes, prepare_and_sign
from tests.support.workflow import ACTOR, SmallSchool, built_school, refuse_addresses
from transcript_core.errors import EvidenceUnavailable, TimestampRefused
from transcript_core.model import SlotRole
from transcript_core.pki.fetch import Fetch
from transcript_core.policy import SignatureFormat, SignatureLevel, SigningPolicy, list_policies

BOTH = frozenset(SignatureFormat)
B_T = SignatureLevel.B_T


def demand(policy: SigningPolicy) -> SigningPolicy:
    """Return the policy as an installation would write it that wants the time of every teacher's signature proven."""
    return replace(
        policy,
        rules=tuple(
            replace(one, level=B_T, demanded_level=B_T) if one.role is SlotRole.SUBJECT_TEACHER else one
            for one in policy.rules
        ),
    )


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallSchool]:
    policies = tuple(demand(one) for one in list_policies())
    monkeypatch.setattr("transcript_core.policy.list_policies", lambda: policies)
    monkeypatch.setattr("service.signing.batching.list_policies", lambda: policies)
    monkeypatch.setattr("service.signing.description._remembered", OrderedDict())
    with built_school(tmp_path) as made:
        yield made


def find_teacher(school: SmallSchool) -> str:
    """Return a teacher who signs nothing else."""
    return next(code for code in school.teachers if code != school.homeroom)


def list_saved(school: SmallSchool) -> list[frozenset[SignatureFormat]]:
    """Return the formats of every slot that the rows call signed."""
    return [formats for one in school.list_documents() for formats in school.list_signed(one.key).values() if formats]


def test_nothing_is_saved_while_the_authority_is_down_and_all_goes_on_when_it_is_back(school: SmallSchool) -> None:
    teacher = find_teacher(school)
    before = school.snapshot()
    down = school.sign(teacher, fetch=refuse_addresses(school.fetch, "/tsa"))
    assert not down.signed
    assert down.failed
    for key, slot_id, error in down.failed:
        assert isinstance(error, TimestampRefused)
        assert str(error).startswith(f"document {key.serial} version {key.version}, slot {slot_id}: ")
    assert school.snapshot() == before
    for code in school.teachers:
        if code not in {teacher, school.homeroom}:
            assert school.sign(code).signed
    assert {slot_id[:4] for _, slot_id in school.sign(school.homeroom).signed} == {"gvbm"}, "as homeroom teacher: waits"
    assert {(key, slot_id) for key, slot_id, _ in down.failed} <= set(school.sign(teacher).signed)
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)
    school.assert_rows_tell_what_files_hold()


def test_an_authority_that_goes_away_between_the_formats_leaves_the_pdf_for_later(school: SmallSchool) -> None:
    teacher = find_teacher(school)
    report = school.sign(teacher, fetch=answer_once(school.fetch))
    assert not report.signed
    assert list_saved(school) == [frozenset({SignatureFormat.XADES})]
    school.assert_rows_tell_what_files_hold()
    assert school.sign(teacher).signed
    assert set(list_saved(school)) == {BOTH}
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)


def test_values_from_elsewhere_wait_for_the_authority_too(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    down = attach(school, made, values, refuse_addresses(school.fetch, "/tsa"))
    assert set(list_outcomes(down)) == {"timestamp-refused"}
    for refused in down.results:
        assert f"slot {refused.value.slot_id}: " in str(refused.error)
    assert list_saved(school) == []
    again = attach(school, made, values, school.fetch)
    assert all_attached(again), list_outcomes(again)
    assert set(list_saved(school)) == {BOTH}
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)


def attach(school: SmallSchool, made: PreparedBatch, values: Sequence[SignedValue], fetch: Fetch) -> AttachReport:
    """Attach values with this network."""
    batch = get_open_batch(school.workspace, made.head.batch_id)
    timestamps = open_services(school.workspace, fetch).timestamps
    return attach_values(school.workspace, batch, values, timestamps=timestamps, actor=ACTOR)


def answer_once(fetch: Fetch) -> Fetch:
    """Return a network whose authority answers twice: when it is asked who it is, and for one document."""
    left = 2

    def answer(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        nonlocal left
        if "/tsa" in url:
            left -= 1
            if left < 0:
                raise EvidenceUnavailable(f"{url}: connection refused")
        return fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)

    return answer
