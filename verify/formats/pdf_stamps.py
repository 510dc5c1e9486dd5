"""Judges a revision that puts a document timestamp behind everything.

Implements ETSI EN 319 142-1, 5.4.3 and ISO 32000-2, 12.8.5 as our writer uses them, and nothing beyond.  A document
timestamp follows the seal, for nobody signs after it; its revision holds the timestamp's dictionary, a new invisible
field of the one form (`transcript_core.pdf.doc_timestamps`), the form and the page that list this field at their end,
and no other object.  What the token proves is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from transcript_core.pdf import PdfFile, Ref, Revision, String, Value, list_references, same_value
from transcript_core.pdf.doc_timestamps import build_field, build_field_name
from verify.formats.pdf_changes import Change, ChangeKind, Form, History, SignatureField, get_dictionary
from verify.formats.pdf_problems import build_problem
from verify.formats.pdf_signature import DOCUMENT_TIMESTAMP_FORM

_TIMESTAMP_KEYS: Final = frozenset({"Type", "Filter", "SubFilter", "V", "ByteRange", "Contents"})


def find_stamped_objects(form: Form) -> frozenset[int]:
    """Return the objects that a document timestamp writes anew: the form and the seal's page; empty when none can."""
    seal = form.find_locking_field()
    page = None if seal is None else seal.dictionary.get("P")
    return frozenset({form.number, page.number}) if form.number is not None and isinstance(page, Ref) else frozenset()


def classify_stamp(file: PdfFile, revision: Revision, updated: frozenset[int], history: History) -> Change:
    """Return what a revision did that wrote the form and the seal's page anew, and no other object from before.

    Raises:
        MalformedPdf: one of these objects is no dictionary.
    """
    (page,) = updated - {history.form.number}
    fresh, number = sorted(revision.objects.keys() - updated), revision.number
    detail = _find_fault(file, revision, page, fresh, history)
    problems = [] if detail is None else [build_problem("document-timestamp", revision=number, detail=detail)]
    if not history.closed:
        problems.append(build_problem("timestamp-before-seal", revision=number))
    if detail is not None:
        return Change(number, ChangeKind.OTHER, problems=tuple(problems))
    value, placed = fresh
    name = build_field_name(history.stamps)
    field = SignatureField(name, placed, get_dictionary(revision.objects[placed].value, "the field"))
    history.stamps += 1
    history.signed.update(dict.fromkeys(fresh, name))
    history.remember_signature(revision.objects[value].value)
    return Change(number, ChangeKind.STAMPED, field, value, tuple(problems))


def _find_fault(file: PdfFile, revision: Revision, page: int, fresh: list[int], history: History) -> str | None:
    """Return what is not of the one permitted form; None when everything is."""
    if len(fresh) != 2:
        return "other objects than the timestamp and its field"
    value, field = fresh
    expected = build_field(build_field_name(history.stamps), page=page, value=value)
    if not same_value(revision.objects[field].value, expected):
        return "a field of another form"
    if not _is_timestamp(revision.objects[value].value):
        return "a timestamp dictionary of another form"
    assert history.form.number is not None
    if not _adds_only(file, revision, history.form.number, "Fields", field):
        return "the form changes in more than the new field"
    if not _adds_only(file, revision, page, "Annots", field):
        return "the page changes in more than the new field"
    return None


def _is_timestamp(value: Value) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _TIMESTAMP_KEYS
        and value["Type"] == "DocTimeStamp"
        and value["SubFilter"] == DOCUMENT_TIMESTAMP_FORM
        and value["V"] == 0
        and isinstance(value["Contents"], String)
        and isinstance(value["ByteRange"], list)
        and not list_references(value)
    )


def _adds_only(file: PdfFile, revision: Revision, number: int, key: str, added: int) -> bool:
    """Say whether the object differs from before in nothing but one reference at the end of one array."""
    old = get_dictionary(file.get_object(number, revision=revision.number - 1).value, f"object {number}")
    new: Mapping[str, Value] = get_dictionary(revision.objects[number].value, f"object {number}")
    items = old.get(key)
    return isinstance(items, list) and same_value(dict(new), {**old, key: [*items, Ref(added)]})
