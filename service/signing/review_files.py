"""Keeps what a review showed, so that an approval by its digest, maybe a day later, is for exactly that.

A file holds serials, versions, slots and digests; no names, no marks.  Its name is the review's digest, which is worked
out again from what it says, so a changed file approves nothing.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Final

from service.signing.batching import Approval
from service.signing.review import Review, digest_contents
from service.store import write_atomically
from service.transcripts.repository import DocumentKey
from service.workspace import Workspace
from transcript_core.errors import Conflict, NotFound

KEPT_S: Final = 30 * 24 * 3600.0
"""Seconds for which a review can be approved; older ones are removed when the next is kept."""

_FOLDER: Final = "reviews"
_DIGEST: Final = re.compile("[0-9a-f]{64}")


def save_review(workspace: Workspace, review: Review) -> None:
    """Keep what `review` showed."""
    folder = workspace.settings.home / _FOLDER
    lines = [[key.serial, key.version, slot_id, content] for (key, slot_id), content in review.contents.items()]
    write_atomically(folder / f"{review.digest.hex()}.json", json.dumps(lines).encode())
    for path in folder.glob("*.json"):
        if path.stat().st_mtime < time.time() - KEPT_S:
            path.unlink(missing_ok=True)


def load_approval(workspace: Workspace, digest_hex: str) -> Approval:
    """Return what a kept review showed.

    Raises:
        NotFound: no review of this digest is kept.
        Conflict: its file was changed.
    """
    path = _find(workspace, digest_hex)
    try:
        lines = json.loads(path.read_bytes())
        contents = {(DocumentKey(serial, version), slot_id): content for serial, version, slot_id, content in lines}
    except (ValueError, TypeError) as error:
        raise _changed(digest_hex) from error
    if digest_contents(contents).hex() != digest_hex:
        raise _changed(digest_hex)
    return contents


def _find(workspace: Workspace, digest_hex: str) -> Path:
    path = workspace.settings.home / _FOLDER / f"{digest_hex}.json"
    if _DIGEST.fullmatch(digest_hex) is None or not path.is_file():
        raise NotFound(f"no review with the digest {digest_hex} is kept here; run: hocba sign --review")
    return path


def _changed(digest_hex: str) -> Conflict:
    return Conflict(f"the file of review {digest_hex} was changed; run: hocba sign --review")
