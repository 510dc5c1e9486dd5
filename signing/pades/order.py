"""Holds back a slot whose earlier ones lack, in the PDF, the timestamp that their policy demands.

The counterpart of what `xades.prepare` reads out of the XML.  A PDF has no list of slots, so the document's own says
which ones come first; a demand is rare, and without one nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signing.pades.late_timestamp import get_timestamp
from signing.pades.opened import OpenPdf
from signing.pades.stored import StoredPdf, get_reference, read_stored
from transcript_core.errors import SlotNotReady
from transcript_core.policy import SignatureFormat, SignatureLevel, Slot


def check_earlier(pdf: OpenPdf, slot: Slot, slots: Sequence[Slot]) -> None:
    """Return when every earlier slot that demands a timestamp has it in this PDF.

    Args:
        slots: all slots of the document.

    Raises:
        SlotNotReady: `missing` names those that lack it.
        MalformedTranscript: the file is not one of ours.

    Spec: EN 319 142-1, 6.3, level B-T: a signature-time-stamp in the signature itself.
    """
    order = slot.rule.order
    demanding = [one for one in slots if one.rule.order < order and _demands(one)]
    missing = tuple(_list_unstamped(read_stored(pdf.octets), demanding)) if demanding else ()
    if missing:
        raise SlotNotReady(
            f"{slot.where}: in the PDF these slots are signed first, with a timestamp: {', '.join(missing)}",
            missing=missing,
        )


def _demands(slot: Slot) -> bool:
    """Return whether later slots wait for a timestamp in the PDF; a kept signature stands in the XML alone."""
    rule = slot.rule
    return rule.demanded_level is not SignatureLevel.B_B and SignatureFormat.PADES in rule.formats and not slot.kept


def _list_unstamped(stored: StoredPdf, slots: Sequence[Slot]) -> Iterator[str]:
    stamped = {one.hole_at for one in stored.signatures if get_timestamp(one) is not None}
    for slot in slots:
        field = stored.form.fields.get(slot.slot_id)
        filled = {} if field is None else stored.get_dictionary(field.object_number)
        if "V" not in filled or _find_hole(stored, get_reference(filled["V"], "a signature")) not in stamped:
            yield slot.slot_id


def _find_hole(stored: StoredPdf, number: int) -> int | None:
    """Return where the hole of the signature with this object number is."""
    written = stored.file.get_object(number)
    return next((one.hole_at for one in stored.signatures if written.start < one.hole_at < written.end), None)
