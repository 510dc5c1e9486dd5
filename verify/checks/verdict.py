"""How a rule that looks at many signatures becomes one finding: the worst verdict wins and names whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from verify.report import Criterion, Finding, FindingOutcome, SubIndication, find_worst
from verify.signature import ExaminedSignature

MAX_NAMED: Final = 6
"""Signatures named in one finding; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one signature."""

    outcome: FindingOutcome
    text_vi: str = ""
    text_en: str = ""
    sub_indication: SubIndication | None = None


PASSED: Final = Verdict(FindingOutcome.PASSED)
NOT_APPLICABLE: Final = Verdict(FindingOutcome.NOT_APPLICABLE)


def failed(text_vi: str, text_en: str, sub: SubIndication) -> Verdict:
    """Return a verdict of failure."""
    return Verdict(FindingOutcome.FAILED, text_vi, text_en, sub)


def indeterminate(text_vi: str, text_en: str, sub: SubIndication) -> Verdict:
    """Return the verdict that this cannot be told."""
    return Verdict(FindingOutcome.INDETERMINATE, text_vi, text_en, sub)


def not_checked(text_vi: str, text_en: str) -> Verdict:
    """Return the verdict that this was not looked at."""
    return Verdict(FindingOutcome.NOT_CHECKED, text_vi, text_en)


NO_SIGNATURE: Final = not_checked("Không có chữ ký nào để kiểm tra.", "There is no signature to check.")
UNREAD: Final = not_checked(
    "Chưa kiểm tra vì không đọc được học bạ.", "Not checked, because the transcript could not be read."
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The constants of one rule."""

    name: str
    passed_vi: str
    passed_en: str
    criterion: Criterion | None = None


def conclude(rule: Rule, verdict: Verdict) -> Finding:
    """Return the finding of a rule about the document as a whole."""
    applies = verdict.outcome is not FindingOutcome.NOT_APPLICABLE
    return Finding(
        check=rule.name,
        outcome=verdict.outcome,
        text_vi=verdict.text_vi or (rule.passed_vi if applies else "Không áp dụng cho tệp này."),
        text_en=verdict.text_en or (rule.passed_en if applies else "Does not apply to this file."),
        criterion=rule.criterion,
        sub_indication=verdict.sub_indication,
    )


def judge_each(
    rule: Rule, signatures: Sequence[ExaminedSignature], judge: Callable[[ExaminedSignature], Verdict]
) -> Finding:
    """Return the finding of a rule that looks at each signature; without any, the rule is not checked."""
    return combine(rule, [(signature, judge(signature)) for signature in signatures])


def combine(rule: Rule, judged: Sequence[tuple[ExaminedSignature, Verdict]]) -> Finding:
    """Return one finding out of the verdicts on many signatures."""
    worst = find_worst(verdict.outcome for _, verdict in judged)
    if worst is None:
        return conclude(rule, NO_SIGNATURE)
    if worst in {FindingOutcome.PASSED, FindingOutcome.NOT_APPLICABLE}:
        return conclude(rule, Verdict(worst))
    concerned = [(signature, verdict) for signature, verdict in judged if verdict.outcome is worst]
    return Finding(
        check=rule.name,
        outcome=worst,
        text_vi=_list_texts((signature.name_vi, verdict.text_vi) for signature, verdict in concerned),
        text_en=_list_texts(((signature.name_en, verdict.text_en) for signature, verdict in concerned), more="and"),
        criterion=rule.criterion,
        sub_indication=concerned[0][1].sub_indication,
    )


def _list_texts(entries: Iterable[tuple[str, str]], *, more: str = "và") -> str:
    """Return "text: name, name; text: name." with at most MAX_NAMED names a text."""
    by_text: dict[str, list[str]] = {}
    for name, text in entries:
        by_text.setdefault(text, []).append(name)
    parts = []
    for text, names in by_text.items():
        rest = len(names) - MAX_NAMED
        shown = ", ".join(names[:MAX_NAMED]) + (f" {more} +{rest}" if rest > 0 else "")
        parts.append(f"{shown}: {text}")
    return "; ".join(parts) + "."
