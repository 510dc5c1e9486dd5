"""Whatever edit a signed transcript suffers: it does not pass, or it still says the same.

Edits are of octets (changed, removed, put in, copied within), of the tree (elements removed, exchanged, doubled) and
of text; the document is one of a primary school, which is the shortest, so that many edits are tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml.etree import _Element

from tests.support.samples import build_transcript
from tests.vectors.forge import edit
from tests.vectors.school import CHECKED_AT, school, signed
from transcript_core.model import SchoolLevel
from verify.report import Outcome

EXAMPLES = 150
Edit = Callable[[bytes], bytes]
relaxed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def original() -> bytes:
    return signed(SchoolLevel.PRIMARY)


@st.composite
def octet_edits(draw: st.DrawFn) -> Edit:
    at = draw(st.integers(0, 100_000))
    length = draw(st.integers(0, 40))
    new = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"<!-- -->", b"<?x?>", b"&amp;", b"9", b" ", b"\n"])))

    def change(document: bytes) -> bytes:
        place = at % len(document)
        return document[:place] + new + document[place + length :]

    return change


@st.composite
def tree_edits(draw: st.DrawFn) -> Edit:
    first, second = draw(st.integers(0, 10_000)), draw(st.integers(0, 10_000))
    kind = draw(st.sampled_from(["remove", "exchange", "text", "attribute"]))

    def change(root: _Element) -> None:
        nodes = list(root.iter())[1:]
        one, other = nodes[first % len(nodes)], nodes[second % len(nodes)]
        parent = one.getparent()
        assert parent is not None
        if kind == "remove":
            parent.remove(one)
        elif kind == "text":
            one.text = other.text
        elif kind == "attribute":
            one.set("Id", other.get("Id") or "x")
        elif other not in one.iter() and other not in one.iterancestors():
            parent.replace(one, other)

    return lambda document: edit(document, change)


def check(document: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        report = school().verifier().verify(document, at=CHECKED_AT)
    assert report.outcome is not Outcome.PASSED or report.transcript == build_transcript(SchoolLevel.PRIMARY)
    assert not caplog.records, "the last-resort guard was hit"


@relaxed
@given(change=octet_edits())
def test_edit_of_octets_never_passes_as_something_else(change: Edit, caplog: pytest.LogCaptureFixture) -> None:
    check(change(original()), caplog)


@relaxed
@given(change=tree_edits())
def test_edit_of_the_tree_never_passes_as_something_else(change: Edit, caplog: pytest.LogCaptureFixture) -> None:
    check(change(original()), caplog)


@relaxed
@given(tail=st.binary(min_size=1, max_size=64), front=st.booleans())
def test_added_octets_never_pass(tail: bytes, front: bool, caplog: pytest.LogCaptureFixture) -> None:
    document = tail + original() if front else original() + tail
    check(document, caplog)
    assert school().verifier().verify(document, at=CHECKED_AT).outcome is not Outcome.PASSED
