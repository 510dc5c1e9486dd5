"""Whatever is changed, taken out, moved, doubled or added in a signed file: it does not pass, or it says the same.

The samples are edited, and documents that the installation issued from a real school's spreadsheets where these lie
beside the project.  A usual run tries a thousand edits; `make edits` tries thousands of each kind of document.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import pytest

from tests.support import real_school
from tests.support.edits import OBJECTS, OCTETS, TREE, Editor
from tests.support.samples import build_transcript
from tests.vectors.pictures import pictured_xml, signed_json, signed_pdf
from tests.vectors.school import CHECKED_AT, school, signed
from transcript_core.model import SchoolLevel, Transcript
from verify.report import Outcome, Report

_USUAL: Final = {"xml": 400, "pdf": 50, "jws": 80}
EDITS: Final = {kind: int(os.environ.get("HOCBA_EDITS", usual)) for kind, usual in _USUAL.items()}
"""Of each document, by all editors together; one of a PDF costs ten times one of an XML file."""


@dataclass(frozen=True)
class Signed:
    """A file that passes, what it says, and how it is asked about."""

    file: bytes
    transcript: Transcript
    ask: Callable[[bytes], Report]


def _sample(file: bytes, transcript: Transcript, xml: bytes | None = None) -> Signed:
    verifier = school().verifier()
    return Signed(file, transcript, lambda edited: verifier.verify(edited, at=CHECKED_AT, xml=xml))


def _sample_xml() -> Signed:
    return _sample(signed(SchoolLevel.PRIMARY), build_transcript(SchoolLevel.PRIMARY))


def _sample_pdf() -> Signed:
    return _sample(signed_pdf(), build_transcript())


def _sample_jws() -> Signed:
    return _sample(signed_json(build_transcript(), pictured_xml()), build_transcript(), pictured_xml())


def _real(kind: str) -> Signed:
    issued = real_school.real_school()
    one, verifier = issued.documents[0], issued.open_verifier()
    file = {"xml": one.xml, "pdf": one.pdf, "jws": one.jws}[kind]
    xml = one.xml if kind == "jws" else None
    return Signed(file, one.transcript, lambda edited: verifier.verify(edited, at=real_school.ISSUED_AT, xml=xml))


SAMPLES: Final[Mapping[str, Callable[[], Signed]]] = {"xml": _sample_xml, "pdf": _sample_pdf, "jws": _sample_jws}
EDITORS: Final[Mapping[str, Mapping[str, Editor]]] = {
    "xml": {**OCTETS, **TREE},
    "pdf": {**OCTETS, **OBJECTS},
    "jws": OCTETS,
}
CASES: Final = [(kind, name) for kind, editors in EDITORS.items() for name in editors]
needs_school = pytest.mark.skipif(not real_school.FOLDER.is_dir(), reason=real_school.ABSENT)
edited = pytest.mark.parametrize(("kind", "name"), CASES)


def _try_all(document: Signed, kind: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Try this editor's share of the edits, and tell how they were answered."""
    assert document.ask(document.file).transcript == document.transcript
    editor, outcomes = EDITORS[kind][name], Counter[Outcome]()
    with caplog.at_level(logging.ERROR):
        for number in range(-(-EDITS[kind] // len(EDITORS[kind]))):
            report = document.ask(editor(document.file, Random(f"{name} {number}")))
            outcomes[report.outcome] += 1
            assert report.transcript in {None, document.transcript}, f"{kind}, {name}, number {number}"
            assert (report.outcome is Outcome.PASSED) == (report.transcript is not None), number
    assert not caplog.records, "the last-resort guard was hit"
    print(f"{kind}, {name}: " + ", ".join(f"{count} {one.value}" for one, count in outcomes.items()))


@edited
def test_edited_sample_never_passes_as_something_else(kind: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    _try_all(SAMPLES[kind](), kind, name, caplog)


@needs_school
@edited
def test_edited_document_of_a_real_school_never_passes_as_something_else(
    kind: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    _try_all(_real(kind), kind, name, caplog)
