"""All vectors of this folder, and the one way to ask a verifier about them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from tests.vectors.cases import CASES, Asked, Case, Question
from tests.vectors.school import STEP, TEACHERS_SIGN_AT, school
from verify.detail import DetailedReport
from verify.report import Report
from verify.verifier import Verifier


@cache
def list_cases() -> tuple[Case, ...]:
    """Return every vector; each module of this folder adds its own when it is imported."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        import_module(f"tests.vectors.{path.stem}")
    return tuple(CASES)


def get_case(name: str) -> Case:
    """Return the vector of this name."""
    return next(case for case in list_cases() if case.name == name)


@cache
def build(case: Case) -> bytes:
    """Return the vector's document, made once a test run; authorities answer as of the seal's time, in any order."""
    school().clock.at = TEACHERS_SIGN_AT + 3 * STEP
    return case.build()


def ask(case: Case, *, verifier: Verifier | None = None) -> Report:
    """Return the report on one vector, by the sample school's verifier unless another is given."""
    return ask_in_detail(case, verifier=verifier).report


def ask_in_detail(case: Case, *, verifier: Verifier | None = None) -> DetailedReport:
    """Return the same with what it was made from."""
    asked, document = case.asked, build(case)
    judge = verifier or school().verifier(status=asked.status, trust=asked.trust() if asked.trust else None)
    if asked.question is Question.SIGNATURES:
        return judge.inspect_in_detail(document, at=asked.at, detached=asked.files() if asked.files else ())
    return judge.verify_in_detail(document, at=asked.at, xml=_make(asked, "xml"), json=_make(asked, "json"))


def _make(asked: Asked, name: str) -> bytes | None:
    maker = getattr(asked, name)
    return None if maker is None else maker()
