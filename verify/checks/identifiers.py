"""No identifier stands on two elements, so that every reference has one meaning.

Spec: XML 1.0, 3.3.1 (validity constraint ID); against signature wrapping.  `Id`, `ID`, `id` and `xml:id` are one space.
In a file of others a doubled identifier fails the signatures that name it, and is only told where none does.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate
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
    if errors:
        return failed(
            f"Có định danh trùng nhau, không thể biết chữ ký nói về phần nào ({errors[0]}).",
            f"Identifiers are doubled, so what a signature means is open ({errors[0]}).",
            SubIndication.FORMAT_FAILURE,
        )
    if any(xml.has_doubled_identifiers for xml in read):
        return indeterminate(
            "Có định danh trùng nhau trong tệp; tham chiếu nào trỏ đến đó thì không có nghĩa.",
            "Identifiers are doubled in the file; a reference to one of them means nothing.",
            SubIndication.FORMAT_FAILURE,
        )
    return PASSED
