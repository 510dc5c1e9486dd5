"""The document fits its schema, its parts agree, and it asks for exactly the slots of its policy.

Spec: ETSI EN 319 102-1, 5.2.2; `schemas/xsd/hoc-ba-1.0.xsd`; `docs/schema.md`.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, conclude, failed
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "document.structure"
RULE: Final = Rule(NAME, "Cấu trúc tệp đúng lược đồ.", "The file's structure fits its schema.")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the file could be read as what it claims to be."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    errors = []
    if examination.xml is not None:
        ours = examination.xml.structure_error if examination.xml.is_ours else None
        errors += [examination.xml.parse_error, ours]
    if examination.pdf is not None:
        errors.append(examination.pdf.content_error)
    if examination.asic is not None:
        errors += [examination.asic.error, *(xml.parse_error for _, xml in examination.asic.signature_files)]
    if examination.jws is not None:
        errors.append(examination.jws.error)
    found = [error for error in errors if error]
    if not found:
        return PASSED
    return failed(
        f"Tệp sai cấu trúc, có thể đã bị hỏng hoặc bị sửa (chi tiết kĩ thuật: {'; '.join(found)}).",
        f"The file's structure is wrong; it may be damaged or changed (technical detail: {'; '.join(found)}).",
        SubIndication.FORMAT_FAILURE,
    )
