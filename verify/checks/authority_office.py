"""Each signer held the office that the slot asks for on the day of signing: not before it began, not after it ended.

By the department's signed authority list, on the day of signing.  Spec: `docs/authority.md`.
"""

from __future__ import annotations

from typing import Final

from verify.checks import authority
from verify.checks.verdict import Rule
from verify.examination import Context, Examination
from verify.report import Finding

NAME: Final = "authority.office"
RULE: Final = Rule(
    NAME,
    "Mọi người ký đang giữ nhiệm vụ phù hợp vào ngày ký.",
    "Every signer was in office on the day of signing.",
)


def check(examination: Examination, context: Context) -> Finding:
    """Return what the list says of this against any signer."""
    return authority.check_reason(RULE, authority.OFFICE, examination, context)
