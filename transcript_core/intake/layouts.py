"""The layouts of the sector's spreadsheets: which columns each has and how their headers are spelled.

Layouts of the sector's exports: pupil list, staff list, mark sheet, comment sheet, primary sheet.  The layouts of
teaching assignments, training results, qualities, study topics, re-assessment, additions, transferred results and
earlier years are ours, in the same manner, because no official ones were obtainable.  For people:
`docs/spreadsheets.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

from schemas.loader import load_table
from transcript_core.model import SchoolLevel
from transcript_core.text import fold_header


class LayoutKind(StrEnum):
    """What a sheet holds; the values are how problems name it."""

    PUPILS = "danh sách học sinh"
    STAFF = "danh sách cán bộ, giáo viên"
    ASSIGNMENTS = "phân công giảng dạy"
    MARKS = "bảng điểm môn tính điểm"
    COMMENTS = "bảng đánh giá môn nhận xét"
    PRIMARY = "bảng đánh giá môn học cấp tiểu học"
    TRAINING = "kết quả rèn luyện"
    SUMMER = "kết quả rèn luyện trong hè"
    QUALITIES = "phẩm chất và năng lực"
    TOPICS = "chuyên đề học tập"
    REASSESSMENT = "đánh giá lại"
    ADDITIONS = "bổ sung"
    TRANSFERS = "kết quả chuyển trường"
    HISTORY = "quá trình học tập"


SUBJECT_LAYOUTS: Final = (LayoutKind.MARKS, LayoutKind.COMMENTS, LayoutKind.PRIMARY)
MAX_REGULAR_COLUMNS: Final = 9
QUALITY_PREFIX: Final = "quality:"
UNUSED_PREFIX: Final = "unused:"

_SECONDARY: Final = frozenset({SchoolLevel.LOWER_SECONDARY, SchoolLevel.UPPER_SECONDARY})
_ALL: Final = frozenset(SchoolLevel)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a layout."""

    name: str  # how the code names it
    spellings: tuple[str, ...]  # headers that mean it; the first one is shown to people

    @property
    def keys(self) -> frozenset[str]:
        """Return the normalised spellings."""
        return frozenset(fold_header(spelling) for spelling in self.spellings)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of sheet."""

    kind: LayoutKind
    columns: tuple[Column, ...]
    required: tuple[tuple[str, ...], ...]  # of each group at least one column must be there
    levels: frozenset[SchoolLevel] = field(default=_ALL)

    def find_column(self, header: str) -> Column | None:
        """Return the column that `header` (normalised) means, or None."""
        return _columns_by_key(self.kind).get(header)

    def describe(self, group: tuple[str, ...]) -> str:
        """Return how people name a group of columns of which one must be there."""
        shown = {column.name: column.spellings[0] for column in self.columns}
        return " hoặc ".join(f"“{shown[name]}”" for name in group)


@cache
def _columns_by_key(kind: LayoutKind) -> dict[str, Column]:
    layout = next(layout for layout in list_layouts() if layout.kind is kind)
    return {key: column for column in layout.columns for key in column.keys}


def _unused(*spellings: str) -> tuple[Column, ...]:
    """Return columns that are known and not read."""
    return tuple(Column(f"{UNUSED_PREFIX}{fold_header(spelling)}", (spelling,)) for spelling in spellings)


_INDEX: Final = Column("index", ("STT", "TT", "Số TT", "Số thứ tự", "Thứ tự"))
_CLASS: Final = Column("class", ("Lớp", "Lớp học", "Tên lớp"))
_CODE_SPELLINGS: Final = (
    "Mã định danh Bộ GD&ĐT",
    "Mã định danh Bộ GDĐT",
    "Mã định danh Bộ",
    "Mã định danh",
    "Mã định danh MOET",
)
_PUPIL_CODE: Final = Column(
    "code", (*_CODE_SPELLINGS, "Mã định danh học sinh", "Mã học sinh", "Mã HS", "Mã số học sinh")
)
_PUPIL_NAME: Final = Column(
    "name", ("Họ và tên", "Họ tên", "Họ tên học sinh", "Họ và tên học sinh", "Tên học sinh", "Họ, tên")
)
_BIRTH_DATE: Final = Column("birth_date", ("Ngày sinh", "Ngày, tháng, năm sinh", "Ngày tháng năm sinh", "Sinh ngày"))
_IDENTITY: Final = (_INDEX, _CLASS, _PUPIL_CODE, _PUPIL_NAME, _BIRTH_DATE)
_WHO: Final = (("name",), ("code", "birth_date"))
_SUBJECT: Final = Column("subject", ("Môn học", "Môn", "Tên môn", "Tên môn học", "Môn học/Hoạt động giáo dục"))
_DECISION: Final = Column(
    "decision",
    (
        "Quyết định của hiệu trưởng về lên lớp",
        "Quyết định của hiệu trưởng về việc lên lớp",
        "Quyết định lên lớp",
        "Quyết định của hiệu trưởng",
    ),
)
_SCHOOL_NAME: Final = Column("school_name", ("Tên trường", "Trường", "Trường đã học", "Tên trường đã học"))
_REASSESSED: Final = Column(
    "reassessed", ("Đánh giá lại", "Kết quả đánh giá lại", "Điểm đánh giá lại", "Mức đánh giá lại", "Sau đánh giá lại")
)
_SUMMER: Final = Column(
    "summer",
    (
        "Rèn luyện trong hè",
        "Rèn luyện sau hè",
        "Rèn luyện trong kì nghỉ hè",
        "Kết quả rèn luyện trong kì nghỉ hè",
        "Rèn luyện lại",
    ),
)
_EXCUSED: Final = Column(
    "excused", ("Nghỉ có phép", "Có phép", "Số buổi nghỉ có phép", "Số ngày nghỉ có phép", "Buổi nghỉ có phép")
)
_UNEXCUSED: Final = Column(
    "unexcused",
    ("Nghỉ không phép", "Không phép", "Số buổi nghỉ không phép", "Số ngày nghỉ không phép", "Buổi nghỉ không phép"),
)
_HOMEROOM_COMMENT: Final = Column(
    "comment",
    ("Nhận xét của GVCN", "Nhận xét GVCN", "Nhận xét của giáo viên chủ nhiệm", "Nhận xét", "Nhận xét cuối năm"),
)


def _parent(prefix: str, who: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}_name", (f"Tên {who}", f"Họ tên {who}", f"Họ và tên {who}")),
        Column(f"{prefix}_occupation", (f"Nghề nghiệp {who}", f"Nghề nghiệp của {who}")),
        *_unused(f"Năm sinh {who}", f"Ngày sinh {who}", f"SĐT {who}", f"Số điện thoại {who}"),
    )


_PUPILS: Final = Layout(
    LayoutKind.PUPILS,
    (
        *_IDENTITY,
        Column("gender", ("Giới tính", "Phái", "Nam/Nữ")),
        Column("ethnicity", ("Dân tộc",)),
        Column("nationality", ("Quốc tịch",)),
        Column("status", ("Trạng thái", "Trạng thái học sinh", "Tình trạng")),
        Column("birth_place", ("Nơi sinh chi tiết", "Nơi sinh")),
        Column("hometown_province", ("Tỉnh thành quê quán", "Tỉnh/Thành phố quê quán", "Tỉnh quê quán")),
        Column("hometown_commune", ("Phường Xã quê quán", "Xã phường quê quán", "Xã/Phường quê quán")),
        Column("hometown", ("Quê quán",)),
        Column("address", ("Chỗ ở hiện nay", "Nơi ở hiện nay", "Địa chỉ", "Chỗ ở hiện tại", "Địa chỉ hiện nay")),
        Column("grade", ("Khối học", "Khối", "Khối lớp")),
        Column("personal_id", ("Số định danh cá nhân", "Số định danh", "Số ĐDCN", "Mã định danh cá nhân", "CCCD")),
        Column("policy_group", ("Đối tượng chính sách", "Đối tượng", "Diện chính sách")),
        Column("register_number", ("Số đăng bộ", "Số sổ đăng bộ", "Sổ đăng bộ", "Số sổ đăng bộ PCGD")),
        Column("not_assessed", ("Khuyết tật không đánh giá", "Không đánh giá")),
        Column(
            "lifelong_code",
            (
                "Mã số hồ sơ học tập suốt đời",
                "Mã hồ sơ học tập suốt đời",
                "Mã số học tập suốt đời",
                "Mã học tập suốt đời",
                "Số hồ sơ học tập suốt đời",
            ),
        ),
        Column("external_id", ("Mã định danh học bạ", "Mã học bạ", "Mã số học bạ")),
        *_parent("father", "cha"),
        *_parent("mother", "mẹ"),
        *_parent("guardian", "người giám hộ"),
        *_unused("SĐT liên hệ", "Số điện thoại", "SĐT", "Điện thoại", "Tổ/thôn Hộ khẩu thường trú", "Số CMND"),
        *_unused("Ngày cấp", "Nơi cấp", "Hộ khẩu thường trú", "Tôn giáo", "Ghi chú", "Email", "Khu vực"),
        *_unused("Họ tên bố", "Năm học", "Tên trường", "Ngày vào trường", "Loại khuyết tật"),
    ),
    required=(("code",), ("name",), ("birth_date",), ("gender",), ("class",)),
)
_STAFF: Final = Layout(
    LayoutKind.STAFF,
    (
        _INDEX,
        Column("code", (*_CODE_SPELLINGS, "Mã định danh giáo viên", "Mã giáo viên", "Mã cán bộ", "Mã GV")),
        Column("name", ("Họ tên", "Họ và tên", "Họ tên giáo viên", "Họ và tên giáo viên", "Tên giáo viên")),
        _BIRTH_DATE,
        Column("status", ("Trạng thái", "Trạng thái cán bộ", "Tình trạng")),
        Column("position", ("Vị trí việc làm", "Chức vụ", "Chức danh", "Nhiệm vụ", "Chức vụ/Vị trí việc làm")),
        *_unused("Tên trường", "Giới tính", "Dân tộc", "SĐT", "Số điện thoại", "Email", "Ghi chú", "Số CMND"),
        *_unused("Số định danh cá nhân", "Trình độ chuyên môn", "Môn dạy", "Tổ chuyên môn"),
    ),
    required=(("code",), ("name",), ("position",)),
)
_ASSIGNMENTS: Final = Layout(
    LayoutKind.ASSIGNMENTS,
    (
        _INDEX,
        _CLASS,
        _SUBJECT,
        Column("code", ("Mã định danh giáo viên", "Mã giáo viên", "Mã GV", *_CODE_SPELLINGS)),
        Column("name", ("Họ tên giáo viên", "Họ và tên giáo viên", "Tên giáo viên", "Giáo viên", "Họ tên GV")),
        Column("homeroom", ("Chủ nhiệm lớp", "Chủ nhiệm", "GVCN", "Giáo viên chủ nhiệm", "Là GVCN")),
        Column("stand_in", ("Người ký thay", "Mã người ký thay", "Mã định danh người ký thay", "Giáo viên ký thay")),
        Column("stand_in_name", ("Họ tên người ký thay", "Họ và tên người ký thay", "Tên người ký thay")),
        Column("stand_in_reason", ("Lí do ký thay", "Lí do", "Lí do vắng")),
        Column("stand_in_decision", ("Quyết định ký thay", "Quyết định", "Số quyết định", "Căn cứ ký thay")),
        *_unused("Số tiết", "Số tiết/tuần", "Ghi chú", "Khối", "Học kì"),
    ),
    required=(("class",), ("subject",), ("code", "name"), ("homeroom",)),
)


def _regular_column(number: int) -> Column:
    spellings = (
        f"ĐĐGtx{number}",
        f"ĐĐGtx lần {number}",
        f"ĐGtx{number}",
        f"TX{number}",
        f"Điểm thường xuyên {number}",
        f"Đánh giá thường xuyên {number}",
        f"ĐĐG thường xuyên {number}",
        f"KTTX{number}",
    )
    return Column(f"regular-{number}", spellings)


_MARKS: Final = Layout(
    LayoutKind.MARKS,
    (
        *_IDENTITY,
        *(_regular_column(number) for number in range(1, MAX_REGULAR_COLUMNS + 1)),
        Column("midterm", ("ĐĐGgk", "ĐGgk", "GK", "Điểm giữa kì", "Giữa kì", "Đánh giá giữa kì", "ĐĐG giữa kì")),
        Column("final", ("ĐĐGck", "ĐGck", "CK", "Điểm cuối kì", "Cuối kì", "Đánh giá cuối kì", "ĐĐG cuối kì")),
        Column("average", ("ĐTBmhk", "TBmhk", "ĐTB mhk", "ĐTB học kì", "Điểm trung bình môn học kì", "TBM học kì")),
        Column("year_average", ("ĐTBmcn", "TBmcn", "ĐTB cả năm", "Điểm trung bình môn cả năm", "TBM cả năm")),
        Column("comment", ("Nhận xét", "Nội dung nhận xét")),
        _REASSESSED,
        *_unused("Mã nhận xét", "Ghi chú"),
    ),
    required=(*_WHO, ("regular-1",), ("midterm",), ("final",)),
    levels=_SECONDARY,
)
_COMMENTS: Final = Layout(
    LayoutKind.COMMENTS,
    (
        *_IDENTITY,
        Column("level", ("Đánh giá", "Kết quả", "Kết quả đánh giá", "Mức đánh giá", "Xếp loại", "Mức đạt được")),
        Column("comment", ("Nội dung nhận xét", "Nhận xét")),
        _REASSESSED,
        *_unused("Mã nhận xét", "Ghi chú", "Đánh giá lần 1", "Đánh giá lần 2"),
    ),
    required=(*_WHO, ("level",)),
    levels=_SECONDARY,
)
_PRIMARY: Final = Layout(
    LayoutKind.PRIMARY,
    (
        *_IDENTITY,
        Column("mid_level", ("Mức GK", "Mức giữa kì", "Mức đạt được giữa kì")),
        Column("mid_mark", ("Điểm KTĐK GK", "Điểm KT giữa kì", "Điểm KTGK")),
        Column("level", ("Mức CK", "Mức cuối kì", "Mức đạt được cuối kì", "Mức đạt được")),
        Column("test_mark", ("Điểm KTĐK", "Điểm KTĐK CK", "Điểm KT cuối kì", "Điểm KTCK", "Điểm kiểm tra định kì")),
        Column("comment", ("Nhận xét CK", "Nhận xét cuối kì", "Nhận xét")),
        _REASSESSED,
        *_unused("Nhận xét GK", "Nhận xét giữa kì", "Mã nhận xét", "Ghi chú"),
    ),
    required=(*_WHO, ("level",)),
    levels=frozenset({SchoolLevel.PRIMARY}),
)
_TRAINING: Final = Layout(
    LayoutKind.TRAINING,
    (
        *_IDENTITY,
        Column("training_1", ("Rèn luyện HK I", "Rèn luyện HK1", "Rèn luyện học kì I", "Rèn luyện học kì 1", "RL HK1")),
        Column(
            "training_2", ("Rèn luyện HK II", "Rèn luyện HK2", "Rèn luyện học kì II", "Rèn luyện học kì 2", "RL HK2")
        ),
        _EXCUSED,
        _UNEXCUSED,
        _HOMEROOM_COMMENT,
        _SUMMER,
        *_unused("Ghi chú", "Rèn luyện cả năm", "Tổng số buổi nghỉ"),
    ),
    required=(*_WHO, ("training_1",), ("excused",), ("unexcused",), ("comment",)),
    levels=_SECONDARY,
)
_SUMMER_TRAINING: Final = Layout(
    LayoutKind.SUMMER, (*_IDENTITY, _SUMMER, *_unused("Ghi chú")), required=(*_WHO, ("summer",)), levels=_SECONDARY
)
_TOPICS: Final = Layout(
    LayoutKind.TOPICS,
    (
        *_IDENTITY,
        _SUBJECT,
        Column("topic", ("Tên chuyên đề", "Chuyên đề", "Cụm chuyên đề", "Tên cụm chuyên đề", "Chuyên đề học tập")),
        Column("mark", ("Điểm chuyên đề", "Điểm", "Điểm cụm chuyên đề", "Kết quả")),
        *_unused("Ghi chú", "Nhận xét"),
    ),
    required=(*_WHO, ("subject",), ("topic",), ("mark",)),
    levels=frozenset({SchoolLevel.UPPER_SECONDARY}),
)
_REASSESSMENT: Final = Layout(
    LayoutKind.REASSESSMENT,
    (*_IDENTITY, _SUBJECT, _REASSESSED, *_unused("Ghi chú", "Nhận xét")),
    required=(*_WHO, ("subject",), ("reassessed",)),
)

_ADDITIONS: Final = Layout(
    LayoutKind.ADDITIONS,
    (
        *_IDENTITY,
        Column("certificate", ("Chứng chỉ", "Các chứng chỉ", "Chứng chỉ (nếu có)")),
        Column(
            "contest",
            (
                "Kết quả tham gia các cuộc thi",
                "Kết quả các cuộc thi",
                "Kết quả cuộc thi",
                "Cuộc thi/kết quả",
                "Cuộc thi",
            ),
        ),
        Column("award", ("Khen thưởng khác", "Khen thưởng", "Khen thưởng đột xuất")),
        Column("acknowledged", ("Tập thể lớp công nhận", "Được tập thể lớp công nhận", "Lớp công nhận")),
        _DECISION,
        *_unused("Ghi chú"),
    ),
    required=(*_WHO, ("certificate", "contest", "award", "acknowledged", "decision")),
)
_TRANSFERS: Final = Layout(
    LayoutKind.TRANSFERS,
    (
        *_IDENTITY,
        _SUBJECT,
        Column(
            "term_1",
            ("Kết quả học kì I", "Kết quả học kì 1", "Kết quả HK I", "Kết quả HK1", "ĐTBmhk I", "Điểm/mức học kì I"),
        ),
        Column("test_mark", ("Điểm KTĐK", "Điểm kiểm tra định kì")),
        Column("school_code", ("Mã trường", "Mã trường chuyển đi", "Mã trường đã học", "Mã định danh trường")),
        _SCHOOL_NAME,
        *_unused("Ghi chú"),
    ),
    required=(*_WHO, ("subject",), ("term_1",), ("school_code",), ("school_name",)),
)
_HISTORY: Final = Layout(
    LayoutKind.HISTORY,
    (
        _INDEX,
        _PUPIL_CODE,
        _PUPIL_NAME,
        _BIRTH_DATE,
        Column("school_year", ("Năm học",)),
        Column("class_then", ("Lớp", "Lớp đã học", "Tên lớp", "Lớp học")),  # of that year, not the pupil's class now
        _SCHOOL_NAME,
        *_unused("Ghi chú", "Mã trường"),
    ),
    required=(*_WHO, ("school_year",), ("class_then",), ("school_name",)),
)


@cache
def _qualities() -> Layout:
    columns = tuple(
        Column(f"{QUALITY_PREFIX}{row['code']}", _quality_spellings(row)) for row in load_table("qualities")
    )
    return Layout(
        LayoutKind.QUALITIES,
        (
            *_IDENTITY,
            *columns,
            _EXCUSED,
            _UNEXCUSED,
            Column("height", ("Chiều cao", "Chiều cao cm")),
            Column("weight", ("Cân nặng", "Cân nặng kg")),
            _HOMEROOM_COMMENT,
            *_unused("Ghi chú", "Đánh giá kết quả giáo dục"),
        ),
        required=(*_WHO, (columns[0].name,), (columns[5].name,), ("excused",), ("unexcused",), ("comment",)),
        levels=frozenset({SchoolLevel.PRIMARY}),
    )


def _quality_spellings(row: dict[str, str]) -> tuple[str, ...]:
    spellings = (row["name"], *filter(None, row["aliases"].split("|")))
    prefix = "Phẩm chất" if row["group"] == "quality" else "Năng lực"
    return (*spellings, row["code"], *(f"{prefix} {spelling}" for spelling in spellings))


@cache
def list_layouts() -> tuple[Layout, ...]:
    """Return every layout; of two that fit a sheet equally well the earlier one is meant."""
    return (
        _PUPILS,
        _STAFF,
        _ASSIGNMENTS,
        _MARKS,
        _PRIMARY,
        _qualities(),
        _TRAINING,
        _TOPICS,
        _REASSESSMENT,
        _SUMMER_TRAINING,
        _TRANSFERS,
        _HISTORY,
        _ADDITIONS,
        _COMMENTS,
    )
