"""May this certificate sign this slot now?  Asked before every signature; whatever is refused here was never signed.

Steps: (1) the slot is free and every earlier slot is signed, (2) the certificate by itself: dates, usage, key,
(3) its holder is entitled to the slot by the signed authority list, (4) it leads to a trust anchor and is not revoked.

Spec: TT 15/2025/TT-BKHCN (signing software checks the certificate before signing, along the path to the root);
The order is the signing policy's.  The verifier asks the same again, by the same data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from transcript_core.authority import AuthorityAnswer, AuthorityList, check_slot
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import NotEligible, SlotNotReady
from transcript_core.model import SlotRole
from transcript_core.pki.algorithms import is_strong_key
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.path import PathOutcome, PathResult, SubIndication, validate_path
from transcript_core.pki.trust import TrustStore
from transcript_core.policy import Slot

_ROLE_NAMES: Final = {
    SlotRole.SUBJECT_TEACHER: "giáo viên bộ môn",
    SlotRole.HOMEROOM_TEACHER: "giáo viên chủ nhiệm",
    SlotRole.MANAGER: "cán bộ quản lý",
    SlotRole.SEAL: "con dấu của trường",
    SlotRole.REQUESTER: "người đề nghị",
}

_PATH_REASONS: Final = {
    SubIndication.REVOKED: ("revoked", "Chứng thư số đã bị thu hồi."),
    SubIndication.REVOKED_NO_POE: ("revoked", "Chứng thư số đã bị thu hồi."),
    SubIndication.REVOKED_CA_NO_POE: ("revoked", "Chứng thư số của tổ chức cấp đã bị thu hồi."),
    SubIndication.TRY_LATER: ("revocation-unknown", "Chưa biết chứng thư số có bị thu hồi hay không; hãy thử lại sau."),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: (
        "untrusted",
        "Chứng thư số không thuộc tổ chức cấp nào được tin cậy ở đây.",
    ),
}

DUTY: Final = (
    *("rule", "staff_code", "school_code", "class_name", "school_year"),
    *("subject_code", "subject_name", "substitution"),
)
"""Everything of a slot that decides who is entitled to it; the same in all documents of a class, so asked once."""

_get_duty: Final = attrgetter(*DUTY)


class SignerCheck:
    """Everything that is known of one signer at one moment; asked for every document of a batch.

    Args:
        certificate: the signer's.
        authority: the signed list of who holds which office.
        trust: the anchors.
        evidence: of `certificate`, fresh at `at`.
        at: the signing time, aware.
    """

    def __init__(
        self, certificate: Certificate, *, authority: AuthorityList, trust: TrustStore, evidence: Evidence, at: datetime
    ) -> None:
        self._certificate = certificate
        self._authority = authority
        self._at = at
        self._problem = _find_problem(certificate, at)
        self._answers: dict[tuple[Any, ...], AuthorityAnswer] = {}  # by duty: of one person, a few dozen
        self._path = validate_path(
            certificate,
            trust=trust,
            at=at,
            extra=evidence.chain,
            ocsps=evidence.ocsps,
            crls=evidence.crls,
            signed_after=at,
        )

    def check(self, slot: Slot, *, slots: Sequence[Slot], signed: frozenset[str]) -> None:
        """Return when this signer may sign `slot`; raise otherwise.

        Args:
            slot: one of `slots`.
            slots: all slots of the document, of `policy.list_slots` or `policy.list_recall_slots`.
            signed: Ids of the slots that are signed.

        Raises:
            SlotNotReady: the slot is signed, or earlier ones are not; `missing` names them.
            NotEligible: `reason` says why in a word, `text_vi` in a sentence.
        """
        _check_turn(slot, slots, signed)
        if self._problem is not None:
            raise _refuse(f"{slot.where}: ", self._certificate, *self._problem)
        self._check_authority(slot)
        _check_not_own_request(slot, self._certificate, slots)
        _check_path(slot, self._certificate, self._path)

    def _check_authority(self, slot: Slot) -> None:
        duty = _get_duty(slot)
        answer = self._answers.get(duty)
        if answer is None:
            answer = self._answers[duty] = check_slot(self._authority, slot, self._certificate.identity, self._at)
        if not answer.entitled:
            problem = f"{slot.where}: {answer.detail_en}"
            raise NotEligible(problem, reason=str(answer.code), text_vi=answer.detail_vi)


def check_certificate(certificate: Certificate, *, at: datetime) -> None:
    """Return when nothing in the certificate itself stands against signing at `at`; ask before fetching evidence.

    Raises:
        NotEligible: out of its time, not for signing, or too weak a key.
    """
    problem = _find_problem(certificate, at)
    if problem is not None:
        raise _refuse("", certificate, *problem)


def check_may_sign(
    slot: Slot,
    certificate: Certificate,
    *,
    slots: Sequence[Slot],
    signed: frozenset[str],
    authority: AuthorityList,
    trust: TrustStore,
    evidence: Evidence,
    at: datetime,
) -> None:
    """Return when `certificate` may sign `slot` at `at`; raise otherwise.  For many slots: `SignerCheck`.

    Raises:
        SlotNotReady, NotEligible: as `SignerCheck.check`.
    """
    known = SignerCheck(certificate, authority=authority, trust=trust, evidence=evidence, at=at)
    known.check(slot, slots=slots, signed=signed)


def _check_turn(slot: Slot, slots: Sequence[Slot], signed: frozenset[str]) -> None:
    if slot.slot_id in signed:
        raise SlotNotReady(
            f"{slot.where}: signed already", text_vi="Vị trí này đã được ký; chữ ký không bao giờ bị thay."
        )
    order = slot.rule.order
    missing = [one for one in slots if one.rule.order < order and one.slot_id not in signed]
    if missing:
        people = "; ".join(dict.fromkeys(_describe_slot(one) for one in missing))
        raise SlotNotReady(
            f"{slot.where}: waits for {len(missing)} earlier: {', '.join(one.slot_id for one in missing)}",
            missing=tuple(one.slot_id for one in missing),
            text_vi=f"Chưa thể ký vì còn thiếu chữ ký của: {people}.",
        )


def _describe_slot(slot: Slot) -> str:
    subject = f" {slot.subject_name}" if slot.subject_name else ""
    return f"{_ROLE_NAMES[slot.role]}{subject} ({slot.name})"


def _find_problem(certificate: Certificate, at: datetime) -> tuple[str, str] | None:
    """Return what stands against the certificate by itself, as reason and Vietnamese sentence, or None."""
    if at > certificate.not_after:
        day = certificate.not_after.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y")
        return "expired", f"Chứng thư số đã hết hạn ngày {day}."
    if at < certificate.not_before:
        day = certificate.not_before.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y")
        return "not-yet-valid", f"Chứng thư số chỉ có hiệu lực từ ngày {day}."
    if certificate.is_ca or not certificate.may_sign:
        return "no-signing-usage", "Chứng thư số này không được cấp để ký văn bản."
    if not is_strong_key(certificate.public_key):
        return "weak-key", "Khóa của chứng thư số quá yếu: cần RSA từ 2048 bit hoặc ECDSA từ 256 bit."
    return None


def _check_not_own_request(slot: Slot, certificate: Certificate, slots: Sequence[Slot]) -> None:
    if slot.role is not SlotRole.MANAGER:
        return
    if any(one.role is SlotRole.REQUESTER and one.staff_code == slot.staff_code for one in slots):
        text = "Người đề nghị thu hồi không được tự phê duyệt đề nghị của mình."
        raise _refuse(f"{slot.where}: ", certificate, "own-request", text)


def _check_path(slot: Slot, certificate: Certificate, result: PathResult) -> None:
    if result.outcome is PathOutcome.VALID:
        return
    default = ("certificate-invalid", "Chứng thư số không hợp lệ.")
    reason, text = default if result.sub_indication is None else _PATH_REASONS.get(result.sub_indication, default)
    raise _refuse(f"{slot.where}: ", certificate, reason, text, detail=result.detail)


def _refuse(where: str, certificate: Certificate, reason: str, text_vi: str, *, detail: str = "") -> NotEligible:
    told = f": {detail}" if detail else ""
    problem = f"{where}the certificate with serial {certificate.serial:x} may not sign, {reason}{told}"
    return NotEligible(problem, reason=reason, text_vi=text_vi)
