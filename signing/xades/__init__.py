"""XAdES baseline signatures of one form, in two phases.  Spec: ETSI EN 319 132-1, levels B-B and B-T."""

from __future__ import annotations

from signing.xades.extend import add_timestamp, get_timestamp_imprint
from signing.xades.phases import attach, prepare, timestamp_imprint

__all__ = ["add_timestamp", "attach", "get_timestamp_imprint", "prepare", "timestamp_imprint"]
