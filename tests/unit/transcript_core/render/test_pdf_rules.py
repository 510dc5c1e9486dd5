"""The listed rules of PDF/A-3a and PDF/UA-1 hold for our files, and each of them can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.hard_samples import build_hard_transcript
from tests.support.pdf_fill import fill_appearances
from tests.support.pdf_rules import PDF_A_RULES, PDF_UA_RULES, check_pdf_a, check_pdf_ua
from tests.support.samples import build_issue, build_transcript
from transcript_core.model import SchoolLevel, Transcript
from transcript_core.render import render_first_revision
from transcript_core.render.objects import PdfObjects, parse_objects, write_file

DOCS = Path(__file__).parents[4] / "docs" / "pdf.md"


@pytest.fixture(scope="module")
def prepared() -> bytes:
    transcript = build_transcript()
    return render_first_revision(transcript, build_issue(transcript), info_xml=b"<THONG_TIN_HOC_BA></THONG_TIN_HOC_BA>")


@pytest.mark.parametrize("build", [build_transcript, build_hard_transcript])
@pytest.mark.parametrize("level", list(SchoolLevel))
def test_rules_hold_before_and_after_filling_the_fields(level: SchoolLevel, build: object) -> None:
    transcript = build(level)  # type: ignore[operator]
    assert isinstance(transcript, Transcript)
    issue = build_issue(transcript)
    pdf = render_first_revision(transcript, issue, info_xml=b"<A></A>")
    for file in (pdf, fill_appearances(pdf, transcript, issue)):
        assert check_pdf_a(file) + check_pdf_ua(file) == []


RAW_BREACHES = [
    ("A01", b"%PDF-1.7\n%\xc3\xa2", b"%PDF-1.7\n%ab"),
    ("A02", b"/ID[<", b"/IE[<"),
    ("A03", b" 65535 f \n", b" 65535 f  "),
    ("A04", b">>\nendobj\n", b">>  endobj"),
    ("A05", b"\nendstream\n", b" endstream\n"),
]
BREACHES = [
    ("A06", b"/Filter/FlateDecode", b"/Filter[/FlateDecode/Crypt]"),
    ("A07", b"/TU<FEFF", b"/TU<FEF"),
    ("A08", b"/Creator(", b"/Creator(" + b"x" * 32768),
    ("A09", b"/S/GTS_PDFA1", b"/S/GTS_PDFX"),
    ("A10", b"/FormType 1", b"/FormType 1/X<</ColorSpace/DeviceCMYK>>"),
    ("A11", b"/FormType 1", b"/FormType 1/Group<</S/Transparency>>"),
    ("A11", b"/FormType 1", b"/FormType 1/X<</ca 0.5>>"),
    ("A11", b"/FormType 1", b"/FormType 1/X<</BM/Darken>>"),
    ("A12", b"/FormType 1", b"/FormType 1/Ref<<>>"),
    ("A13", b"/ToUnicode ", b"/FromUnicode "),
    ("A13", b"/FontFile3 ", b"/FontFile9 "),
    ("A14", b"/F 132/Rect", b"/F 134/Rect"),
    ("A14", b"/AP<</N ", b"/AP<</D 1 0 R/N "),
    ("A15", b"/SigFlags 3", b"/SigFlags 3/NeedAppearances true"),
    ("A15", b"/F 132/Rect", b"/F 132/AA<<>>/Rect"),
    ("A16", b"/F 132/Rect", b"/V<</ByteRange[1 2 3 4]/Contents<00>>>/F 132/Rect"),
    ("A17", b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app)>>"),
    ("A17", b"/Type/Catalog", b"/Type/Catalog/X<</Type/Action/S/Launch>>"),
    ("A18", b"<pdfaid:conformance>A<", b"<pdfaid:conformance>B<"),
    ("A19", b"/Marked true", b"/Marked false"),
    ("A20", b"/Lang(vi-VN)", b""),
    ("A21", b"/AFRelationship/Data", b"/AFRelationship/Date"),
    ("A22", b"/Type/Catalog", b"/Type/Catalog/OCProperties<<>>"),
    ("U01", b"<pdfuaid:part>1<", b"<pdfuaid:part>2<"),
    ("U02", b"/DisplayDocTitle true", b"/DisplayDocTitle false"),
    ("U03", b"/Marked true", b"/Marked false"),
    ("U04", b"/Marked true", b"/Marked true/Suspects true"),
    ("U05", b"/StructElem/S/Span", b"/StructElem/S/Spam"),
    ("U06", b"/StructParents 2", b"/StructParents 9"),
    ("U07", b"/Lang(vi-VN)", b""),
    ("U08", b"/StructElem/S/Div", b"/StructElem/S/Figure"),
    ("U09", b"/S/H1", b"/S/H3"),
    ("U10", b"/S/TR", b"/S/Sect"),
    ("U10", b"/Scope/Column", b""),
    ("U11", b"/S/Div", b"/S/L"),
    ("U12", b"/UF(", b"/UG("),
    ("U13", b"/TU<FEFF", b"/TV<FEFF"),
    ("U14", b"/Tabs/S", b"/Tabs/R"),
    ("U15", b"/S/Form", b"/S/Span"),
    ("U15", b"/StructParent 2/", b"/StructParent 3/"),
    ("U16", b"/FontFile3 ", b"/FontFile9 "),
]


def _list_broken_rules(pdf: bytes) -> set[str]:
    return {problem.split()[0] for problem in check_pdf_a(pdf) + check_pdf_ua(pdf)}


@pytest.mark.parametrize(("rule", "old", "new"), RAW_BREACHES)
def test_a_breach_of_the_file_structure_is_reported(rule: str, old: bytes, new: bytes, prepared: bytes) -> None:
    assert old in prepared
    new = new.ljust(len(old)) if rule != "A04" else new.ljust(len(old), b"\n")
    assert rule in _list_broken_rules(prepared.replace(old, new, 1))


@pytest.mark.parametrize(("rule", "old", "new"), BREACHES)
def test_a_breach_in_an_object_is_reported(rule: str, old: bytes, new: bytes, prepared: bytes) -> None:
    objects = parse_objects(prepared)
    assert any(old in body for body in objects.bodies.values())
    changed = {number: body.replace(old, new) for number, body in objects.bodies.items()}
    pdf = write_file(PdfObjects(changed, objects.root, objects.info), first=[objects.root])
    assert rule in _list_broken_rules(pdf)


def test_every_rule_is_shown_to_fail() -> None:
    tried = {rule for rule, _, _ in (*RAW_BREACHES, *BREACHES)}
    assert tried == {rule.number for rule in (*PDF_A_RULES, *PDF_UA_RULES)}


def test_the_document_lists_every_rule_with_its_clause() -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [
        rule.number for rule in (*PDF_A_RULES, *PDF_UA_RULES) if f"| {rule.number} | {rule.clause} | " not in text
    ]
    assert missing == []
