"""A container is sound, and every file in it is signed by every signature.

Spec: ETSI EN 319 162-1, 4.4.3.2 (a signature may leave files out, so a reader must be told); 4.3.3.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate, list_names
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "container.files"
RULE: Final = Rule(
    NAME, "Mọi tệp trong gói đều được mọi chữ ký bao phủ.", "Every file in the container is covered by every signature."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether nothing in the container is left out by a signature."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    asic = examination.asic
    if asic is None:
        return NOT_APPLICABLE
    if asic.container is None:
        return failed("Không mở được gói tệp.", "The container could not be opened.", SubIndication.FORMAT_FAILURE)
    if asic.container.has_other_signatures:
        return indeterminate(
            "Trong gói có chữ ký loại khác (CAdES hoặc dấu thời gian) chưa được kiểm tra.",
            "The container holds signatures of another kind (CAdES or timestamps) that were not checked.",
            SubIndication.CUSTOM,
        )
    uncovered = (*asic.list_uncovered(), *asic.container.other_files)
    if uncovered:
        return indeterminate(
            f"Có tệp không được mọi chữ ký bao phủ: {list_names(uncovered)}.",
            f"Files that not every signature covers: {list_names(uncovered, english=True)}.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return PASSED
