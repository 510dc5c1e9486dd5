"""The issue of this document stands in the append-only log.  Not asked for: no proof travels with documents yet.

Spec: RFC 6962, 2.1.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, Rule, conclude, not_checked
from verify.examination import Context, Examination
from verify.report import Finding

NAME: Final = "log"
RULE: Final = Rule(NAME, "Có trong nhật ký phát hành.", "The log of issued documents holds it.")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return that the log was not asked."""
    if not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    return conclude(
        RULE, not_checked("Chưa đối chiếu với nhật ký phát hành.", "The log of issued documents was not consulted.")
    )
