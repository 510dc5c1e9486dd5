"""XAdES baseline signatures of one form, in two phases, and what is added to them later.

Spec: ETSI EN 319 132-1, levels B-B, B-T, B-LT and B-LTA.
"""

from __future__ import annotations

from signing.xades.extend import add_timestamp, get_timestamp_imprint
from signing.xades.longterm import (
    LongTermState,
    add_archive_timestamp,
    add_evidence,
    get_archive_imprint,
    list_signers,
    read_state,
)
from signing.xades.phases import attach, attach_opened, prepare, timestamp_imprint

__all__ = [
    "LongTermState",
    "add_archive_timestamp",
    "add_evidence",
    "add_timestamp",
    "attach",
    "attach_opened",
    "get_archive_imprint",
    "get_timestamp_imprint",
    "list_signers",
    "prepare",
    "read_state",
    "timestamp_imprint",
]
