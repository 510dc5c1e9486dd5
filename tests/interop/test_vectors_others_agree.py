"""Over all vectors with XML signatures, in containers too: what libxmlsec1 and signxml say of each is what we say.

They are given the certificate that we chose.  Of signatures with signed properties signxml is also asked whether those
name that certificate.  Where they do not agree, `docs/divergences.md` names vector, software and reason; an entry that
is no longer true fails here too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from typing import Final
from zipfile import ZipFile

import pytest

from tests.support.divergences import Answer, Difference, explained, read_explained
from tests.support.other_xml import JUDGES, SignedXmlFile
from tests.vectors.cases import Case
from tests.vectors.catalogue import build, list_cases
from transcript_core.pki.certificates import Certificate
from verify.documents import XmlInput, read_asic, read_xml
from verify.formats.transforms import DetachedFiles
from verify.formats.xades_types import XadesSignature

pytestmark = pytest.mark.xdist_group("others-judge-xml")  # one process: what is asked once is not asked again

CASES: Final = [case for case in list_cases() if not case.family.startswith("pdf_") and case.family != "pictured"]
_answers: dict[tuple[str, bool, bytes], bool | None] = {}


def read_both_ways(case: Case) -> Iterator[tuple[SignedXmlFile, XmlInput]]:
    """Yield each XML file with signatures that a vector is or holds, for others and as we read it."""
    document = build(case)
    container = read_asic(document) if b"PK\3\4" in document[:100] else None
    if container is None:
        files = () if case.asked.files is None else case.asked.files()
        yield SignedXmlFile(document, dict(files)), read_xml(document, DetachedFiles(files, exact=False))
    elif container.container is not None:
        with ZipFile(io.BytesIO(document)) as archive:
            files = tuple((name, archive.read(name)) for name in archive.namelist())
        for name, read in container.signature_files:
            yield SignedXmlFile(dict(files)[name], dict(files)), read


def ask(software: str, file: SignedXmlFile, number: int, ours: XadesSignature) -> bool | None:
    """Return what the other one says, asked once for equal octets."""
    certificate, qualified = ours.certificate, ours.properties is not None
    assert certificate is not None
    key = (software, qualified, _digest(file, number, certificate))
    if key not in _answers:
        _answers[key] = JUDGES[software](file, number, certificate, qualified=qualified)
    return _answers[key]


@cache
def _digest(file: SignedXmlFile, number: int, certificate: Certificate) -> bytes:
    return file.digest_what_counts(number, certificate)


def differ(software: str, ours: XadesSignature, theirs: bool | None) -> Answer | None:
    """Return how the other one differs; "cannot be computed" is no acceptance, and so no difference to a refusal."""
    accepted = ours.intact is True
    if software == "signxml" and ours.properties is not None:
        accepted = accepted and ours.certificate_is_bound
    if theirs is None:
        return Answer.UNREAD if accepted else None
    if theirs == accepted:
        return None
    return Answer.ACCEPTS if theirs else Answer.REFUSES


@cache
def compare(case: Case) -> tuple[int, frozenset[Difference]]:
    """Return how many answers were compared, and the differences."""
    compared, differences = 0, set()
    for file, read in read_both_ways(case):
        for number, ours in enumerate(read.signatures):
            if ours.certificate is None:
                continue  # nothing to verify with
            for software in JUDGES:
                answer = differ(software, ours, ask(software, file, number, ours))
                compared += 1
                if answer is not None:
                    differences.add((case.name, software, answer))
    return compared, frozenset(differences)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_others_agree_or_the_difference_is_explained(case: Case) -> None:
    assert compare(case)[1] == explained(case.name, *JUDGES)


def test_every_explained_vector_exists() -> None:
    assert {name for name, software, _ in read_explained() if software in JUDGES} <= {case.name for case in CASES}


def test_nearly_everything_is_compared_and_nearly_all_agree() -> None:
    numbers = [compare(case)[0] for case in CASES]
    assert sum(numbers) >= 8000
    assert len([one for one in numbers if one]) >= 300
    assert len({name for name, software, _ in read_explained() if software in JUDGES}) <= len(CASES) / 10
