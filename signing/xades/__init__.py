"""XAdES baseline signatures of one form, in two phases.  Spec: ETSI EN 319 132-1, levels B-B and B-T."""

from __future__ import annotations

from signing.xades.phases import attach, prepare, timestamp_imprint

__all__ = ["attach", "prepare", "timestamp_imprint"]
