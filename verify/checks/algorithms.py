"""Signature and hash algorithms and key lengths are allowed.

Spec: TT 15/2025/TT-BKHCN, Annex I and Annex II 1.3; EN 319 102-1, 5.2.8.4.2 (cryptographic constraints).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from transcript_core.pki.algorithms import fits_certificate
from transcript_core.pki.constraints import find_signature_end
from verify.checks.verdict import PASSED, Rule, Verdict, failed, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.formats.problems import Gravity, SignatureProblem
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signature.algorithms"
RULE: Final = Rule(
    NAME,
    "Thuật toán ký, hàm băm và độ dài khóa được phép dùng.",
    "Signature and hash algorithms and key lengths are allowed.",
    Criterion.ALGORITHMS,
)
_FORBIDDEN: Final = frozenset(
    problem.text for problem in (SignatureProblem.HMAC, SignatureProblem.WEAK_ALGORITHM, SignatureProblem.KEY_MISMATCH)
)

_DAY: Final = timedelta(days=1)
_WEAKEST_HASH: Final = "sha256"
"""Of those that are accepted; its end is that of every algorithm of which no other is known."""


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether all algorithms are allowed."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether the algorithms of one signature are allowed."""
    facts = signature.facts
    forbidden = [trouble for trouble in facts.troubles if trouble in _FORBIDDEN]
    if any(trouble.gravity is Gravity.BROKEN or facts.slot is not None for trouble in forbidden):
        return failed(forbidden[0].text_vi, forbidden[0].text_en, SubIndication.SIG_CRYPTO_FAILURE)
    if forbidden:  # elsewhere it might have been sound in its time (EN 319 102-1, 5.2.8.4.2)
        return indeterminate(forbidden[0].text_vi, forbidden[0].text_en, forbidden[0].sub_indication)
    usual = facts.algorithm is not None and (
        facts.certificate is None or fits_certificate(facts.algorithm, facts.certificate)
    )
    if not usual and _is_known_elsewhere(signature):
        return _judge_end(signature, _WEAKEST_HASH)
    if facts.algorithm is None:
        return indeterminate(
            "thuật toán không được hỗ trợ",
            "an algorithm that is not supported",
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        )
    if not usual:
        return failed(
            "khóa quá ngắn hoặc không hợp với thuật toán",
            "the key is too short or does not fit the algorithm",
            SubIndication.SIG_CRYPTO_FAILURE,
        )
    return _judge_end(signature, facts.algorithm.hash_name)


def _is_known_elsewhere(signature: ExaminedSignature) -> bool:
    """Return whether it is an algorithm that transcripts do not use but that was computed and is not outdated."""
    facts = signature.facts
    unknown = SignatureProblem.UNKNOWN_ALGORITHM.text in facts.troubles
    return facts.slot is None and facts.value_intact is not None and not unknown


def _judge_end(signature: ExaminedSignature, hash_name: str) -> Verdict:
    """Hold the ends of key and hash against the time that is proven for the signature (5.2.8.4.2, 5.5.4, 5.6.2.4)."""
    certificate = signature.facts.certificate
    end = None if certificate is None else find_signature_end(certificate.public_key, hash_name)
    if end is None or signature.judged_at < end:
        return PASSED
    last_day = (end - _DAY).date()
    return indeterminate(
        f"thuật toán chỉ được tin cậy đến ngày {last_day:%d/%m/%Y} và không có dấu thời gian chứng minh đã ký trước đó",
        f"the algorithm is relied on until {last_day.isoformat()}, and no timestamp proves that it was signed before",
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    )
