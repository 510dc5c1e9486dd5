"""Which trust world answers for the signers, and whether that is a real one.

NĐ 23/2025/NĐ-CP (public CAs under the national root) and NĐ 68/2024/NĐ-CP (public-duty PKI) are two legal orders; a
transcript may carry both.  A development anchor is never passed over in silence: it makes a finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from transcript_core.pki.trust import Anchor, World
from verify.checks.verdict import NO_SIGNATURE, Rule, Verdict, conclude, indeterminate
from verify.examination import Context, Examination
from verify.report import Finding, FindingOutcome, SubIndication

NAME: Final = "trust.world"
RULE: Final = Rule(NAME, "Xác định được hệ thống chứng thực.", "The trust world is known.")
_NAMES: Final = {
    World.NATIONAL: ("chứng thực điện tử quốc gia", "public CAs under the national root"),
    World.PUBLIC_DUTY: ("chứng thực chuyên dùng công vụ", "the government's public-duty PKI"),
}


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return which worlds the certificates belong to."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    if not examination.signatures:
        return NO_SIGNATURE
    paths = [one.path for one in examination.signatures]
    anchors = {path.anchor for path in paths if path is not None and path.anchor is not None}
    if not anchors or any(path is None or path.anchor is None for path in paths):
        return indeterminate(
            "Không xác định được hệ thống chứng thực của mọi chữ ký.",
            "The trust world of some signatures is not known.",
            SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        )
    worlds = sorted({anchor.world for anchor in anchors})
    text_vi = ", ".join(_NAMES[world][0] for world in worlds) + _name_lists(
        anchors, "; theo danh sách tin cậy số {} của {}"
    )
    text_en = ", ".join(_NAMES[world][1] for world in worlds) + _name_lists(anchors, "; by trust list {} of {}")
    if any(anchor.development for anchor in anchors):
        return Verdict(
            FindingOutcome.PASSED,
            f"CHỨNG THƯ THỬ NGHIỆM, không có giá trị pháp lý. Hệ thống chứng thực: {text_vi}.",
            f"DEVELOPMENT CERTIFICATES without legal value. Trust world: {text_en}.",
        )
    return Verdict(FindingOutcome.PASSED, f"Hệ thống chứng thực: {text_vi}.", f"Trust world: {text_en}.")


def _name_lists(anchors: Iterable[Anchor], form: str) -> str:
    """Return which trust lists name the anchors; nothing of those that are configured one by one."""
    sources = {(anchor.source.number, anchor.source.operator) for anchor in anchors if anchor.source is not None}
    return "".join(form.format(number, operator) for number, operator in sorted(sources))
