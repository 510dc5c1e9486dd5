"""Rules of PDF/UA-1 (ISO 14289-1) that our writer and signer could break, numbered and cited, each able to fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pikepdf

from tests.support.pdf_a_rules import check_attachments, check_fonts, check_language, check_marked
from tests.support.pdf_file import STANDARD_TYPES, File, Rule, is_true, list_kids, walk

PAINTING = frozenset(["S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "BI", "INLINE"])


def _ua_identifier(file: File) -> Iterator[str]:
    if file.read_metadata("pdfuaid:part") != "1":
        yield "the metadata do not say PDF/UA-1"


def _title(file: File) -> Iterator[str]:
    if not file.read_metadata("dc:title"):
        yield "the metadata have no title"
    if not is_true(file.root.get("/ViewerPreferences", pikepdf.Dictionary()), "/DisplayDocTitle"):
        yield "the window would not show the title"


def _suspects(file: File) -> Iterator[str]:
    if is_true(file.root.get("/MarkInfo", pikepdf.Dictionary()), "/Suspects"):
        yield "the tags are marked as suspect"


def _types(file: File) -> Iterator[str]:
    for element in file.elements:
        if file.type_of(element) not in STANDARD_TYPES:
            yield f"structure type {element.S} is not mapped to a standard one"


def _tab_order(file: File) -> Iterator[str]:
    for number, page in enumerate(file.pdf.pages, start=1):
        if "/Annots" in page.obj and page.obj.get("/Tabs") != "/S":
            yield f"page {number} has annotations but no structure tab order"


def _is_outside(page: Any, annotation: Any) -> bool:
    """Say whether an annotation lies outside the page's crop box, which defaults to its media box."""
    left, bottom, right, top = (float(number) for number in page.get("/CropBox", page.MediaBox))
    x0, y0, x1, y1 = (float(number) for number in annotation.Rect)
    return x1 < left or x0 > right or y1 < bottom or y0 > top


def _widgets_in_structure(file: File) -> Iterator[str]:
    for page, one in file.annotations:
        if one.Subtype in ("/Popup", "/PrinterMark") or _is_outside(page, one):
            continue
        element = file.parent_tree.get(int(one.get("/StructParent", -1)))
        wanted = {"/Widget": "Form", "/Link": "Link"}.get(str(one.Subtype), "Annot")
        if element is None or file.type_of(element) != wanted:
            yield f"an annotation is not inside a {wanted} element"
            continue
        kids = list_kids(element)
        if len(kids) != 1 or kids[0].get("/Type") != "/OBJR" or kids[0].Obj.objgen != one.objgen:
            yield f"a {wanted} element does not hold exactly its annotation"
        elif kids[0].get("/Pg", element.get("/Pg")).objgen != page.objgen:
            yield f"a {wanted} element names another page"


def _descriptions(file: File) -> Iterator[str]:
    for _, one in file.annotations:
        key = "/TU" if one.Subtype == "/Widget" else "/Contents"
        if not str(one.get(key, "")).strip():
            yield f"an annotation has no {key}"


def _content_marked(file: File) -> Iterator[str]:
    for number, page in enumerate(file.pdf.pages, start=1):
        depth, marks, seen = 0, [], set()
        for instruction in pikepdf.parse_content_stream(page):
            operator = str(instruction.operator)
            if operator in {"BDC", "BMC"}:
                depth += 1
                properties = instruction.operands[1] if operator == "BDC" else None
                if isinstance(properties, pikepdf.Dictionary) and "/MCID" in properties:
                    marks.append(True)
                    seen.add(int(properties.MCID))
                else:
                    marks.append(str(instruction.operands[0]) == "/Artifact")
            elif operator == "EMC":
                marks.pop()
            elif operator in PAINTING and not any(marks):
                yield f"page {number} has content that is neither tagged nor an artifact"
                break
        listed = file.parent_tree.get(int(page.obj.get("/StructParents", -1)), [])
        for mark in seen:
            if mark >= len(listed) or mark not in {kid for kid in list_kids(listed[mark]) if isinstance(kid, int)}:
                yield f"page {number}: marked content {mark} is not in the structure tree"


def _headings(file: File) -> Iterator[str]:
    level = 0
    for element in file.elements:
        found = re.fullmatch(r"H([1-6])", file.type_of(element))
        if found is None:
            continue
        if int(found[1]) > level + 1:
            yield f"a heading of level {found[1]} follows one of level {level}"
        level = int(found[1])
    if level == 0:
        yield "the file has no heading"


def _list_child_types(file: File, element: Any) -> list[str]:
    kids = [kid for kid in list_kids(element) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]
    return [file.type_of(kid) for kid in kids]


def _tables_tagged(file: File) -> Iterator[str]:
    allowed = {
        "Table": {"TR", "THead", "TBody", "TFoot", "Caption"},
        "THead": {"TR"},
        "TBody": {"TR"},
        "TFoot": {"TR"},
        "TR": {"TH", "TD"},
    }
    for element in file.elements:
        kind = file.type_of(element)
        children = [
            file.type_of(kid) for kid in list_kids(element) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid
        ]
        if kind in allowed and set(children) - allowed[kind]:
            yield f"a {kind} holds {sorted(set(children) - allowed[kind])}"
        if kind == "Table":
            cells: list[Any] = []
            walk(element, cells)
            headers = [cell for cell in cells if file.type_of(cell) == "TH"]
            if not headers or any("/Scope" not in str(header.get("/A", "")) for header in headers):
                yield "a table has no header cells with a scope"


def _figures(file: File) -> Iterator[str]:
    for element in file.elements:
        if file.type_of(element) in {"Figure", "Formula"} and not ("/Alt" in element or "/ActualText" in element):
            yield "a figure or formula has no alternative text"


def _lists(file: File) -> Iterator[str]:
    for element in file.elements:
        kind = file.type_of(element)
        children = {
            file.type_of(kid) for kid in list_kids(element) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid
        }
        if (kind == "L" and children - {"LI", "L", "Caption"}) or (kind == "LI" and children - {"Lbl", "LBody"}):
            yield f"a list element {kind} holds {sorted(children)}"


PDF_UA_RULES = (
    Rule("U01", "5", "XMP metadata with pdfuaid part 1", _ua_identifier),
    Rule("U02", "7.1", "a title in the metadata, shown in the window", _title),
    Rule("U03", "7.1", "marked, with a structure tree", check_marked),
    Rule("U04", "7.1", "no suspect tags", _suspects),
    Rule("U05", "7.1", "standard structure types, or mapped to them", _types),
    Rule("U06", "7.1", "all page content tagged or an artifact, and known to the structure tree", _content_marked),
    Rule("U07", "7.2", "the natural language is named", check_language),
    Rule("U08", "7.3", "figures have alternative texts", _figures),
    Rule("U09", "7.4", "headings start at level 1 and skip none", _headings),
    Rule("U10", "7.5", "tables of rows and cells, header cells with a scope", _tables_tagged),
    Rule("U11", "7.6", "lists of items", _lists),
    Rule("U12", "7.11", "attached files described", check_attachments),
    Rule("U13", "7.18.1", "every annotation described: /TU or /Contents", _descriptions),
    Rule("U14", "7.18.3", "tab order by structure on pages with annotations", _tab_order),
    Rule(
        "U15",
        "7.18.4, 7.18.5",
        "every visible widget alone in a Form element, every link in a Link",
        _widgets_in_structure,
    ),
    Rule("U16", "7.21", "fonts embedded, with ToUnicode", check_fonts),
)
