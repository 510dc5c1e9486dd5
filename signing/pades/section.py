"""Writes what one signature appends to a PDF: its dictionary, its appearance, the filled field, a table, a trailer.

Implements ISO 32000-1, 7.5.6 (incremental updates) and 12.8.1 (signature dictionary, ByteRange), as ISO 19005-3, 6.1
narrows them.  The section is written around a hole for /Contents, so that digest and value can come later.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import count, takewhile
from typing import Final

from signing.signer import SigningIdentity
from transcript_core.clock import VIETNAM_TIME
from transcript_core.pdf import text_string
from transcript_core.render.appearance import Appearance
from transcript_core.render.prepared import PreparedField, PreparedForm

_BYTE_RANGE_WIDTH: Final = 36
"""Characters kept for the four numbers; three of at most eight digits (MAX_PDF_BYTES) need 29."""

_CACHED_DESCRIPTIONS: Final = 256  # one for each name in an action
_LOCK_REFERENCE: Final = (
    b"/Reference[<</Type/SigRef/TransformMethod/FieldMDP/Data %d 0 R"
    b"/TransformParams<</Type/TransformParams/V/1.2/Action/All>>>>]"
)


@dataclass(frozen=True, slots=True)
class SignatureSection:
    """An appended section with a hole of `room` bytes (twice as many hexadecimal digits) for the CMS object."""

    before: bytes  # up to the hole, without "<"
    after: bytes  # behind ">"
    room: int  # bytes of CMS that fit

    def fill(self, cms: bytes) -> bytes:
        """Return the section with the CMS object in its hole, the rest of the hole zero."""
        return b"".join((self.before, b"<", hexlify(cms).ljust(2 * self.room, b"0"), b">", self.after))


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """What the signature dictionary says besides the signature."""

    signed_at: datetime  # aware
    name: str
    location: str


def build_signature_section(
    form: PreparedForm,
    field: PreparedField,
    *,
    base_length: int,
    facts: SignatureFacts,
    appearance: Appearance,
    room: int,
) -> SignatureSection:
    """Return the section that fills `field`, ByteRange included.

    Args:
        base_length: bytes of the file so far; the section starts there.
        room: bytes of CMS to leave place for.
    """
    signature, first = form.size, form.size + 1
    lock = _LOCK_REFERENCE % form.root if field.closes_file else b""
    head = b"%d 0 obj\n%s%s/ByteRange[" % (signature, _describe(facts), lock)
    hole_start = base_length + len(head) + _BYTE_RANGE_WIDTH + len(b"]/Contents ")
    hole_end = hole_start + 2 * room + 2
    offsets = {signature: base_length}
    pieces = [b">>\nendobj\n"]
    at = hole_end + len(pieces[0])
    filled = field.dictionary + b"/AP<</N %d 0 R>>/V %d 0 R>>" % (first, signature)
    bodies = [(first + index, one.build_body(first, form.fonts)) for index, one in enumerate(appearance.objects)]
    for number, body in [*bodies, (field.object_number, filled)]:
        offsets[number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        at += len(pieces[-1])
    pieces.append(build_end(form, offsets, at))
    after = b"".join(pieces)
    byte_range = b"0 %d %d %d" % (hole_start, hole_end, len(after))
    return SignatureSection(head + byte_range.ljust(_BYTE_RANGE_WIDTH) + b"]/Contents ", after, room)


def build_end(form: PreparedForm, offsets: Mapping[int, int], table_at: int) -> bytes:
    """Return table, trailer and end of a section whose objects stand at `offsets`; the table starts at `table_at`."""
    lines: list[bytes] = []
    for first in (number for number in sorted(offsets) if number - 1 not in offsets):
        numbers = list(takewhile(offsets.__contains__, count(first)))
        lines.append(b"%d %d\n" % (first, len(numbers)))
        lines += [b"%010d 00000 n \n" % offsets[number] for number in numbers]
    size = max(form.size, max(offsets) + 1)
    return b"xref\n%strailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID%s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        b"".join(lines),
        size,
        form.root,
        form.info,
        form.file_id,
        form.startxref,
        table_at,
    )


def choose_location(identity: SigningIdentity) -> str:
    """Return /Location: the organisation that the certificate names, or nothing."""
    return identity.certificate.organisation


@lru_cache(maxsize=_CACHED_DESCRIPTIONS)
def _describe(facts: SignatureFacts) -> bytes:
    """Return the signature dictionary up to what differs between documents."""
    moment = facts.signed_at.astimezone(VIETNAM_TIME).strftime("%Y%m%d%H%M%S+07'00'")
    location = b"/Location" + text_string(facts.location) if facts.location else b""
    return b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(D:%s)/Name%s%s" % (
        moment.encode("ascii"),
        text_string(facts.name),
        location,
    )
