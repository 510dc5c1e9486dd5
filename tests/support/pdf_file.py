"""One PDF as the rules of PDF/A and PDF/UA see it: file structure from the octets, everything else through pikepdf."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pikepdf
from lxml import etree

STANDARD_TYPES = frozenset(
    [
        "Document",
        "Part",
        "Art",
        "Sect",
        "Div",
        "BlockQuote",
        "Caption",
        "TOC",
        "TOCI",
        "Index",
        "NonStruct",
        "Private",
        "P",
        "H",
        "H1",
        "H2",
        "H3",
        "H4",
        "H5",
        "H6",
        "L",
        "LI",
        "Lbl",
        "LBody",
        "Table",
        "TR",
        "TH",
        "TD",
        "THead",
        "TBody",
        "TFoot",
        "Span",
        "Quote",
        "Note",
        "Reference",
        "BibEntry",
        "Code",
        "Link",
        "Annot",
        "Ruby",
        "Warichu",
        "RB",
        "RT",
        "RP",
        "WT",
        "WP",
        "Figure",
        "Formula",
        "Form",
    ]
)
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "pdfuaid": "http://www.aiim.org/pdfua/ns/id/",
}


def is_true(dictionary: Any, key: str) -> bool:
    """Tell whether an entry is the boolean true."""
    value: Any = dictionary.get(key)
    return value is True


class File:
    """One PDF, opened once for all rules."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.pdf = pikepdf.open(io.BytesIO(octets))
        self.root = self.pdf.Root

    @cached_property
    def sections(self) -> list[tuple[int, dict[int, int], bytes]]:
        """Every xref section, newest first: its offset, object number -> offset, and its trailer's octets."""
        found = []
        at: int | None = int(self.octets[self.octets.rindex(b"startxref") + 9 :].split()[0])
        while at is not None:
            end = self.octets.index(b"trailer", at)
            trailer = self.octets[end : self.octets.index(b"startxref", end)]
            found.append((at, _read_section(self.octets[at:end]), trailer))
            previous = re.search(rb"/Prev (\d+)", trailer)
            at = None if previous is None else int(previous[1])
        return found

    @cached_property
    def raw_objects(self) -> list[tuple[int, bytes]]:
        """Every object of every revision: its number and its octets from `obj` on up to the next object or xref."""
        starts = sorted(
            {offset for _, entries, _ in self.sections for offset in entries.values()}
            | {at for at, _, _ in self.sections}
        )
        result = []
        for _, entries, _ in self.sections:
            for number, offset in entries.items():
                following = next((start for start in starts if start > offset), len(self.octets))
                result.append((number, self.octets[offset:following]))
        return result

    @cached_property
    def dictionaries(self) -> list[Any]:
        """Every indirect dictionary and stream, and the direct dictionaries inside them."""
        found: list[Any] = []
        for item in self.pdf.objects:
            _collect(item, found)
        return found

    @cached_property
    def annotations(self) -> list[tuple[Any, Any]]:
        """Every annotation with its page."""
        return [(page.obj, one) for page in self.pdf.pages for one in page.obj.get("/Annots", [])]

    @cached_property
    def metadata(self) -> etree._Element | None:
        """The parsed XMP packet, or None."""
        stream = self.root.get("/Metadata")
        if stream is None:
            return None
        try:
            return etree.fromstring(stream.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            return None

    def read_metadata(self, path: str) -> str | None:
        """Return a property of the XMP packet, written as element or as attribute."""
        if self.metadata is None:
            return None
        found = self.metadata.xpath(f"string((//{path} | //@{path})[1])", namespaces=NAMESPACES)
        return str(found).strip() or None

    @cached_property
    def elements(self) -> list[Any]:
        """Every structure element, in reading order."""
        found: list[Any] = []
        if "/StructTreeRoot" in self.root:
            walk(self.root.StructTreeRoot, found)
        return found

    @cached_property
    def parent_tree(self) -> dict[int, Any]:
        """Number tree of the structure: StructParent(s) -> element or array."""
        tree = self.root.get("/StructTreeRoot", pikepdf.Dictionary()).get("/ParentTree", pikepdf.Dictionary())
        return dict(_number_tree(tree))

    def type_of(self, element: Any) -> str:
        """Return an element's standard type, through the role map."""
        name, roles = str(element.S), self.root.StructTreeRoot.get("/RoleMap", pikepdf.Dictionary())
        for _ in range(8):
            if name[1:] in STANDARD_TYPES or name not in roles:
                break
            name = str(roles[name])
        return name[1:]

    @cached_property
    def fields(self) -> list[Any]:
        """Terminal form fields."""
        return list(self.root.get("/AcroForm", pikepdf.Dictionary()).get("/Fields", []))

    @cached_property
    def fonts(self) -> list[Any]:
        """Every font dictionary that text can select."""
        return [one for one in self.dictionaries if one.get("/Type") == "/Font" and "/Encoding" in one]


def _read_section(content: bytes) -> dict[int, int]:
    entries, lines = {}, content.splitlines()[1:]
    position = 0
    while position < len(lines):
        first, count = (int(part) for part in lines[position].split())
        for number, line in enumerate(lines[position + 1 : position + 1 + count], start=first):
            if line.split()[2] == b"n":
                entries[number] = int(line.split()[0])
        position += 1 + count
    return entries


def _collect(item: Any, found: list[Any], depth: int = 0) -> None:
    if isinstance(item, pikepdf.Array):
        children = [one for one in item if not getattr(one, "is_indirect", False)]
    elif isinstance(item, (pikepdf.Dictionary, pikepdf.Stream)):
        found.append(item)
        children = [one for _, one in item.items() if not getattr(one, "is_indirect", False)]
    else:
        return
    for one in children:
        _collect(one, found, depth + 1)


def list_kids(element: Any) -> list[Any]:
    """Return what an element's /K holds, always as a list."""
    kids = element.get("/K")
    if kids is None:
        return []
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]


def walk(element: Any, found: list[Any]) -> None:
    """Add all structure elements below `element` to `found`, in reading order."""
    for kid in list_kids(element):
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found.append(kid)
            walk(kid, found)


def _number_tree(node: Any) -> Iterator[tuple[int, Any]]:
    numbers = node.get("/Nums", [])
    for index in range(0, len(numbers), 2):
        yield int(numbers[index]), numbers[index + 1]
    for kid in node.get("/Kids", []):
        yield from _number_tree(kid)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number, its clause, what it demands, and the function that yields what breaks it."""

    number: str
    clause: str
    demand: str
    check: Callable[[File], Iterator[str]]
