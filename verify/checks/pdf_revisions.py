"""Nothing was added to the PDF after a signature but what a slot may add, and the whole file is signed.

Spec: ISO 32000-1, 12.8; EN 319 142-1, 5.4; the revision rule in `docs/verification.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate
from verify.documents import PdfInput
from verify.examination import Context, Examination
from verify.formats.pades import Problem, SignatureKind
from verify.report import Finding, SubIndication

NAME: Final = "pdf.revisions"
RULE: Final = Rule(
    NAME, "Tệp PDF không bị thêm hay sửa gì sau khi ký.", "Nothing was added to or changed in the PDF after signing."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every octet of the PDF is accounted for."""
    return conclude(RULE, NOT_APPLICABLE if examination.pdf is None else _judge(examination.pdf))


def _judge(pdf: PdfInput) -> Verdict:
    signed = pdf.signed
    stamps = [one for one in signed.signatures if one.kind is SignatureKind.DOCUMENT_TIMESTAMP]
    problems = (*signed.problems, *(problem for one in stamps for problem in one.problems))
    if problems:
        return failed(*_texts(problems), SubIndication.FORMAT_FAILURE)
    doubtful = (*signed.unsupported, *(problem for one in stamps for problem in one.unsupported))
    if doubtful:
        return indeterminate(*_texts(doubtful), SubIndication.SIG_CONSTRAINTS_FAILURE)
    if signed.signatures and not signed.covered_to_end:
        return failed(
            "Không chữ ký nào bao trùm toàn bộ tệp PDF.",
            "No signature covers the whole PDF.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return PASSED


def _texts(problems: Iterable[Problem]) -> tuple[str, str]:
    found = tuple(problems)
    return " ".join(one.text_vi for one in found), " ".join(one.text_en for one in found)
