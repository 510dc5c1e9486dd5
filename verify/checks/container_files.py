"""A container is sound, and every file in it is signed by every signature.

Spec: ETSI EN 319 162-1, 4.4.3.2 (a signature may leave files out, so a reader must be told); 4.3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate, list_names
from verify.documents import ContainerInput
from verify.examination import Context, Examination
from verify.formats.asice import AsicContainer
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
    remarks = list(_list_remarks(asic, asic.container))
    if not remarks:
        return PASSED
    return replace(
        remarks[0],
        text_vi=" ".join(one.text_vi for one in remarks),
        text_en=" ".join(one.text_en for one in remarks),
    )


def _list_remarks(asic: ContainerInput, container: AsicContainer) -> Iterator[Verdict]:
    if container.has_other_signatures:
        yield indeterminate(
            "Trong gói có chữ ký loại khác (CAdES hoặc dấu thời gian) chưa được kiểm tra.",
            "The container holds signatures of another kind (CAdES or timestamps) that were not checked.",
            SubIndication.CUSTOM,
        )
    if not asic.is_read_in_full:
        yield indeterminate(
            "Trong gói có nhiều chữ ký hơn mức được đọc; phần còn lại chưa được kiểm tra.",
            "The container holds more signatures than are read; the others were not checked.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    if not container.mimetype or container.has_surplus_files:
        yield indeterminate(
            "Gói tệp không ghi loại (mimetype), hoặc có nhiều tệp hơn loại của nó cho phép.",
            "The container does not say its kind (mimetype), or holds more files than its kind may.",
            SubIndication.FORMAT_FAILURE,
        )
    uncovered = (*asic.list_uncovered(), *container.other_files)
    if uncovered:
        yield indeterminate(
            f"Có tệp không được mọi chữ ký bao phủ: {list_names(uncovered)}.",
            f"Files that not every signature covers: {list_names(uncovered, english=True)}.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
