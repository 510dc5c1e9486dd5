"""Whoever signed in another's place did so by a listed decision, for that place and on that day.

By the department's signed authority list, on the day of signing.  Spec: `docs/authority.md`.
"""

from __future__ import annotations

from typing import Final

from verify.checks import authority
from verify.checks.verdict import Rule
from verify.examination import Context, Examination
from verify.report import Finding

NAME: Final = "authority.delegation"
RULE: Final = Rule(
    NAME,
    "Người ký thay có quyết định giao quyền đúng vị trí và còn hiệu lực.",
    "Whoever signed in another's place had a decision for it.",
)


def check(examination: Examination, context: Context) -> Finding:
    """Return what the list says of this against any signer."""
    return authority.check_reason(RULE, authority.DELEGATION, examination, context)
