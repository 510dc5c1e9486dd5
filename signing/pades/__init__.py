"""PAdES baseline signatures in our own PDFs, in two phases, and what keeps them valid for decades.

Spec: ETSI EN 319 142-1, levels B-B, B-T, B-LT and B-LTA.
"""

from signing.pades.doc_timestamp import PendingTimestamp, attach_document_timestamp, prepare_document_timestamp
from signing.pades.dss import append_evidence
from signing.pades.late_timestamp import add_timestamp, get_timestamp_imprint
from signing.pades.longterm import LongTermState, extend, read_state, renew
from signing.pades.opened import OpenPdf
from signing.pades.order import check_earlier
from signing.pades.phases import attach, attach_opened, prepare, timestamp_imprint

__all__ = [
    "LongTermState",
    "OpenPdf",
    "PendingTimestamp",
    "add_timestamp",
    "append_evidence",
    "attach",
    "attach_document_timestamp",
    "attach_opened",
    "check_earlier",
    "extend",
    "get_timestamp_imprint",
    "prepare",
    "prepare_document_timestamp",
    "read_state",
    "renew",
    "timestamp_imprint",
]
