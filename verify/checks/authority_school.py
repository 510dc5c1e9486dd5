"""Each signer held that office at the document's own school, and the school is one that the list knows.

By the department's signed authority list, on the day of signing.  Spec: `docs/authority.md`.
"""

from __future__ import annotations

from typing import Final

from verify.checks import authority
from verify.checks.verdict import Rule
from verify.examination import Context, Examination
from verify.report import Finding

NAME: Final = "authority.school"
RULE: Final = Rule(
    NAME,
    "Mọi người ký thuộc đúng trường của học bạ.",
    "Every signer held office at the document's school.",
)


def check(examination: Examination, context: Context) -> Finding:
    """Return what the list says of this against any signer."""
    return authority.check_reason(RULE, authority.SCHOOL, examination, context)
