"""The catalogue of problems and the code that reports them name the same problems."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import transcript_core.intake
from transcript_core.intake.catalogue import KINDS, ProblemKind
from transcript_core.text import clean_text, find_forbidden


def list_used_strings() -> set[str]:
    folder = Path(transcript_core.intake.__file__).parent
    modules = (path for path in folder.glob("*.py") if path.name != "catalogue.py")
    trees = (ast.parse(path.read_text("utf-8")) for path in modules)
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_problem_of_the_catalogue_is_reported_somewhere() -> None:
    assert set(KINDS) - list_used_strings() == set()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_problem_says_what_is_wrong_and_how_to_mend_it(kind: ProblemKind) -> None:
    for text in (kind.what, kind.remedy):
        assert text.endswith(".")
        assert text == clean_text(text)
        assert find_forbidden(text) is None
