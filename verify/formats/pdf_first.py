"""Says whether the first revision of a transcript holds pages and prepared fields, and nothing that acts by itself.

Whoever signs first signs the whole revision, so what it may hold is decided here: pages with their drawings, an
outline, the signature fields, one attached file.  Everything that a reader reaches from the catalog is walked, but the
structure tree, the fonts and the metadata, from which nothing acts; each kind of object has the keys of our writer.

What acts, covers or hides (actions, scripts, other annotations, layers, other files) is a problem; any other key is one
that this release does not know, and makes the file indeterminate.  Spec: ISO 32000-1, 7.7, 12.3.3, 12.5, 12.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from transcript_core.limits import MAX_PDF_DEPTH
from transcript_core.pdf import MalformedPdf, PdfFile, Ref, Stream, Value
from verify.formats.pdf_changes import Form, get_dictionary
from verify.formats.pdf_problems import Problem, build_problem

_ACTIVE: Final = frozenset(
    {"A", "AA", "OpenAction", "JavaScript", "JS", "URI", "PA", "OC", "OCProperties", "Properties", "AP", "MK", "XFA"}
    | {"Collection", "Threads", "B", "PresSteps", "Trans", "F", "FFilter", "Alternates", "OPI", "PS", "Ref", "AF"}
    | {"Renditions", "AlternatePresentations", "Templates", "IDS", "URLS", "Perms", "Legal", "Requirements"}
    | {"NeedsRendering", "Extensions", "DPartRoot", "RichMediaContent"}
)
"""Keys that let a file act, hide or show something else, wherever they stand in what is walked."""

_CATALOG_KEYS: Final = frozenset(
    {"Type", "Pages", "Metadata", "OutputIntents", "Lang", "StructTreeRoot", "MarkInfo", "ViewerPreferences"}
    | {"Outlines", "Names", "AF", "AcroForm", "PageLabels", "PageLayout", "PageMode"}
)
_TREE_KEYS: Final = frozenset({"Type", "Kids", "Count", "Parent"})
_PAGE_KEYS: Final = frozenset(
    {"Type", "Parent", "Resources", "MediaBox", "Contents", "StructParents", "Tabs", "Annots"}
)
_FIELD_KEYS: Final = frozenset({"Type", "Subtype", "FT", "T", "TU", "F", "Rect", "P", "StructParent", "AP", "Lock"})
_OUTLINE_KEYS: Final = frozenset({"Type", "Title", "Parent", "Prev", "Next", "First", "Last", "Count", "Dest"})
_RESOURCE_KEYS: Final = frozenset({"ProcSet", "ColorSpace", "Font", "XObject"})
_DRAWING_KEYS: Final = frozenset({"Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length", "Filter"})
_CONTENT_KEYS: Final = frozenset({"Length", "Filter"})
_FILE_KEYS: Final = frozenset({"Type", "F", "UF", "EF", "AFRelationship", "Desc"})
_PRINTED_AND_LOCKED: Final = 132
_MAX_WALKED: Final = 2_000
"""Objects that are looked at; ours has about 70."""


@dataclass(slots=True)
class _Walk:
    """What is found while the first revision is walked."""

    file: PdfFile
    active: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)

    def open(self, value: Value, what: str) -> dict[str, Value]:
        """Return the dictionary that a value is or leads to."""
        resolved = self.file.resolve(value, revision=1)
        return get_dictionary(resolved.dictionary if isinstance(resolved, Stream) else resolved, what)

    def is_new(self, value: Value) -> bool:
        """Say whether this object was not looked at yet; values that stand where they are used always are."""
        if not isinstance(value, Ref):
            return True
        if value.number in self.seen:
            return False
        if len(self.seen) > _MAX_WALKED:
            raise MalformedPdf("the first revision has too many objects", offset=0)
        self.seen.add(value.number)
        return True

    def judge(self, found: Iterable[str], allowed: frozenset[str], what: str) -> None:
        """Note the keys that this kind of object does not have."""
        for key in set(found) - allowed:
            (self.active if key in _ACTIVE else self.unknown).add(f"{what} /{key}")


def list_problems(file: PdfFile, form: Form) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Return what is wrong with the first revision, and what is not known here.  Never raises."""
    walk = _Walk(file)
    try:
        _walk_catalog(walk, form)
    except MalformedPdf as error:
        walk.unknown.add(error.problem)
    problems = (build_problem("active-content", detail=", ".join(sorted(walk.active))),) if walk.active else ()
    unknown = (build_problem("unknown-entries", detail=", ".join(sorted(walk.unknown))),) if walk.unknown else ()
    return problems, unknown


def _walk_catalog(walk: _Walk, form: Form) -> None:
    catalog = walk.open(Ref(walk.file.revisions[0].root), "the catalog")
    walk.judge(catalog.keys(), _CATALOG_KEYS, "catalog")
    _walk_names(walk, catalog)
    fields = {one.number for one in form.fields}
    shown = [number for page in _walk_pages(walk, catalog.get("Pages"), 0) for number in page]
    if sorted(shown) != sorted(fields):
        walk.active.add("annotations other than the signature fields, each once")
    for one in form.fields:
        walk.judge(one.dictionary.keys(), _FIELD_KEYS, "field")
        if one.dictionary.get("Subtype") != "Widget" or one.dictionary.get("F") != _PRINTED_AND_LOCKED:
            walk.active.add("a signature field that is hidden or not printed")
        appearance = one.dictionary.get("AP")
        if not isinstance(appearance, dict) or appearance.keys() != {"N"}:
            walk.active.add("a signature field with several appearances")
        else:
            _walk_drawing(walk, appearance["N"], 0)
    if "Outlines" in catalog:
        _walk_outline(walk, catalog["Outlines"])


def _walk_names(walk: _Walk, catalog: dict[str, Value]) -> None:
    """Look at the attached file: one, named once, of one content, and nothing else that has a name."""
    names = walk.open(catalog.get("Names", {}), "the names")
    for key in names.keys() - {"EmbeddedFiles"}:
        walk.active.add(f"names /{key}")
    tree = walk.open(names.get("EmbeddedFiles", {}), "the names of files")
    listed = walk.file.resolve(tree.get("Names"), revision=1)
    if tree.keys() != {"Names"} or not isinstance(listed, list) or len(listed) != 2:
        walk.active.add("attached files other than the data")
        return
    specification = walk.open(listed[1], "an attached file")
    contents = walk.open(specification.get("EF", {}), "an attached file's content")
    walk.judge(specification.keys(), _FILE_KEYS, "attached file")
    if not isinstance(listed[1], Ref) or catalog.get("AF", [listed[1]]) != [listed[1]]:
        walk.active.add("attached files other than the data")
    if not contents.keys() <= {"F", "UF"} or len({repr(one) for one in contents.values()}) != 1:
        walk.active.add("an attached file of several contents")


def _walk_pages(walk: _Walk, value: Value, depth: int) -> Iterator[list[int]]:
    """Yield the objects of each page's annotations."""
    if depth > MAX_PDF_DEPTH or not walk.is_new(value):
        raise MalformedPdf("the page tree is not a tree", offset=0)
    node = walk.open(value, "a page")
    if "Kids" in node:
        walk.judge(node.keys(), _TREE_KEYS, "pages")
        kids = walk.file.resolve(node["Kids"], revision=1)
        for kid in kids if isinstance(kids, list) else ():
            yield from _walk_pages(walk, kid, depth + 1)
        return
    walk.judge(node.keys(), _PAGE_KEYS, "page")
    _walk_resources(walk, node.get("Resources", {}), 0)
    contents = node.get("Contents")
    for one in contents if isinstance(contents, list) else [contents]:
        if one is not None:
            walk.judge(walk.open(one, "a page's content").keys(), _CONTENT_KEYS, "content")
    annotations = walk.file.resolve(node.get("Annots", []), revision=1)
    listed = annotations if isinstance(annotations, list) else [annotations]
    yield [one.number if isinstance(one, Ref) else -1 for one in listed]


def _walk_resources(walk: _Walk, value: Value, depth: int) -> None:
    if depth > MAX_PDF_DEPTH or not walk.is_new(value):
        return
    resources = walk.open(value, "resources")
    walk.judge(resources.keys(), _RESOURCE_KEYS, "resources")
    for one in walk.open(resources.get("XObject", {}), "resources").values():
        _walk_drawing(walk, one, depth + 1)


def _walk_drawing(walk: _Walk, value: Value, depth: int) -> None:
    if not walk.is_new(value):
        return
    drawing = walk.open(value, "a drawing")
    walk.judge(drawing.keys(), _DRAWING_KEYS, "drawing")
    if drawing.get("Subtype") != "Form":
        walk.unknown.add("drawing of another kind")
    _walk_resources(walk, drawing.get("Resources", {}), depth + 1)


def _walk_outline(walk: _Walk, top: Value) -> None:
    """Look at every entry: one that leads nowhere but to a page has no action."""
    waiting = [top]
    while waiting:
        value = waiting.pop()
        if not walk.is_new(value):
            continue
        entry = walk.open(value, "the outline")
        walk.judge(entry.keys(), _OUTLINE_KEYS, "outline")
        waiting += [entry[key] for key in ("First", "Next") if key in entry]
