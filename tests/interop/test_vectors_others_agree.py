"""Over all vectors: what libxmlsec1 and signxml say of the mathematics of each XML signature is what we say.

Where they do not agree, `docs/divergences.md` names the vector, the other software and the reason; an entry that is no
longer true fails here too.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from tests.vectors.cases import Case
from tests.vectors.catalogue import build, list_cases
from transcript_core.canonical import parse_xml
from transcript_core.errors import InputError
from verify.documents import XmlInput, read_xml
from verify.formats.transforms import DetachedFiles

names = xmlsec.constants  # no module of its own that could be imported

DIVERGENCES: Final = Path(__file__).parents[2] / "docs" / "divergences.md"
ROW: Final = re.compile(r"^\| `(\w+)` \| (xmlsec1) (accepts|refuses) \| .+ \|$", re.MULTILINE)
XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"


@cache
def read_explained() -> dict[str, bool]:
    """Return, by vector, whether xmlsec1 accepts all signatures where we do not say the same."""
    return {name: word == "accepts" for name, _, word in ROW.findall(DIVERGENCES.read_text("utf-8"))}


def list_xml_cases() -> list[Case]:
    """Return the vectors that are XML without files beside it: xmlsec1 would fetch those by itself."""
    return [case for case in list_cases() if not case.family.startswith("pdf_") and case.asked.files is None]


def judge_ours(document: bytes) -> bool | None:
    """Return whether we find every signature intact; None when there is none, or no XML."""
    found: XmlInput = read_xml(document, DetachedFiles((), exact=False))
    if not found.signatures:
        return None
    return all(one.intact is True for one in found.signatures)


def judge_xmlsec(document: bytes) -> bool | None:
    """Return whether libxmlsec1 accepts every signature with the key of the certificate that we chose for it."""
    found = read_xml(document)
    root = parse_xml(document)
    xmlsec.tree.add_ids(root, ["Id"])
    nodes = list(root.iter("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    if len(nodes) != len(found.signatures) or not nodes:
        return None
    answers = []
    for node, ours in zip(nodes, found.signatures, strict=True):
        if ours.certificate is None:
            return None
        pem = ours.certificate.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(pem, names.KeyDataFormatPem)
        try:
            context.verify(node)
            answers.append(True)
        except xmlsec.Error:
            answers.append(False)
    return all(answers)


def compare(case: Case) -> tuple[bool | None, bool | None]:
    """Return our answer and theirs; None where one of them cannot judge."""
    document = build(case)
    try:
        return judge_ours(document), judge_xmlsec(document)
    except (InputError, etree.LxmlError, xmlsec.Error):
        return None, None


@pytest.mark.parametrize("case", list_xml_cases(), ids=str)
def test_xmlsec1_agrees_or_the_difference_is_explained(case: Case) -> None:
    ours, theirs = compare(case)
    if ours is None or theirs is None:
        return  # one of the two does not take the file apart, so there is nothing to compare
    if case.name in read_explained():
        assert (ours, theirs) == (not read_explained()[case.name], read_explained()[case.name])
    else:
        assert ours == theirs


def test_every_explained_vector_exists() -> None:
    assert set(read_explained()) <= {case.name for case in list_xml_cases()}


def test_far_more_vectors_are_compared_than_explained() -> None:
    both = [case for case in list_xml_cases() if None not in compare(case)]
    assert len(both) >= 100
    assert len(read_explained()) <= len(both) / 4
