"""Every signed part belongs to this pupil, class, school, year and document, and to no later version than this one.

A teacher signs one part; these values inside it are what keeps it from being moved or brought back.  An UPDATE revised
exactly the parts that it calls changed.  The reader of the
core refuses a part that disagrees with the head of the document; this rule looks once more, and by itself, so that the
report can say which part was moved.  A recall names what it recalls by its digest.
Spec: `docs/schema.md`, parts; TT 22/2021, Đ.20 (who answers for which marks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml.etree import _Element

from transcript_core.layout import PART_CONTEXT, Leaf
from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "document.parts"
RULE: Final = Rule(
    NAME,
    "Mọi phần điểm thuộc đúng học sinh, lớp, trường, năm học và học bạ này.",
    "Every part with marks belongs to this pupil, class, school, year and document.",
)

_NUMBER: Final = re.compile(r"[0-9]{1,6}\Z")

_IN_HEAD: Final = {
    "MA_HOC_BA": "MA_HOC_BA",
    "SO_HIEU": "SO_HIEU",
    "NAM_HOC": "NAM_HOC",
    "MA_TRUONG": "TRUONG/MA_TRUONG",
    "LOP": "LOP",
    "MA_HOC_SINH": "HOC_SINH/MA_HOC_SINH",
}
"""Where the head of THONG_TIN_HOC_BA says what each part repeats."""


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no part was moved or brought back."""
    info = _find_info(examination)
    if info is None:
        return conclude(RULE, NOT_APPLICABLE if examination.recall is None else _judge_target(examination))
    return conclude(RULE, _judge(info))


def _judge_target(examination: Examination) -> Verdict:
    recall, target = examination.recall, examination.target
    if recall is None or target is None:
        return NOT_APPLICABLE
    if target.digest != recall.target.digest:
        return failed(
            "Văn bản thu hồi không nêu học bạ được đưa kèm.",
            "The recall does not name the transcript that was given with it.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return PASSED


def _find_info(examination: Examination) -> _Element | None:
    xml, pdf = examination.xml, examination.pdf
    if xml is not None and xml.root is not None and xml.is_ours:
        return xml.root.find("DU_LIEU_HOC_BA/THONG_TIN_HOC_BA")
    return None if pdf is None else pdf.info


def _judge(info: _Element) -> Verdict:
    parts = list(info.iter("DIEM_TONG_KET"))
    tags = [field.tag for field in PART_CONTEXT.fields if isinstance(field, Leaf)]
    head = {tag: info.findtext(_IN_HEAD[tag]) for tag in tags}
    moved = [part for part in parts if not _says(part, head)]
    if moved:
        return _failed(moved, "thuộc về học bạ khác", "belongs to another transcript")
    listed = _list_revisions(info)
    version = _number(info.findtext("PHIEN_BAN"))
    outdated = [part for part in parts if not _is_listed_revision(part, listed, version)]
    if outdated:
        return _failed(outdated, "không đúng phiên bản đã ghi", "is not of the revision that is listed")
    unlisted = [] if info.find("THAY_THE") is None else list(_list_unlisted(info, parts, version))
    if unlisted:
        return _failed(unlisted, "không khớp danh sách phần thay đổi", "does not agree with the list of what changed")
    return PASSED


def _says(part: _Element, head: Mapping[str, str | None]) -> bool:
    """Return whether a part repeats what the head says; of doubled elements the first counts."""
    texts = _read_texts(part)
    return all(texts.get(tag) == text for tag, text in head.items())


def _read_texts(element: _Element) -> dict[str, str]:
    return {str(child.tag): child.text or "" for child in reversed(list(element))}


def _list_unlisted(info: _Element, parts: list[_Element], version: int) -> Iterator[_Element]:
    """Yield the parts of an UPDATE that it calls changed and did not revise, or the other way round."""
    changed = {one.text for one in info.iter("PHAN_THAY_DOI")}
    for part in parts:
        if (_number(part.findtext("PHIEN_BAN_THAY_DOI")) == version) != (part.get("Id") in changed):
            yield part


def _failed(parts: list[_Element], what_vi: str, what_en: str) -> Verdict:
    names = ", ".join(part.get("Id", "?") for part in parts)
    return failed(f"Phần điểm {names} {what_vi}.", f"Part {names} {what_en}.", SubIndication.SIG_CONSTRAINTS_FAILURE)


def _list_revisions(info: _Element) -> dict[str | None, set[str | None]]:
    """Return the revisions that the list of signers names, by the part's Id."""
    listed: dict[str | None, set[str | None]] = {}
    for signer in info.iter("NGUOI_KY"):
        texts = _read_texts(signer)
        listed.setdefault(texts.get("PHAN_KY"), set()).add(texts.get("PHIEN_BAN_PHAN_KY"))
    return listed


def _is_listed_revision(part: _Element, listed: Mapping[str | None, set[str | None]], version: int) -> bool:
    revision = part.findtext("PHIEN_BAN_THAY_DOI")
    return _number(revision) <= version and listed.get(part.get("Id"), set()) <= {revision}


def _number(text: str | None) -> int:
    return int(text) if text is not None and _NUMBER.match(text) else 0
