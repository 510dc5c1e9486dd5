"""No step of certificate path validation is there for nothing: without it some vector is accepted that must not be.

Each step of `transcript_core.pki.path` is made to say nothing in turn, and the vectors whose path is refused are
verified again from end to end.  What the step of RFC 5280 finds out itself (name constraints, policies, path lengths)
is one library call, so for each of its rules there is a vector that only this step refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import pytest

from tests.support.switched import tell
from tests.vectors import never_alone
from tests.vectors.cases import Case
from tests.vectors.catalogue import ask, get_case, list_cases
from transcript_core.pki import past, path
from verify.report import Outcome, Report

pytestmark = pytest.mark.xdist_group("switched-off-paths")
CHECK: Final = "certificate.path"
STEPS: Final = ("check_leaf", "check_trust", "_check_periods", "_check_algorithms", "check_pkix", "_check_answers")
RULES: Final = (
    "path_longer_than_permitted",
    "name_outside_what_the_ca_may_certify",
    "name_that_the_ca_must_not_certify",
    "policy_asked_for_and_missing",
    "policy_of_another_kind",
    "ca_that_may_not_sign_certificates",
    "ca_with_an_unknown_critical_extension",
    "certificate_with_an_unknown_critical_extension",
    "certificate_signed_over_sha_1",
)
"""A vector for each rule that the library is relied on for."""


@contextmanager
def without_step(name: str) -> Iterator[None]:
    """Let this step find nothing while the block runs, wherever it is used."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (path, past):
            if hasattr(module, name):
                patch.setattr(module, name, lambda *_: None)
        yield


@cache
def list_before() -> tuple[tuple[Case, Report], ...]:
    """Return the vectors whose path is refused, with their report."""
    return tuple((case, ask(case)) for case in list_cases() if CHECK in case.failing)


@cache
def list_again(name: str) -> tuple[tuple[str, Report, Report], ...]:
    """Return these vectors, with their report and that of a verifier without this step."""
    known = list_before()
    with without_step(name):
        return tuple((case.name, before, ask(case)) for case, before in known)


@pytest.mark.parametrize("name", STEPS)
def test_step_of_path_validation_is_missed_by_a_vector(name: str) -> None:
    changed = [(case, again) for case, before, again in list_again(name) if tell(again) != tell(before)]
    accepted = [case for case, again in changed if again.outcome is Outcome.PASSED]
    assert changed, f"no vector misses {name}"
    if name in never_alone.PATH_STEPS:
        assert not accepted, f"{accepted} show {name} alone: remove its explanation"
        assert never_alone.PATH_STEPS[name].endswith(".")
    else:
        assert accepted, f"no vector shows {name} alone"


@pytest.mark.parametrize("name", RULES)
def test_rule_of_rfc_5280_is_the_only_reason_of_a_vector(name: str) -> None:
    case = get_case(name)
    assert case.failing == {CHECK}
    with without_step("check_pkix"):
        assert ask(case).outcome is Outcome.PASSED


def test_steps_exist() -> None:
    assert all(hasattr(path, name) for name in STEPS)
    assert never_alone.PATH_STEPS.keys() <= set(STEPS)
