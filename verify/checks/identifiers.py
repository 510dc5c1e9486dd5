"""No identifier stands on two elements, so that every reference has one meaning.

Spec: XML 1.0, 3.3.1 (validity constraint ID); against signature wrapping.  `Id`, `ID`, `id` and `xml:id` are one space.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "document.identifiers"
RULE: Final = Rule(NAME, "Mỗi định danh (Id) là duy nhất.", "Every identifier (Id) is unique.")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether all identifiers are unique."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    read = [xml for xml in examination.list_xml_inputs() if xml.root is not None]
    if not read:
        return NOT_APPLICABLE
    errors = [xml.identifier_error for xml in read if xml.identifier_error is not None]
    if not errors:
        return PASSED
    return failed(
        f"Có định danh trùng nhau, không thể biết chữ ký nói về phần nào ({errors[0]}).",
        f"Identifiers are doubled, so what a signature means is open ({errors[0]}).",
        SubIndication.FORMAT_FAILURE,
    )
