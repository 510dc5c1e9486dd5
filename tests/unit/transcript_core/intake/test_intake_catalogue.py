"""The catalogue of problems, the code that reports them and the page for people name the same things."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import transcript_core.intake
from transcript_core.intake.catalogue import KINDS, ProblemKind
from transcript_core.intake.layouts import MAX_REGULAR_COLUMNS, Layout, list_layouts
from transcript_core.text import clean_text, find_forbidden

PAGE = (Path(__file__).parents[4] / "docs" / "spreadsheets.md").read_text("utf-8")


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


def test_the_page_names_every_problem_as_it_is_told() -> None:
    for code, kind in KINDS.items():
        row = f"| `{code}` | {kind.severity.value} | {kind.what} | {kind.remedy} |"
        assert row.translate(str.maketrans("{}", "‹›")) in PAGE, code


@pytest.mark.parametrize("layout", list_layouts(), ids=lambda layout: layout.kind.name)
def test_the_page_names_every_spelling_of_every_column(layout: Layout) -> None:
    _, _, section = PAGE.partition(f"({layout.kind.value})\n")
    words = " ".join(section.partition("\n##")[0].split())
    numbered = {f"regular-{number}" for number in range(2, MAX_REGULAR_COLUMNS + 1)}
    for column in layout.columns:
        missing = [spelling for spelling in column.spellings if spelling not in words]
        assert column.name in numbered or not missing, missing
