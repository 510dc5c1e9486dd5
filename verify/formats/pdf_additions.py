"""Judges what other programs may add to the catalog of a signed PDF: evidence, extensions, dates.

Implements ETSI EN 319 142-1, 5.4.2 (DSS and VRI) and ISO 32000-2, 7.12 (extensions dictionary) as a list of what may
be there; whatever else is there is not such an addition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfDecodeLimitError

from transcript_core.errors import InputError
from transcript_core.limits import MAX_CERTIFICATE_BYTES, MAX_CRL_BYTES, MAX_OCSP_BYTES, MAX_REVOCATION_PIECES
from verify.formats.pdf_contents import SecurityStore, load_all
from verify.formats.pdf_graph import Number, State, raw_entries, same

_LISTS: Final = frozenset({"/Certs", "/OCSPs", "/CRLs"})
_STORE_KEYS: Final = _LISTS | {"/Type", "/VRI"}
_VRI_LISTS: Final = frozenset({"/Cert", "/OCSP", "/CRL"})
_VRI_KEYS: Final = _VRI_LISTS | {"/Type", "/TU", "/TS"}
_EXTENSION_KEYS: Final = frozenset({"/Type", "/BaseVersion", "/ExtensionLevel", "/URL", "/ExtensionRevision"})
_CHANGING: Final = frozenset({"/ModDate", "/CreationDate", "/Producer", "/Creator"})
"""Entries of the information dictionary that every program writes for itself."""


_CHANGING_XMP: Final = frozenset(
    {
        "{http://ns.adobe.com/xap/1.0/}ModifyDate",
        "{http://ns.adobe.com/xap/1.0/}MetadataDate",
        "{http://ns.adobe.com/xap/1.0/}CreateDate",
        "{http://ns.adobe.com/xap/1.0/}CreatorTool",
        "{http://ns.adobe.com/xap/1.0/mm/}InstanceID",
        "{http://ns.adobe.com/xap/1.0/mm/}DocumentID",
        "{http://ns.adobe.com/pdf/1.3/}Producer",
        "{adobe:ns:meta/}xmptk",
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about",
    }
)
"""The same in an XMP packet (ISO 16684-1)."""


def list_store_numbers(state: State, value: Any) -> set[Number] | None:
    """Return the objects that a security store itself consists of, evidence apart; None when it is none."""
    if value is None:
        return set()
    store = state.find_dictionary(value)
    if not store or not store.keys() <= _STORE_KEYS or not _holds_evidence(state, store, _LISTS):
        return None
    if "/VRI" in store and not isinstance(state.resolve(store["/VRI"]), generic.DictionaryObject):
        return None
    entries = state.find_dictionary(store.get("/VRI"))
    if not all(_is_vri_entry(state, one) for one in entries.values()):
        return None
    inner = [state.find_dictionary(one).get(key) for one in entries.values() for key in _VRI_LISTS]
    return set(_list_numbers([value, *(store.get(key) for key in (*_LISTS, "/VRI")), *entries.values(), *inner]))


def keeps_store(old: State, before: Any, new: State, after: Any) -> bool:
    """Say whether a store still holds the evidence, and entries about the signatures, of an earlier one."""
    first, second = old.find_dictionary(before), new.find_dictionary(after)
    if not all(_digest_pieces(old, first.get(key)) <= _digest_pieces(new, second.get(key)) for key in _LISTS):
        return False
    return old.find_dictionary(first.get("/VRI")).keys() <= new.find_dictionary(second.get("/VRI")).keys()


def _digest_pieces(state: State, value: Any) -> set[bytes]:
    return {state.budget.work.hash("sha256", one) for one in _list_pieces(state, value, DecodePurpose.CRL)}


def read_foreign_store(state: State) -> SecurityStore:
    """Return what the file's /DSS holds; what cannot be read is left out, since it proves nothing."""
    store = state.find_dictionary(raw_entries(state.get(state.root)).get("/DSS"))
    return SecurityStore(
        certificates=tuple(load_all(_list_pieces(state, store.get("/Certs"), DecodePurpose.CERTIFICATE))),
        ocsps=tuple(_list_pieces(state, store.get("/OCSPs"), DecodePurpose.OCSP_RESPONSE)),
        crls=tuple(_list_pieces(state, store.get("/CRLs"), DecodePurpose.CRL)),
    )


_MAX_PIECE_BYTES: Final = {
    DecodePurpose.CERTIFICATE: MAX_CERTIFICATE_BYTES,
    DecodePurpose.OCSP_RESPONSE: MAX_OCSP_BYTES,
    DecodePurpose.CRL: MAX_CRL_BYTES,
}


def _list_pieces(state: State, value: Any, kind: DecodePurpose) -> Iterator[bytes]:
    """Yield the pieces of evidence in a list, none of them unpacked further than one of its kind may be long.

    Raises:
        LimitExceeded: what all streams of the file may unpack to is used up.
    """
    for one in state.find_array(value)[:MAX_REVOCATION_PIECES]:
        stream = state.resolve(one)
        if not isinstance(stream, generic.StreamObject):
            continue
        try:
            piece = bytes(stream.read_data(kind))
        except PdfDecodeLimitError:
            state.budget.work.pay_decoding(_MAX_PIECE_BYTES[kind])
            continue
        state.budget.work.pay_decoding(len(piece))
        if len(piece) <= _MAX_PIECE_BYTES[kind]:
            yield piece


def _is_vri_entry(state: State, value: Any) -> bool:
    """Say whether this is an entry about one signature."""
    entry = state.find_dictionary(value)
    is_dictionary = isinstance(state.resolve(value), generic.DictionaryObject)
    return is_dictionary and entry.keys() <= _VRI_KEYS and _holds_evidence(state, entry, _VRI_LISTS)


def _holds_evidence(state: State, entries: Mapping[str, Any], keys: frozenset[str]) -> bool:
    return all(_is_evidence(state, entries[key]) for key in keys & entries.keys())


def _list_numbers(values: Iterable[Any]) -> list[Number]:
    return [int(one.idnum) for one in values if isinstance(one, generic.IndirectObject)]


def _is_evidence(state: State, value: Any) -> bool:
    """Say whether this is an array of references to streams."""
    return isinstance(state.resolve(value), generic.ArrayObject) and all(
        isinstance(one, generic.IndirectObject) and isinstance(state.resolve(one), generic.StreamObject)
        for one in state.find_array(value)
    )


def may_extend(old: State, before: Mapping[str, Any], new: State, after: Mapping[str, Any]) -> bool:
    """Say whether an extensions dictionary only got entries, or higher levels."""
    for key, value in after.items():
        listed = _list_extensions(new, value)
        if key != "/Type" and (not listed or any(not entry.keys() <= _EXTENSION_KEYS for entry in listed)):
            return False
    for key, value in before.items():
        if key == "/Type":
            continue
        first, second = _list_extensions(old, value), _list_extensions(new, after.get(key))
        if len(second) < len(first) or not all(map(_rises, first, second)):
            return False
    return True


def _list_extensions(state: State, value: Any) -> list[Mapping[str, Any]]:
    """Return the developer's entry, or entries since PDF 2.0."""
    resolved = state.resolve(value)
    items = state.find_array(value) if isinstance(resolved, generic.ArrayObject) else [resolved]
    return [raw_entries(state.resolve(one)) for one in items if raw_entries(state.resolve(one))]


def _rises(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if not same(before.get("/BaseVersion"), after.get("/BaseVersion")):
        return False
    first, second = before.get("/ExtensionLevel"), after.get("/ExtensionLevel")
    if not isinstance(first, generic.NumberObject) or not isinstance(second, generic.NumberObject):
        return same(first, second)
    return int(first) <= int(second)


def may_redate(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say whether an information dictionary differs in nothing but dates and programs."""
    keys = (before.keys() | after.keys()) - _CHANGING
    return all(same(before.get(key), after.get(key)) for key in keys)


def may_describe(old: State, before: Any, new: State, after: Any) -> bool:
    """Say whether a metadata stream says nothing new but dates and programs."""
    if not isinstance(after, generic.IndirectObject):
        return before is None and after is None
    first, second = _read_packet(old, before), _read_packet(new, after)
    return second is not None and first == second


def _read_packet(state: State, value: Any) -> list[tuple[str, str]] | None:
    """Return what an XMP packet says, sorted; empty when there is no packet, None when it cannot be read."""
    stream = state.resolve(value)
    if stream is None:
        return []
    if not isinstance(stream, generic.StreamObject) or raw_entries(stream).get("/Type") != "/Metadata":
        return None
    try:
        root = state.budget.work.parse(stream.read_data(DecodePurpose.XMP_METADATA))
    except InputError:
        return None
    said: list[tuple[str, str]] = []
    for element in root.iter():
        text = (element.text or "").strip()
        said += [(str(element.tag), text)] if text else []
        said += [(str(key), str(one)) for key, one in element.items()]
    return sorted(entry for entry in said if entry[0] not in _CHANGING_XMP)
