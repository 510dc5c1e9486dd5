"""Fills every signature field's appearance in one appended section, without a signature, to look at the pages."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transcript_core.model import IssueInfo, Transcript
from transcript_core.render import (
    Appearance,
    PreparedField,
    build_person_appearance,
    build_qr_url,
    build_seal_appearance,
    read_prepared,
)

SIGNED_AT = datetime(2026, 5, 31, 7, 3, 22, tzinfo=UTC)
QR_URL = build_qr_url("https://hocba.example.edu.vn", "01J9ZK3T5V7X9ABCDEFGHJKMNP", 1, bytes(range(16)))


def fill_appearances(pdf: bytes, transcript: Transcript, issue: IssueInfo) -> bytes:
    """Return `pdf` with one more section in which every field has the appearance of its signature."""
    form = read_prepared(pdf)
    titles = {one.slot_id: (one.name, one.title) for one in (*transcript.signers, issue.manager)}
    body, offsets, number = b"", [], form.size
    for field in form.fields.values():
        appearance = _build(field, titles, issue)
        items = [(number + index, item.build_body(number, form.fonts)) for index, item in enumerate(appearance.objects)]
        items.append((field.object_number, field.dictionary + b"/AP<</N %d 0 R>>>>" % number))
        for one, content in items:
            offsets.append((one, len(pdf) + len(body)))
            body += b"%d 0 obj\n%s\nendobj\n" % (one, content)
        number += len(appearance.objects)
    table = b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % entry for entry in sorted(offsets))
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID%s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        *(number, form.root, form.info),
        *(form.file_id, form.startxref, len(pdf) + len(body)),
    )
    return pdf + body + table + trailer


def _build(field: PreparedField, titles: dict[str, tuple[str, str]], issue: IssueInfo) -> Appearance:
    if field.slot_id == issue.seal.slot_id:
        return build_seal_appearance(
            field.width, field.height, school_name=issue.seal.name, signed_at=SIGNED_AT, qr_url=QR_URL
        )
    name, title = titles[field.slot_id]
    return build_person_appearance(field.width, field.height, name=name, title=title, signed_at=SIGNED_AT)


def run_poppler(pdf: bytes, *command: str) -> bytes:
    """Return what a poppler tool writes to standard output for `pdf`; "IN" in the command stands for the file."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} (poppler-utils) is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.pdf"
        path.write_bytes(pdf)
        done = subprocess.run(
            [part if part != "IN" else str(path) for part in command], capture_output=True, check=True
        )
    return done.stdout
