"""Says of every revision after the first what it did, and names whatever goes beyond signing.

Implements the revision rule for signed transcripts: after the file was prepared, a revision may fill one prepared
signature field together with the field's appearance, add evidence to the document security store (`pdf_store`), or,
behind the seal, put a document timestamp over everything (`pdf_stamps`).  Everything else that ISO 32000-1 lets an
incremental update do (annotations, pages, fonts, names, actions, attachments, metadata, form values, an earlier
field's appearance) is a finding, whatever a viewer would show.

The rule is closed: each object of a revision must be claimed by the one permitted change; what is left over fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from transcript_core.pdf import (
    MalformedPdf,
    PdfFile,
    Ref,
    Revision,
    Stream,
    String,
    Value,
    list_references,
    same_value,
)
from verify.formats.pdf_changes import (
    Change,
    ChangeKind,
    Form,
    History,
    SignatureField,
    find_new_reference,
    get_dictionary,
)
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_signature import DOCUMENT_TIMESTAMP_FORM, locks_all_fields
from verify.formats.pdf_stamps import classify_stamp, find_stamped_objects
from verify.formats.pdf_store import classify_store

_SIGNATURE_KEYS: Final = frozenset(
    {"Type", "Filter", "SubFilter", "M", "Name", "Location", "Reason", "Reference", "ByteRange", "Contents"}
)
_APPEARANCE_KEYS: Final = frozenset({"Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length", "Filter"})
_RESOURCE_KEYS: Final = frozenset({"Font", "XObject", "ProcSet"})

__all__ = ["Change", "ChangeKind", "Form", "classify_revisions", "read_form"]


def read_form(file: PdfFile) -> Form:
    """Return the signature fields of the first revision.

    Raises:
        MalformedPdf: the form is not of the plain kind that is prepared for transcripts.
    """
    catalog = get_dictionary(file.get_object(file.revisions[0].root, revision=1).value, "the catalog")
    acroform = get_dictionary(file.resolve(catalog.get("AcroForm"), revision=1), "the form")
    listed = acroform.get("Fields")
    if not isinstance(listed, list) or not acroform.keys() <= {"Fields", "SigFlags", "DR", "DA"}:
        raise MalformedPdf("the form has no plain list of fields", offset=0)
    fields = tuple(_read_field(file, reference) for reference in listed)
    if len({one.name for one in fields}) != len(fields) or len({one.number for one in fields}) != len(fields):
        raise MalformedPdf("two fields share a name or an object", offset=0)
    reference = catalog.get("AcroForm")
    return Form(fields, _read_fonts(file, acroform), reference.number if isinstance(reference, Ref) else None)


def classify_revisions(file: PdfFile, form: Form) -> tuple[Change, ...]:
    """Return what each revision from the second on did, in order."""
    history = History(form)
    return tuple(_classify(file, revision, history) for revision in file.revisions[1:])


def _classify(file: PdfFile, revision: Revision, history: History) -> Change:
    before = file.revisions[revision.number - 2]
    updated = sorted(number for number in revision.objects if number < before.size)
    fields = {one.number: one for one in history.form.fields}
    try:
        if len(updated) == 1 and updated[0] in fields:
            return _classify_signing(file, revision, fields[updated[0]], history)
        if len(updated) == 1 and updated[0] in {revision.root, history.store}:
            return classify_store(file, revision, updated[0], history)
        if frozenset(updated) == find_stamped_objects(history.form):
            return classify_stamp(file, revision, frozenset(updated), history)
    except MalformedPdf as error:
        problem = build_problem("revision-structure", revision=revision.number - 1, detail=error.problem)
        return Change(revision.number, ChangeKind.OTHER, problems=(problem,))
    return Change(revision.number, ChangeKind.OTHER, problems=(_name_content(revision, updated, history),))


def _name_content(revision: Revision, updated: list[int], history: History) -> Problem:
    """Name what a revision touched that no revision may touch."""
    overridden = [history.signed[number] for number in updated if number in history.signed]
    if overridden:
        return build_problem("field-signed-twice", revision=revision.number, field=", ".join(sorted(set(overridden))))
    what = sorted({_describe(number, revision) for number in updated}) or ["objects that nothing refers to"]
    return build_problem("revision-content", revision=revision.number, detail=", ".join(what))


def _describe(number: int, revision: Revision) -> str:
    """Return what an overridden object is, in a word or two."""
    if number == revision.root:
        return "the catalog"
    value = revision.objects[number].value
    dictionary = value.dictionary if isinstance(value, Stream) else value if isinstance(value, dict) else {}
    kind = dictionary.get("Subtype" if dictionary.get("Type") in {"Annot", "XObject"} else "Type")
    return f"object {number} ({kind if isinstance(kind, str) else 'of no named type'})"


def _classify_signing(file: PdfFile, revision: Revision, target: SignatureField, history: History) -> Change:
    problems: list[Problem] = []
    number = revision.number
    if target.number in history.signed:
        problems.append(build_problem("field-signed-twice", revision=number, field=target.name))
    if history.closed:
        problems.append(build_problem("after-lock", revision=number))
    filled = get_dictionary(revision.objects[target.number].value, f"the field {target.name}")
    signature, appearance = (
        find_new_reference(filled.get("V"), file, revision),
        _normal_appearance(filled, file, revision),
    )
    unchanged = {key: value for key, value in target.dictionary.items() if key not in {"V", "AP"}}
    if (
        signature is None
        or appearance is None
        or not same_value({key: value for key, value in filled.items() if key not in {"V", "AP"}}, unchanged)
    ):
        detail = "more than its value and its appearance, or not in the permitted form"
        problems.append(build_problem("field-changed", revision=number, field=target.name, detail=detail))
        return Change(number, ChangeKind.OTHER, target, signature, tuple(problems))
    problems += _check_signature_dictionary(revision, signature, closes=target.locks)
    drawn, complaints = _walk_appearance(revision, appearance, history.form.fonts)
    problems += complaints
    left_over = revision.objects.keys() - drawn - {signature, target.number}
    if left_over:
        detail = f"objects that the signature does not need: {sorted(left_over)}"
        problems.append(build_problem("revision-content", revision=number, detail=detail))
    history.signed.update(dict.fromkeys((target.number, signature, *drawn), target.name))
    history.remember_signature(revision.objects[signature].value)
    history.closed = history.closed or target.locks
    return Change(number, ChangeKind.SIGNED, target, signature, tuple(problems), appearance)


def _normal_appearance(filled: Mapping[str, Value], file: PdfFile, revision: Revision) -> int | None:
    """Return the appearance stream's object when /AP holds it and nothing else."""
    appearance = filled.get("AP")
    if not isinstance(appearance, dict) or appearance.keys() != {"N"}:
        return None
    return find_new_reference(appearance["N"], file, revision)


def _check_signature_dictionary(revision: Revision, number: int, *, closes: bool) -> Iterator[Problem]:
    value = revision.objects[number].value
    detail = None
    if not isinstance(value, dict) or not value.keys() <= _SIGNATURE_KEYS or value.get("Type") != "Sig":
        detail = "unknown entries"
    elif value.get("SubFilter") == DOCUMENT_TIMESTAMP_FORM:
        detail = "a document timestamp in the place of a signature"
    elif not isinstance(value.get("Contents"), String) or not isinstance(value.get("ByteRange"), list):
        detail = "/Contents or /ByteRange is missing"
    elif set(list_references(value)) - {revision.root}:
        detail = "values outside the dictionary"
    elif closes and not locks_all_fields(value.get("Reference")):
        detail = "it does not close the file, though its field says so"
    if detail is not None:
        yield build_problem("signature-dictionary", revision=revision.number, detail=detail)


def _walk_appearance(revision: Revision, first: int, fonts: frozenset[int]) -> tuple[set[int], list[Problem]]:
    """Return the objects of this revision that an appearance consists of, and what is not permitted in it."""
    seen: set[int] = set()
    problems: list[str] = []
    waiting = [first]
    while waiting:
        number = waiting.pop()
        if number in seen or number in fonts:
            continue
        if number not in revision.objects:
            problems.append(f"it uses object {number}, which is not its own")
            continue
        seen.add(number)
        value = revision.objects[number].value
        problems += _judge_appearance_object(value, is_form=number == first)
        waiting += list_references(value)
    return seen, [build_problem("appearance", revision=revision.number, detail=one) for one in problems]


def _judge_appearance_object(value: Value, *, is_form: bool) -> Iterator[str]:
    if not isinstance(value, Stream):
        if is_form or not isinstance(value, dict) or not value.keys() <= _RESOURCE_KEYS:
            yield "it has a part that is neither a drawing nor a list of fonts"
        return
    if value.dictionary.get("Subtype") != "Form" or not value.dictionary.keys() <= _APPEARANCE_KEYS:
        yield "it has entries beyond a plain drawing"
    resources = value.dictionary.get("Resources")
    if isinstance(resources, dict) and not resources.keys() <= _RESOURCE_KEYS:
        yield "it uses resources other than fonts and drawings"


def _read_field(file: PdfFile, reference: Value) -> SignatureField:
    if not isinstance(reference, Ref):
        raise MalformedPdf("a form field is not an object of its own", offset=0)
    value = get_dictionary(file.get_object(reference.number, revision=1).value, "a form field")
    name = value.get("T")
    if value.get("FT") != "Sig" or not isinstance(name, String) or value.keys() & {"Kids", "Parent", "A", "AA", "V"}:
        raise MalformedPdf("the form has fields other than empty signature fields", offset=0)
    return SignatureField(name.decode("latin-1"), reference.number, value)


def _read_fonts(file: PdfFile, acroform: Mapping[str, Value]) -> frozenset[int]:
    resources = file.resolve(acroform.get("DR"), revision=1)
    fonts = file.resolve(resources.get("Font"), revision=1) if isinstance(resources, dict) else None
    return frozenset(list_references(fonts)) if isinstance(fonts, dict) else frozenset()
