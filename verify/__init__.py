"""Decides whether to believe a signed school document.  Needs no network, no service and no database.

`Verifier` answers with a `Report`; `verify.text` says it in words.
"""

from verify.report import (
    Criterion,
    DocumentInfo,
    DocumentKind,
    Finding,
    FindingOutcome,
    Outcome,
    Report,
    SignatureReport,
    SubIndication,
)
from verify.verifier import Verifier

__all__ = [
    "Criterion",
    "DocumentInfo",
    "DocumentKind",
    "Finding",
    "FindingOutcome",
    "Outcome",
    "Report",
    "SignatureReport",
    "SubIndication",
    "Verifier",
]
