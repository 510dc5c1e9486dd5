"""Each subject teacher was assigned to that subject.

By the department's signed authority list, on the day of signing.  Spec: `docs/authority.md`.
"""

from __future__ import annotations

from typing import Final

from verify.checks import authority
from verify.checks.verdict import Rule
from verify.examination import Context, Examination
from verify.report import Finding

NAME: Final = "authority.subject"
RULE: Final = Rule(
    NAME,
    "Giáo viên ký được phân công đúng môn học.",
    "Every teacher who signed was assigned to that subject.",
)


def check(examination: Examination, context: Context) -> Finding:
    """Return what the list says of this against any signer."""
    return authority.check_reason(RULE, authority.SUBJECT, examination, context)
