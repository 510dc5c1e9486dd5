"""Every slot that the policy and the subjects shown ask for holds a signature, in every format of the file.

Slots whose XML signature is kept from an earlier version are not signed in the PDF again: with the PDF alone they are
named as not seen.  A JWS is the seal's word only.  Spec: the signing policy; CV 1396/BGDĐT-GDTH (who signs).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from transcript_core.model import SlotSigner
from transcript_core.policy import Slot
from verify.checks.verdict import (
    NOT_APPLICABLE,
    PASSED,
    UNREAD,
    Rule,
    Verdict,
    conclude,
    failed,
    indeterminate,
    list_names,
)
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import SignatureFormatName, describe_slot

NAME: Final = "slots.complete"
RULE: Final = Rule(NAME, "Đủ mọi chữ ký cần có.", "All signatures that are needed are there.")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no required signature is missing."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    xml, pdf, jws = examination.xml, examination.pdf, examination.jws
    missing: list[Slot] = []
    if xml is not None and xml.content is not None:
        missing += _list_missing(examination, xml.slots, SignatureFormatName.XADES)
    if pdf is not None and pdf.slots:
        missing += _list_missing(examination, pdf.slots, SignatureFormatName.PADES)
    if missing:
        return failed(
            f"Thiếu chữ ký: {list_names(_names(missing))}.",
            f"Signatures are missing: {list_names(_names(missing, english=True), english=True)}.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    if xml is None or xml.content is None:
        if pdf is not None and pdf.kept_slots:
            return _need_xml(pdf.kept_slots)
        if pdf is None and jws is not None and jws.transcript is not None:
            return _need_signers(jws.transcript.signers)
    if examination.slots:
        return PASSED
    return UNREAD if examination.is_transcript_file else NOT_APPLICABLE


def _list_missing(examination: Examination, slots: Iterable[Slot], format_name: SignatureFormatName) -> list[Slot]:
    signed = {one.facts.slot.slot_id for one in examination.list_signatures(format_name) if one.facts.slot is not None}
    return [slot for slot in slots if slot.slot_id not in signed]


def _need_xml(kept: Iterable[Slot]) -> Verdict:
    return indeterminate(
        f"Một số chữ ký được giữ lại từ phiên bản trước và chỉ có trong tệp XML: {', '.join(_names(kept))}. "
        "Hãy kiểm tra cùng với tệp XML.",
        "Some signatures were kept from an earlier version and are in the XML file only: "
        f"{', '.join(_names(kept, english=True))}. Verify it together with the XML file.",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )


def _need_signers(signers: Iterable[SlotSigner]) -> Verdict:
    names = ", ".join(signer.slot_id for signer in signers)
    return indeterminate(
        f"Tệp JSON chỉ có chữ ký của con dấu; không có chữ ký của: {names}, cbql. Hãy kiểm tra tệp XML.",
        f"The JSON file carries the seal's signature only; there is none of: {names}, cbql. Verify the XML file.",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )


def _names(slots: Iterable[Slot], *, english: bool = False) -> list[str]:
    return list(dict.fromkeys(describe_slot(slot, english=english) for slot in slots))
