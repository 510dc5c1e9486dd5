"""A first revision with something put into it, every offset right again: what whoever prepares a file could do."""

from __future__ import annotations

import re

from transcript_core.pdf import read_pdf


def insert(pdf: bytes, behind: bytes, text: bytes) -> bytes:
    """Return the unsigned file with `text` behind the first `behind`, which must be there; offsets follow."""
    at = pdf.index(behind) + len(behind)
    (revision,) = read_pdf(pdf).revisions

    def move(offset: int) -> int:
        return offset + len(text) if offset >= at else offset

    changed = pdf[:at] + text + pdf[at:]
    table = move(revision.xref_at)
    entries = re.sub(
        rb"(\d{10})( 00000 n )", lambda entry: b"%010d%s" % (move(int(entry[1])), entry[2]), changed[table:]
    )
    start = re.sub(rb"startxref\n\d+", b"startxref\n%d" % table, entries)
    return changed[:table] + start


def swap(pdf: bytes, old: bytes, new: bytes) -> bytes:
    """Return the file with the first `old`, which must be there, replaced by as many octets."""
    assert old in pdf
    assert len(old) == len(new)
    return pdf.replace(old, new, 1)
