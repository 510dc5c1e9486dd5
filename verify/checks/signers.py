"""The certificate in each slot is that of the person or school that the signed list names for it.

A name that differs fails; one that fits counts only if the certificate leads to an anchor.  Names are compared after
NFC and without regard to case or spaces; the authority list compares identities.
Spec: the document's DANH_SACH_NGUOI_KY, CAN_BO_QUAN_LY and CON_DAU.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from transcript_core.model import SlotRole
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import Slot
from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, failed, find_vouched, judge_each
from verify.entitlement import is_assumed
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "slots.signers"
RULE: Final = Rule(
    NAME, "Người ký đúng là người được nêu tên trong học bạ.", "Those who signed are those whom the transcript names."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether names in slots and certificates agree."""
    return judge_each(RULE, examination.signatures, judge)


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
    if _normalise(slot.name) not in _normalise(certificate.common_name):
        return failed(
            f"chứng thư mang tên người khác: {certificate.common_name}",
            f"the certificate is of somebody else: {certificate.common_name}",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    vouched = find_vouched(signature)
    return vouched if isinstance(vouched, Verdict) else PASSED


def _is_right_kind(slot: Slot, certificate: Certificate) -> bool:
    """A person's slot is signed with a personal number, the seal with a tax code; without either, names decide."""
    if certificate.identity is None:
        return True
    return certificate.identity.startswith("MST:") == (slot.role is SlotRole.SEAL)


def _normalise(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
