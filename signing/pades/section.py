"""Writes what one signature appends to a PDF: its dictionary, its appearance, the filled field, a table, a trailer.

Implements ISO 32000-1, 7.5.6 (incremental updates) and 12.8.1 (signature dictionary, ByteRange), as ISO 19005-3, 6.1
narrows them.  The section is written around a hole for /Contents, so that digest and value can come later.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transcript_core.render.appearance import Appearance
from transcript_core.render.prepared import PreparedField, PreparedForm

_BYTE_RANGE_WIDTH: Final = 36
"""Characters kept for the four numbers; three of at most eight digits (MAX_PDF_BYTES) need 29."""

_LOCK_REFERENCE: Final = (
    b"/Reference[<</Type/SigRef/TransformMethod/FieldMDP/Data %d 0 R"
    b"/TransformParams<</Type/TransformParams/V/1.2/Action/All>>>>]"
)


class SectionNumbers(NamedTuple):
    """What the next revision continues from."""

    size: int  # /Size of the section's trailer
    startxref: int  # where its table starts in the file
    updated: frozenset[int]  # the objects it writes


@dataclass(frozen=True, slots=True)
class SignatureSection:
    """An appended section with a hole of `room` bytes (twice as many hexadecimal digits) for the CMS object."""

    before: bytes  # up to the hole, without "<"
    after: bytes  # behind ">"
    room: int  # bytes of CMS that fit
    numbers: SectionNumbers | None = field(default=None, compare=False)  # None: to be read from the section

    def fill(self, cms: bytes) -> bytes:
        """Return the section with the CMS object in its hole, the rest of the hole zero."""
        return self.fill_digits(hexlify(cms))

    def fill_digits(self, digits: bytes) -> bytes:
        """Return the same for a CMS object in hexadecimal digits."""
        return b"".join((self.before, b"<", digits.ljust(2 * self.room, b"0"), b">", self.after))


def build_signature_section(
    form: PreparedForm,
    field: PreparedField,
    *,
    base_length: int,
    description: bytes,
    appearance: Appearance,
    room: int,
) -> SignatureSection:
    """Return the section that fills `field`, ByteRange included.

    Args:
        base_length: bytes of the file so far; the section starts there.
        description: the signature dictionary up to what differs between documents.
        room: bytes of CMS to leave place for.
    """
    signature, first = form.size, form.size + 1
    lock = _LOCK_REFERENCE % form.root if field.closes_file else b""
    head = b"%d 0 obj\n%s%s/ByteRange[" % (signature, description, lock)
    hole_start = base_length + len(head) + _BYTE_RANGE_WIDTH + len(b"]/Contents ")
    hole_end = hole_start + 2 * room + 2
    offsets = {signature: base_length}
    pieces = [b">>\nendobj\n"]
    at = hole_end + len(pieces[0])
    filled = field.dictionary + b"/AP<</N %d 0 R>>/V %d 0 R>>" % (first, signature)
    bodies = [(first + index, one.build_body(first, form.fonts)) for index, one in enumerate(appearance.objects)]
    bodies.append((field.object_number, filled))
    for number, body in bodies:
        written = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        offsets[number] = at
        pieces.append(written)
        at += len(written)
    pieces.append(build_end(form, offsets, at))
    after = b"".join(pieces)
    byte_range = b"0 %d %d %d" % (hole_start, hole_end, len(after))
    before = head + byte_range.ljust(_BYTE_RANGE_WIDTH) + b"]/Contents "
    numbers = SectionNumbers(count_objects(form, offsets), at, frozenset(offsets))
    return SignatureSection(before, after, room, numbers)


def count_objects(form: PreparedForm, offsets: Mapping[int, int]) -> int:
    """Return /Size of the trailer behind a section that writes these objects."""
    return max(form.size, max(offsets) + 1)


def build_end(form: PreparedForm, offsets: Mapping[int, int], table_at: int) -> bytes:
    """Return table, trailer and end of a section whose objects stand at `offsets`; the table starts at `table_at`."""
    lines: list[bytes] = []
    run = 0  # objects with consecutive numbers, up to the one that is looked at
    for number in sorted(offsets, reverse=True):
        lines.append(b"%010d 00000 n \n" % offsets[number])
        run += 1
        if number - 1 not in offsets:
            lines.append(b"%d %d\n" % (number, run))
            run = 0
    lines.reverse()
    return b"xref\n%strailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID%s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        b"".join(lines),
        count_objects(form, offsets),
        form.root,
        form.info,
        form.file_id,
        form.startxref,
        table_at,
    )
