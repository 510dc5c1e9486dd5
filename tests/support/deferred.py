"""Deferred signing as tests use it: a batch prepared at a small school, its list signed as another machine would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from service.signing.attaching import AttachOutcome, AttachReport, attach_values, get_open_batch
from service.signing.desk import open_services
from service.signing.key_side import check_key, sign_list
from service.signing.lists import SigningList, build_list_file, parse_list_file
from service.signing.preparing import (
    PreparedBatch,
    build_identity,
    build_list_review,
    load_list,
    open_absent_desk,
    prepare_batch,
)
from service.signing.values import SignedValue
from signing.signer import Signer
from tests.support.workflow import ACTOR, SmallSchool
from transcript_core.clock import FixedClock
from transcript_core.pki.fetch import Fetch


def prepare(school: SmallSchool, signer: Signer, *, fetch: Fetch | None = None) -> PreparedBatch:
    """Prepare what is open for the holder of this key, from the certificates alone."""
    identity = build_identity([signer.certificate, *signer.chain], signer.algorithm)
    desk = open_absent_desk(school.workspace, identity, open_services(school.workspace, fetch or school.fetch))
    review = build_list_review(desk, school_code=school.school.school_code)
    return prepare_batch(desk, review, actor=ACTOR)


def carry_list(school: SmallSchool, made: PreparedBatch) -> SigningList:
    """Return the list as it arrives on the other machine, through its file."""
    return parse_list_file(build_list_file(load_list(school.workspace, made.head.batch_id)))


def sign_values(signing_list: SigningList, signer: Signer) -> list[SignedValue]:
    """Return the values of every digest, as the machine with the key makes them."""
    check_key(signing_list.head, signer, at=signing_list.head.signing_time)
    return [value for chunk in sign_list(signing_list, signer) for value in chunk.values]


def prepare_and_sign(school: SmallSchool, signer: Signer) -> tuple[PreparedBatch, list[SignedValue]]:
    """Return a batch and its values, which nobody has attached."""
    made = prepare(school, signer)
    return made, sign_values(carry_list(school, made), signer)


def attach(school: SmallSchool, made: PreparedBatch, values: Sequence[SignedValue]) -> AttachReport:
    """Attach values as the preparing side does."""
    batch = get_open_batch(school.workspace, made.head.batch_id)
    return attach_values(school.workspace, batch, values, actor=ACTOR)


def list_outcomes(report: AttachReport) -> list[str]:
    """Return of each result the outcome, or the code of the error that refused it."""
    return [one.outcome.value if one.error is None else one.error.code for one in report.results]


def all_attached(report: AttachReport) -> bool:
    """Return whether every value was attached now."""
    return {one.outcome for one in report.results} == {AttachOutcome.ATTACHED}


def later(school: SmallSchool, by: timedelta) -> SmallSchool:
    """Return the same installation as it is opened again after some time."""
    clock = FixedClock(school.workspace.clock.now() + by)
    return replace(school, workspace=replace(school.workspace, clock=clock))
