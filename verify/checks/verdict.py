"""How a rule that looks at many signatures becomes one finding: the worst verdict wins and names whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from transcript_core.pki.certificates import Certificate
from transcript_core.pki.path import PathResult
from transcript_core.pki.path import SubIndication as PathSubIndication
from verify.report import Criterion, Finding, FindingOutcome, SubIndication, find_first_reason, find_worst
from verify.signature import ExaminedSignature

MAX_NAMED: Final = 6
"""Signatures named in one finding; the rest are counted."""

_MORE_VI: Final = " và {} chữ ký khác"
_MORE_EN: Final = " and {} more"
_ALL_VI: Final = "mọi chữ ký"
_ALL_EN: Final = "every signature"


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
NO_CERTIFICATE: Final = indeterminate(
    "không kèm chứng thư số của người ký",
    "the signer's certificate is not attached",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
)
NO_ANCHOR: Final = indeterminate(
    "chứng thư không dẫn đến tổ chức chứng thực nào được tin cậy, nên chưa thể tin những gì ghi trong đó",
    "the certificate leads to no trusted authority, so what it says cannot be relied on",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
)
_NO_ANCHOR_ANY_MORE: Final = indeterminate(
    "tổ chức chứng thực không còn được tin cậy và không có dấu thời gian chứng minh đã ký khi còn được tin cậy",
    "the authority is not trusted any more, and no timestamp proves that it was signed while it was",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
)
UNREAD: Final = not_checked(
    "Chưa kiểm tra vì không đọc được học bạ.", "Not checked, because the transcript could not be read."
)


@dataclass(frozen=True, slots=True)
class Vouched:
    """A certificate that leads to an anchor: its name, dates and purpose are an authority's word."""

    certificate: Certificate
    path: PathResult


def find_vouched(signature: ExaminedSignature) -> Vouched | Verdict:
    """Return the signer's certificate and its path, or the verdict that nobody but its maker vouches for it."""
    certificate, path = signature.facts.certificate, signature.path
    if certificate is None:
        return NO_CERTIFICATE
    if path is None or path.anchor is None:
        return _NO_ANCHOR_ANY_MORE if path is not None and _has_lapsed(path) else NO_ANCHOR
    return Vouched(certificate, path)


def _has_lapsed(path: PathResult) -> bool:
    return path.sub_indication is PathSubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE


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


Judge: TypeAlias = Callable[[ExaminedSignature], Verdict]


def judge_once(judge: Judge, signature: ExaminedSignature) -> Verdict:
    """Return what a rule says of a signature by itself: found out once, for its finding and the signature's outcome.

    Args:
        judge: a function of a module, which holds nothing; what is remembered with the signature must not hold it.
    """
    found: Verdict | None = signature.verdicts.get(judge)
    if found is None:
        found = signature.verdicts[judge] = judge(signature)
    return found


def judge_alone(rule: Rule, signatures: Sequence[ExaminedSignature], judge: Judge) -> Finding:
    """Return the finding of a rule that speaks of each signature by itself; without any, the rule is not checked."""
    return combine(rule, [(signature, judge_once(judge, signature)) for signature in signatures])


def judge_each(rule: Rule, signatures: Sequence[ExaminedSignature], judge: Judge) -> Finding:
    """Return the finding of a rule that looks at each signature in its document; without any, it is not checked."""
    return combine(rule, [(signature, judge(signature)) for signature in signatures])


def combine(rule: Rule, judged: Sequence[tuple[ExaminedSignature, Verdict]]) -> Finding:
    """Return one finding out of the verdicts on many signatures."""
    worst = find_worst(verdict.outcome for _, verdict in judged)
    if worst is None:
        return conclude(rule, NO_SIGNATURE)
    if worst in {FindingOutcome.PASSED, FindingOutcome.NOT_APPLICABLE}:
        return conclude(rule, Verdict(worst))
    concerned = [(signature, verdict) for signature, verdict in judged if verdict.outcome is worst]
    named_vi = [(signature.name_vi, verdict.text_vi) for signature, verdict in concerned]
    named_en = [(signature.name_en, verdict.text_en) for signature, verdict in concerned]
    if 1 < len(concerned) == len(judged):
        named_vi, named_en = _say_of_all(named_vi, _ALL_VI), _say_of_all(named_en, _ALL_EN)
    return Finding(
        check=rule.name,
        outcome=worst,
        text_vi=_list_texts(named_vi, _MORE_VI),
        text_en=_list_texts(named_en, _MORE_EN),
        criterion=rule.criterion,
        sub_indication=find_first_reason(verdict.sub_indication for _, verdict in concerned),
    )


def list_names(names: Sequence[str], *, english: bool = False) -> str:
    """Return names as people list them, at most MAX_NAMED of them; the rest are counted."""
    return _shorten(names, _MORE_EN if english else _MORE_VI)


def _say_of_all(named: list[tuple[str, str]], everyone: str) -> list[tuple[str, str]]:
    """Return one entry for everybody, if the same is said of every signature."""
    texts = {text for _, text in named}
    return [(everyone, text) for text in texts] if len(texts) == 1 else named


def _list_texts(entries: Iterable[tuple[str, str]], more: str) -> str:
    """Return "Name, name: text; name: text." with at most MAX_NAMED names a text, which may end in a stop itself."""
    by_text: dict[str, list[str]] = {}
    for name, text in entries:
        by_text.setdefault(text.removesuffix("."), []).append(name)
    sentence = "; ".join(f"{_shorten(names, more)}: {text}" for text, names in by_text.items())
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _shorten(names: Sequence[str], more: str) -> str:
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (more.format(rest) if rest > 0 else "")
