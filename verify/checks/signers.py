"""The certificate in each slot is that of the person or school that the signed list names for it.

A name that differs fails; one that fits counts only if the certificate leads to an anchor.  Names are compared after
NFC and without regard to case or spaces; the authority list compares identities.  A recall needs two people.
Spec: the document's DANH_SACH_NGUOI_KY, CAN_BO_QUAN_LY and CON_DAU.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from transcript_core.model import SlotRole
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import Slot
from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, combine, failed, find_vouched
from verify.entitlement import is_assumed
from verify.examination import Context, Examination
from verify.plain import clean_name
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "slots.signers"
RULE: Final = Rule(
    NAME, "Người ký đúng là người được nêu tên trong học bạ.", "Those who signed are those whom the transcript names."
)

_SAME_PERSON: Final = failed(
    "phê duyệt đề nghị thu hồi của chính mình",
    "approves a recall that the same person asked for",
    SubIndication.SIG_CONSTRAINTS_FAILURE,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether names in slots and certificates agree, and whether a recall is the act of two people."""
    requester = next((one for one in examination.signatures if _has_role(one, SlotRole.REQUESTER)), None)
    judged = [
        (one, _SAME_PERSON if _has_role(one, SlotRole.MANAGER) and _is_same_person(one, requester) else judge(one))
        for one in examination.signatures
    ]
    return combine(RULE, judged)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one certificate is of the person named for its slot."""
    slot, certificate = signature.facts.slot, signature.facts.certificate
    if slot is None or certificate is None or is_assumed(slot):
        return NOT_APPLICABLE
    if not _is_right_kind(slot, certificate):
        return failed(
            "loại chứng thư không đúng với ô ký (cá nhân / tổ chức)",
            "the certificate is not of the slot's kind (person / organisation)",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    if not _holds_words(certificate.common_name, slot.name):
        named = clean_name(certificate.common_name)
        return failed(
            f"chứng thư mang tên người khác: {named}",
            f"the certificate is of somebody else: {named}",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    vouched = find_vouched(signature)
    return vouched if isinstance(vouched, Verdict) else PASSED


def _has_role(signature: ExaminedSignature, role: SlotRole) -> bool:
    return signature.facts.slot is not None and signature.facts.slot.role is role


def _is_same_person(manager: ExaminedSignature, requester: ExaminedSignature | None) -> bool:
    """Return whether one person signed as both; staff codes do not tell, since a person may have several."""
    first = manager.facts.certificate
    second = None if requester is None else requester.facts.certificate
    if first is None or second is None:
        return False
    return first.identity == second.identity or first.public_key == second.public_key


def _is_right_kind(slot: Slot, certificate: Certificate) -> bool:
    """A person's slot is signed with a personal number, the seal with a tax code; without either, names decide."""
    if certificate.identity is None:
        return True
    return certificate.identity.startswith("MST:") == (slot.role is SlotRole.SEAL)


def _holds_words(common_name: str, name: str) -> bool:
    """Return whether the words of `name` stand in `common_name`, whole and side by side: "An" is not in "Hoàng Anh"."""
    found, wanted = _list_words(common_name), _list_words(name)
    width = len(wanted)
    return any(found[at : at + width] == wanted for at in range(len(found) - width + 1))


def _list_words(name: str) -> list[str]:
    return unicodedata.normalize("NFC", name).casefold().split()
