"""A review in words for the person who approves, and as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from service.signing.review import ChangedRecord, Review
from service.signing.review_marks import MIN_DISTANCE, THRESHOLD
from transcript_core.clock import VIETNAM_TIME
from transcript_core.model import SlotRole

MAX_SHOWN: Final = 20
"""Lines of one kind on a screen; `--json` has all of them."""

_ROLES: Final = {
    SlotRole.SUBJECT_TEACHER.value: "giáo viên bộ môn",
    SlotRole.HOMEROOM_TEACHER.value: "giáo viên chủ nhiệm",
    SlotRole.MANAGER.value: "cán bộ quản lý",
    SlotRole.SEAL.value: "con dấu của trường",
}


def describe(review: Review) -> list[str]:
    """Return the lines to show, in Vietnamese."""
    lines = [*_describe_amount(review)]
    for title, found in (
        ("Các ô ký", list(_describe_slots(review))),
        ("Bản thay thế: có phần đã đổi kể từ khi giáo viên ký bản trước", list(_describe_replaced(review))),
        ("Dữ liệu nhập sau khi chốt khác với học bạ", [_describe_change(one) for one in review.records_changed]),
        ("Chưa tới lượt ký vì còn thiếu chữ ký của", list(_describe_missing(review))),
        (
            f"Điểm khác xa lớp (z hiệu chỉnh từ {_number(THRESHOLD)}, cách trung vị từ {_number(MIN_DISTANCE)} điểm)",
            list(_describe_marks(review)),
        ),
        ("Chứng thư số sắp hết hạn", list(_describe_certificates(review))),
        ("Không đọc được, sẽ không ký", [f"{one.key}: {one.error}" for one in review.unreadable]),
    ):
        if found:
            lines += [f"{title}:", *(f"  {line}" for line in found[:MAX_SHOWN])]
        if len(found) > MAX_SHOWN:
            lines.append(f"  … và {len(found) - MAX_SHOWN} dòng nữa; xem đủ bằng --json")
    return lines


def review_to_dict(review: Review) -> dict[str, Any]:
    """Return the review as values of JSON; `digest` names it."""
    content = {name: _plain(value) for name, value in asdict(review).items() if name != "unreadable"}
    unreadable = [{"document": str(one.key), "code": one.error.code} for one in review.unreadable]
    return {"digest": review.digest.hex(), **content, "unreadable": unreadable}


def _describe_amount(review: Review) -> Iterator[str]:
    xml, pdf = sum(one.xml for one in review.classes), sum(one.pdf for one in review.classes)
    json = f", {review.json_signatures} chữ ký JSON" if review.json_signatures else ""
    yield f"Sẽ ký {review.documents} học bạ: {xml} chữ ký XML, {pdf} chữ ký PDF{json}."
    for one in review.classes:
        yield f"  lớp {one.class_name}: {one.documents} học bạ"
    yield f"Mã rà soát: {review.digest.hex()}"


def _describe_slots(review: Review) -> Iterator[str]:
    """Yield how often each slot is signed, where a document has more than one of this person."""
    if len(review.slots) == review.documents:
        return
    for (slot_id, role, follows), count in Counter(
        (one.slot_id, one.role, one.follows) for one in review.slots
    ).items():
        when = ", mở ngay khi bạn ký xong các ô trước của mình" if follows else ""
        yield f"{slot_id} ({_ROLES.get(role, role)}{when}): {count} học bạ"


def _describe_replaced(review: Review) -> Iterator[str]:
    for one in review.replaced:
        parts = ", ".join(part.removeprefix("diem-") for part in one.changed_parts) or "không phần nào"
        yield f"{_where(one.class_name, one.pupil_code)}, thay phiên bản {one.replaces}: {parts}. Lý do: {one.reason}"


def _describe_change(one: ChangedRecord) -> str:
    subjects = ", ".join(one.subjects) or "thông tin chung, hoặc học sinh bị giữ lại"
    return f"{_where(one.class_name, one.pupil_code)}: {subjects}"


def _describe_missing(review: Review) -> Iterator[str]:
    if review.waiting:
        yield f"{review.waiting} học bạ đang chờ"
    for one in review.missing:
        yield f"{_ROLES.get(one.role, one.role)} {one.name or one.staff_code}: {one.documents} học bạ"


def _describe_marks(review: Review) -> Iterator[str]:
    for one in review.odd_marks:
        where = _where(one.class_name, one.pupil_code)
        yield f"{where}, {one.subject_name}: {_number(one.mark)} (trung vị lớp {_number(one.class_median)})"


def _describe_certificates(review: Review) -> Iterator[str]:
    for one in review.certificates:
        whose = "của bạn" if one.own else f"của {one.holder}, đã ký {one.documents} học bạ"
        yield f"{whose}: đến {one.not_after.astimezone(VIETNAM_TIME):%d/%m/%Y}"


def _where(class_name: str, pupil_code: str) -> str:
    return f"lớp {class_name}, mã học sinh {pupil_code}"


def _number(value: Decimal | float) -> str:
    return f"{value}".replace(".", ",")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return str(value) if isinstance(value, Decimal) else value
