"""A report together with all that it was made from, for whoever writes more than the answer down.

A `Report` is light and may be kept by the thousand; this holds the file and everything that was read from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.policy import VerificationPolicy
from verify.report import Report
from verify.signature import ExaminedSignature, ExaminedTimestamp


@dataclass(frozen=True, slots=True, eq=False)
class DetailedReport:
    """The answer about one file, and the material of the validation."""

    report: Report
    document: bytes  # the file asked about, exactly as received
    policy: VerificationPolicy
    signatures: tuple[ExaminedSignature, ...] = ()  # in the order of `report.signatures`
    document_timestamps: tuple[ExaminedTimestamp, ...] = ()  # of a PDF, in the order in which they were made
