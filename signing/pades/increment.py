"""Writes whole appended sections: objects in the order of their numbers, table, trailer.  ISO 32000-1, 7.5.6."""

from __future__ import annotations

from collections.abc import Mapping

from signing.pades.section import build_end
from transcript_core.render.prepared import PreparedForm


def append_section(pdf: bytes, form: PreparedForm, bodies: Mapping[int, bytes]) -> bytes:
    """Return the file with a section that writes these objects.

    Args:
        form: of this very file.
        bodies: object number to its octets between `obj` and `endobj`.
    """
    offsets: dict[int, int] = {}
    pieces: list[bytes] = [pdf]
    at = len(pdf)
    for number in sorted(bodies):
        offsets[number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, bodies[number]))
        at += len(pieces[-1])
    return b"".join(pieces) + build_end(form, offsets, at)
