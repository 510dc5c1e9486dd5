"""Judges a revision that adds evidence to the document security store.

Implements ETSI EN 319 142-1, 5.4.2 as our writer uses it, and nothing beyond: the catalog gets its /DSS once; the
lists of the store only grow; an entry of /VRI names a signature that is there, speaks of pieces that are in the lists,
and never changes again; every other object of the revision is a plain stream that the lists refer to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from transcript_core.pdf import PdfFile, Ref, Revision, Stream, Value, list_references, same_value
from verify.formats.pdf_changes import Change, ChangeKind, History, find_new_reference, get_dictionary
from verify.formats.pdf_problems import build_problem

_LISTS: Final = {"Certs": "Cert", "OCSPs": "OCSP", "CRLs": "CRL"}
"""Lists of the store, and what the same kind is called in an entry of VRI."""

_STORE_KEYS: Final = frozenset({"Type", "VRI", *_LISTS})


def classify_store(file: PdfFile, revision: Revision, updated: int, history: History) -> Change:
    """Return what a revision did that changed the catalog or the store and no other object from before.

    Raises:
        MalformedPdf: catalog or store are no dictionaries.
    """
    number = revision.number
    store = history.store
    if updated == revision.root and store is None:
        store = _find_new_store(file, revision)
    if store is None or (updated == revision.root and history.store is not None):
        detail = "the catalog changes in more than its security store"
        return Change(
            number, ChangeKind.OTHER, problems=(build_problem("revision-content", revision=number, detail=detail),)
        )
    previous: Mapping[str, Value] = {}
    if history.store is not None:
        previous = get_dictionary(file.get_object(store, revision=number - 1).value, "the security store")
    current = get_dictionary(revision.objects[store].value, "the security store")
    wrong = _judge_lists(revision, {updated, store}, current, previous) or _judge_vri(current, previous, history.keys)
    if wrong is not None:
        return Change(number, ChangeKind.OTHER, problems=(build_problem("store", revision=number, detail=wrong),))
    history.store = store
    return Change(number, ChangeKind.STORED_EVIDENCE)


def _find_new_store(file: PdfFile, revision: Revision) -> int | None:
    """Return the new /DSS of a catalog that is otherwise unchanged."""
    old = get_dictionary(file.get_object(revision.root, revision=revision.number - 1).value, "the catalog")
    new = get_dictionary(revision.objects[revision.root].value, "the catalog")
    if "DSS" in old or not same_value({key: value for key, value in new.items() if key != "DSS"}, dict(old)):
        return None
    return find_new_reference(new.get("DSS"), file, revision)


def _judge_lists(
    revision: Revision, rewritten: set[int], current: Mapping[str, Value], previous: Mapping[str, Value]
) -> str | None:
    """Return what is wrong with the lists that this revision wrote; None when nothing is."""
    if not current.keys() <= _STORE_KEYS or current.get("Type", "DSS") != "DSS":
        return "unknown entries"
    fresh: list[int] = []
    for key in sorted(_LISTS):
        entries, old = current.get(key, []), previous.get(key, [])
        if not isinstance(entries, list) or not isinstance(old, list) or not same_value(entries[: len(old)], old):
            return f"earlier evidence was removed from /{key}"
        added = entries[len(old) :]
        if not all(isinstance(entry, Ref) for entry in added):
            return f"/{key} holds something other than references"
        fresh += list_references(added)
    if len(set(fresh)) != len(fresh) or set(fresh) | rewritten != revision.objects.keys():
        return "objects that do not belong to it, or evidence listed twice"
    plain = all(
        isinstance(one := revision.objects[number].value, Stream) and one.dictionary.keys() == {"Length"}
        for number in fresh
    )
    return None if plain else "evidence that is not a plain stream"


def _judge_vri(current: Mapping[str, Value], previous: Mapping[str, Value], keys: set[str]) -> str | None:
    """Return what is wrong with what the store says of single signatures; None when nothing is."""
    entries, old = current.get("VRI", {}), previous.get("VRI", {})
    if not isinstance(entries, dict) or not isinstance(old, dict):
        return "/VRI is not a dictionary"
    if not all(key in entries and same_value(entries[key], value) for key, value in old.items()):
        return "an earlier entry of /VRI was changed or removed"
    if not entries.keys() <= keys | old.keys():
        return "/VRI names a signature that is not there"
    listed = {name: set(list_references(current.get(key))) for key, name in _LISTS.items()}
    return next(filter(None, (_judge_vri_entry(value, listed) for value in entries.values())), None)


def _judge_vri_entry(value: Value, listed: Mapping[str, set[int]]) -> str | None:
    if not isinstance(value, dict) or not value.keys() <= listed.keys():
        return "an entry of /VRI holds something other than lists of evidence"
    for name, references in value.items():
        if not isinstance(references, list) or not all(isinstance(one, Ref) for one in references):
            return "an entry of /VRI holds something other than lists of evidence"
        if not set(list_references(references)) <= listed[name]:
            return "/VRI refers to evidence that is not in the store"
    return None
