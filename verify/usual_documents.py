"""Reads transcripts and recalls as nearly all are: every slot's signature of the usual form, intact, or still missing.

Nine tenths of such a file are signatures.  Their form is known to the octet (`formats.xades_usual`), so they are taken
out, and what is left is parsed, held against the schema and read as any document with empty slots.  It must be written
in canonical form as it stands; then the file is the canonical form of the whole document, and the octets that
signatures digest are pieces of it.  In the tree each signature is a place with nothing in it.

Whatever is not exactly so gives None, and the file is read the thorough way (`documents`), which says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lxml.etree import SubElement, _Element

from transcript_core.canonical import canonicalize, check_markup
from transcript_core.errors import InputError
from transcript_core.limits import MAX_SIGNATURES, MAX_XML_BYTES
from transcript_core.policy import Slot
from transcript_core.xml import RecallDocument, TranscriptDocument, read_document
from verify.formats.names import DS, ds
from verify.formats.octets import OctetCache
from verify.formats.work import Work
from verify.formats.xades_types import XadesSignature
from verify.formats.xades_usual import Form, Place, UsualReader, find_forms, list_identifiers


@dataclass(frozen=True, slots=True, eq=False)
class UsualDocument:
    """A document as read; nodes of signatures in `content` and `signatures` are places in its tree."""

    content: TranscriptDocument | RecallDocument
    cache: OctetCache  # knows the octets of whatever a slot may sign
    signatures: tuple[XadesSignature, ...]  # in document order


def read_usual_document(octets: bytes, work: Work) -> UsualDocument | None:
    """Return the document in `octets`; None when it is to be read thoroughly."""
    forms = list(find_forms(octets)) if len(octets) <= MAX_XML_BYTES else []
    if not 0 < len(forms) <= MAX_SIGNATURES:
        return None
    try:
        check_markup(octets)  # the limits are those of the whole file
        content = _read_rest(octets, forms)
        slots = None if content is None else _find_slots(octets, forms, content)
        if content is None or slots is None:
            return None
        read = _read_signatures(octets, list(zip(forms, slots, strict=True)), content, work)
        if read is not None:
            work.pay_writing(octets, slow=False)
        return read
    except InputError:
        return None


def _read_rest(octets: bytes, forms: Iterable[Form]) -> TranscriptDocument | RecallDocument | None:
    """Return the document without its signatures; None when it holds others, or is not written in canonical form.

    Raises:
        InputError: as `read_document`.
    """
    rest = _take_out(octets, forms)
    content = read_document(rest)
    return content if not content.signed and canonicalize(content.root) == rest else None


def _take_out(octets: bytes, forms: Iterable[Form]) -> bytes:
    pieces, position = [], 0
    for form in forms:
        pieces.append(octets[position : form.start()])
        position = form.end()
    return b"".join([*pieces, octets[position:]])


def _find_slots(
    octets: bytes, forms: Sequence[Form], content: TranscriptDocument | RecallDocument
) -> list[Slot] | None:
    """Return the slot of each signature: the one whose tags stand around it, its Id in the signature's.

    None when one stands anywhere else, two stand in one slot, or an identifier stands twice.
    """
    by_id = {slot.signature_id: slot for slot in content.slots}
    found: list[Slot] = []
    identifiers = list(content.ids)
    for form in forms:
        slot = by_id.pop(form["id"].decode(), None)
        if slot is None:
            return None
        tag = slot.role.value.encode()
        before, behind = b'<%b Id="%b">' % (tag, slot.slot_id.encode()), b"</%b>" % tag
        if not (octets.endswith(before, 0, form.start()) and octets.startswith(behind, form.end())):
            return None
        identifiers += list_identifiers(form)
        found.append(slot)
    return found if len(set(identifiers)) == len(identifiers) else None


def _read_signatures(
    octets: bytes,
    placed: Sequence[tuple[Form, Slot]],
    content: TranscriptDocument | RecallDocument,
    work: Work,
) -> UsualDocument | None:
    places = {slot.slot_id: _make_place(content.ids[slot.slot_id], form) for form, slot in placed}
    cache = _build_cache(octets, placed, places, content, work)
    reader = UsualReader(cache)
    signatures = []
    for form, slot in placed:
        signature = reader.read(form, places[slot.slot_id])
        if signature is None:
            return None
        signatures.append(signature)
    signed = {slot_id: place.element for slot_id, place in places.items()}
    return UsualDocument(replace(content, signed=signed), cache, tuple(signatures))


def _make_place(slot: _Element, form: Form) -> Place:
    element = SubElement(slot, ds("Signature"), {"Id": form["id"].decode()}, nsmap={"ds": DS})
    value = SubElement(element, ds("SignatureValue"))
    return Place(element, value, SubElement(element, ds("Object")))


def _build_cache(
    octets: bytes,
    placed: Sequence[tuple[Form, Slot]],
    places: Mapping[str, Place],
    content: TranscriptDocument | RecallDocument,
    work: Work,
) -> OctetCache:
    """Return the octets of everything that stands around signatures, or is one, by what may be named.

    A reference finds the data, what lies in them beside the slots, and signatures; no slot, and no part of a signature.
    """
    root = content.root
    slots = {slot.slot_id for slot in content.slots}
    named = {identifier: element for identifier, element in content.ids.items() if identifier not in slots}
    ids = named | {place.element.get("Id", ""): place.element for place in places.values()}
    cache = OctetCache(root, ids, work=work)
    cache.remember(root, octets)
    for identifier, element in named.items():
        cache.remember(element, _cut(octets, identifier.encode(), element))
    for form, slot in placed:
        cache.remember(places[slot.slot_id].element, form[0])
    return cache


def _cut(octets: bytes, identifier: bytes, element: _Element) -> bytes:
    """Return an element's octets, which are those of its canonical form: neither it nor what is in it has a namespace.

    Signatures do and declare it themselves.  By the schema no element with an Id stands in another of its own name, and
    the data are followed by slots alone.
    """
    tag = str(element.tag).encode()
    start, end = octets.index(b'<%b Id="%b"' % (tag, identifier)), b"</%b>" % tag
    found = octets.rindex(end) if element.getparent() is element.getroottree().getroot() else octets.index(end, start)
    return octets[start : found + len(end)]
