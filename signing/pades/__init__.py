"""PAdES baseline signatures in our own PDFs, in two phases.  Spec: ETSI EN 319 142-1, levels B-B, B-T and B-LT."""

from signing.pades.dss import append_evidence
from signing.pades.phases import attach, prepare, timestamp_imprint

__all__ = ["append_evidence", "attach", "prepare", "timestamp_imprint"]
