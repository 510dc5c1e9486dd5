"""Rules of PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1) that our files are held to, signed or not.

Not a validator: these are the clauses that our writer and signer could break.  `docs/pdf.md` prints the same list.
"""

from __future__ import annotations

from tests.support.pdf_a_rules import PDF_A_RULES
from tests.support.pdf_file import File, Rule
from tests.support.pdf_ua_rules import PDF_UA_RULES

__all__ = ["PDF_A_RULES", "PDF_UA_RULES", "check_pdf_a", "check_pdf_ua"]


def check_pdf_a(pdf: bytes) -> list[str]:
    """Return every breach of the PDF/A-3a rules as "A07 6.1.6: what is wrong"; empty when there is none."""
    return _check(pdf, PDF_A_RULES)


def check_pdf_ua(pdf: bytes) -> list[str]:
    """Return every breach of the PDF/UA-1 rules, as `check_pdf_a` does."""
    return _check(pdf, PDF_UA_RULES)


def _check(pdf: bytes, rules: tuple[Rule, ...]) -> list[str]:
    file = File(pdf)
    return [f"{rule.number} {rule.clause}: {problem}" for rule in rules for problem in rule.check(file)]
