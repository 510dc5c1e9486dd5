"""Each slot's signature signs exactly what its policy asks for: the very nodes, in place, no more and no fewer.

What a reference names is not believed: the node that was digested must be the node that stands where the layout has
it.  So every shown element is signed by the person responsible for it, the principal signs all teachers' signatures,
and the seal the principal's.  Spec: the signing policy's `covers`; EN 319 102-1, 5.2.7.4, note on what was signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml.etree import _Element

from transcript_core.policy import DATA_ID, INFO_ID, REQUEST_ID, signature_id
from verify.checks.verdict import NOT_APPLICABLE, PASSED, UNREAD, Rule, Verdict, combine, conclude, failed
from verify.documents import MANAGER_SLOT, XmlInput
from verify.examination import Context, Examination
from verify.formats.xades_types import XadesSignature
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "slots.coverage"
RULE: Final = Rule(
    NAME,
    "Mọi nội dung hiển thị đều được đúng người chịu trách nhiệm ký.",
    "Everything that is shown is signed by the person responsible for it.",
)

_OUTSIDE: Final = failed("đứng ngoài các ô chữ ký", "stands outside the slots", SubIndication.SIG_CONSTRAINTS_FAILURE)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every signature signs what its slot asks for, and none stands anywhere else."""
    xml = examination.xml
    if not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    in_pdf = [(one, _judge_in_pdf(one)) for one in examination.list_signatures(SignatureFormatName.PADES)]
    if xml is None:
        return combine(RULE, in_pdf) if examination.pdf is not None else conclude(RULE, NOT_APPLICABLE)
    if xml.content is None or xml.cache is None:
        return conclude(RULE, UNREAD)
    targets = find_targets(xml)
    in_xml = [(one, _judge(one, targets)) for one in examination.list_signatures(SignatureFormatName.XADES)]
    return combine(RULE, [*in_xml, *in_pdf])


def _judge_in_pdf(signature: ExaminedSignature) -> Verdict:
    """A PDF signature covers its whole revision (`pdf.revisions`); here it only has to be one of the slots'."""
    return _OUTSIDE if signature.facts.slot is None else PASSED


def find_targets(xml: XmlInput) -> Mapping[str, _Element | None]:
    """Return the nodes that slots sign, by Id, found by where they stand and not by their Id."""
    assert xml.root is not None
    data = xml.root[0]
    info = data[0]
    targets: dict[str, _Element | None] = {DATA_ID: data}
    if xml.recall is not None:
        targets[REQUEST_ID] = info
    else:
        targets[INFO_ID] = info
        parts = info.find("KET_QUA_MON_HOC")
        targets |= {part.get("Id", ""): part for part in (() if parts is None else parts)}
    manager = xml.root[1].find(f"CBQL[@Id='{MANAGER_SLOT}']")
    targets[signature_id(MANAGER_SLOT)] = manager[0] if manager is not None and len(manager) == 1 else None
    return targets


def _judge(signature: ExaminedSignature, targets: Mapping[str, _Element | None]) -> Verdict:
    slot, xades = signature.facts.slot, signature.facts.xades
    if slot is None or xades is None:
        return _OUTSIDE
    if xades.signature_id != slot.signature_id:
        return failed(
            "mang định danh của ô khác", "carries another slot's identifier", SubIndication.SIG_CONSTRAINTS_FAILURE
        )
    if not _signs_exactly(xades, [targets.get(identifier) for identifier in slot.reference_ids]):
        return failed(
            "không ký đúng phần nội dung mà ô này chịu trách nhiệm",
            "does not sign the part that this slot answers for",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return PASSED


def _signs_exactly(xades: XadesSignature, wanted: list[_Element | None]) -> bool:
    signed = [reference.node for reference in xades.references]
    if len(signed) != len(wanted) or any(node is None for node in wanted):
        return False
    return all(any(node is target for node in signed) for target in wanted)
