"""Writes an invented school as the sector's software exports one: a folder of spreadsheets, the same for the same seed.

Layouts: `transcript_core.intake.layouts`.  With troubles the files also have what real ones have: left-out and
contradicting averages, decimal commas, rows without a code, doubled blanks, a header further down.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from demo.invented_people import COMMUNE, PROVINCE_NAME, InventedPupil, InventedTeacher, People
from transcript_core.assessment.circular_22 import Circular22
from transcript_core.assessment.marks import average_term
from transcript_core.assessment.registry import choose_rules
from transcript_core.identifiers import SchoolYear
from transcript_core.model import Gender, School, SchoolLevel, SubjectKind
from transcript_core.tables import (
    QualityGroup,
    Subject,
    SubjectChoice,
    count_regular_marks,
    list_qualities,
    list_subjects,
)

YEAR: Final = SchoolYear(2025)
DEPARTMENT: Final = "SỞ GIÁO DỤC VÀ ĐÀO TẠO ĐÀ NẴNG"
MAX_REGULAR: Final = 5
SCHOOL_CODES: Final = {
    SchoolLevel.PRIMARY: "48000401",
    SchoolLevel.LOWER_SECONDARY: "48000501",
    SchoolLevel.UPPER_SECONDARY: "48000701",
}
DEFAULT_CLASSES: Final = {
    SchoolLevel.PRIMARY: ("4A1",),
    SchoolLevel.LOWER_SECONDARY: ("7A1",),
    SchoolLevel.UPPER_SECONDARY: ("11A1",),
}
_TEACHERS_PER_SUBJECT: Final = {"LSDL": 2, "KHTN": 3, "NGHETHUAT": 2}
_COMBINATIONS: Final = (
    ("VATLI", "HOAHOC", "SINHHOC", "TIN"),
    ("DIALI", "GDKTPL", "TIN", "AMNHAC"),
)
_MARK_COMMENTS: Final = (
    "Nắm vững kiến thức, vận dụng linh hoạt",
    "Chăm chỉ, cần trình bày bài cẩn thận hơn",
    "Có cố gắng, cần luyện tập thêm ở nhà",
)
_LEVEL_COMMENTS: Final = ("Tham gia đầy đủ, nhiệt tình", "Thực hiện tốt các yêu cầu của môn học")
_HOMEROOM_COMMENTS: Final = (
    "Ngoan, hoà đồng, có ý thức xây dựng tập thể.",
    "Tích cực trong học tập và các hoạt động của lớp.",
    "Có tiến bộ trong học kì II, cần mạnh dạn phát biểu hơn.",
)

CellValue = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class InventedSchool:
    """What was written, for those who compare."""

    level: SchoolLevel
    pupils: tuple[InventedPupil, ...]
    teachers: tuple[InventedTeacher, ...]
    homeroom: Mapping[str, InventedTeacher]  # by class
    held_back: tuple[str, ...]  # codes of the pupils whom the troubles hold back, sorted


@dataclass(slots=True)
class _Plan:
    level: SchoolLevel
    pupils: tuple[InventedPupil, ...]
    random: random.Random
    troubles: bool
    teachers: list[InventedTeacher] = field(default_factory=list)
    teaching: dict[str, list[InventedTeacher]] = field(default_factory=dict)  # by subject code
    homeroom: dict[str, InventedTeacher] = field(default_factory=dict)
    held_back: set[str] = field(default_factory=set)
    topics: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # pupil code -> subject code -> mark

    @property
    def grades(self) -> dict[str, int]:
        """Return the grade of each class."""
        return {pupil.class_name: pupil.grade for pupil in self.pupils}

    def list_class_subjects(self, class_name: str) -> list[Subject]:
        """Return the subjects that are taught in a class."""
        grade = self.grades[class_name]
        combination = _COMBINATIONS[list(self.grades).index(class_name) % len(_COMBINATIONS)]
        return [
            subject
            for subject in list_subjects(self.level, grade, on=YEAR.starts_on)
            if subject.choice is SubjectChoice.COMPULSORY or subject.code in combination
        ]

    def list_all_subjects(self) -> list[Subject]:
        """Return the subjects that are taught in any class, one row of the table each."""
        found = {subject.code: subject for name in self.grades for subject in self.list_class_subjects(name)}
        return list(found.values())


def build_school_profile(level: SchoolLevel) -> School:
    """Return the invented school as enrolment would know it."""
    return School(
        school_code=SCHOOL_CODES[level],
        name=f"Trường {level.value} Sao Mai",
        level=level,
        commune=COMMUNE,
        province_code="48",
        province_name=PROVINCE_NAME,
        department_name="Sở Giáo dục và Đào tạo Đà Nẵng",
    )


def write_school(
    folder: Path,
    *,
    level: SchoolLevel = SchoolLevel.LOWER_SECONDARY,
    classes: Sequence[str] = (),
    pupils_per_class: int = 40,
    seed: int = 2025,
    troubles: bool = False,
) -> InventedSchool:
    """Write the spreadsheets of one school year.

    Args:
        folder: is made when it is not there.
        classes: names that begin with their grade, "7A1"; without any, one class of the level.
        troubles: whether the files have errors and warnings in them, as real ones do.

    Returns:
        What was written, and whom the troubles hold back.
    """
    people = People(seed)
    names = tuple(classes) or DEFAULT_CLASSES[level]
    pupils = tuple(
        people.invent_pupil(name, int("".join(filter(str.isdigit, name[:2]))), year=YEAR.first)
        for name in names
        for _ in range(pupils_per_class)
    )
    plan = _Plan(level, pupils, random.Random(seed + 1), troubles)
    _employ(plan, people)
    if level is SchoolLevel.UPPER_SECONDARY:
        _choose_topics(plan)
    folder.mkdir(parents=True, exist_ok=True)
    _write_pupils(plan, folder)
    _write_staff(plan, folder)
    _write_assignments(plan, folder)
    for subject in plan.list_all_subjects():
        for term in (1, 2):
            _write_results(plan, folder, subject, term)
    if level is SchoolLevel.PRIMARY:
        _write_qualities(plan, folder)
    else:
        _write_training(plan, folder)
    held_back = tuple(sorted(plan.held_back))
    return InventedSchool(level, pupils, tuple(plan.teachers), dict(plan.homeroom), held_back)


def _employ(plan: _Plan, people: People) -> None:
    """Hire the staff: managers and clerk, the teachers of each subject, and a homeroom teacher for each class."""
    plan.teachers = [people.invent_teacher(position) for position in ("Hiệu trưởng", "Phó hiệu trưởng", "Văn thư")]
    if plan.level is SchoolLevel.PRIMARY:
        for name in plan.grades:
            plan.homeroom[name] = people.invent_teacher("Giáo viên tiểu học")
        plan.teachers.extend(plan.homeroom.values())
        return
    for subject in plan.list_all_subjects():
        team = [
            people.invent_teacher(f"Giáo viên {subject.name}")
            for _ in range(_TEACHERS_PER_SUBJECT.get(subject.code, 1))
        ]
        plan.teaching[subject.code] = team
        plan.teachers.extend(team)
    for number, name in enumerate(plan.grades):
        subjects = plan.list_class_subjects(name)
        plan.homeroom[name] = plan.teaching[subjects[number % len(subjects)].code][0]


def _choose_topics(plan: _Plan) -> None:
    """Give each pupil study-topic clusters in subjects with marks, chosen ones first."""
    for pupil in plan.pupils:
        _, rules = choose_rules(plan.level, pupil.grade, on=YEAR.starts_on)
        assert isinstance(rules, Circular22)
        marked = [one for one in plan.list_class_subjects(pupil.class_name) if one.kind is SubjectKind.MARK]
        marked.sort(key=lambda subject: subject.choice is not SubjectChoice.ELECTIVE)
        plan.topics[pupil.code] = {one.code: _invent_mark(plan, pupil) for one in marked[: rules.study_topics]}


def _write_pupils(plan: _Plan, folder: Path) -> None:
    header = (
        "STT", "Mã định danh Bộ GD&ĐT", "Họ tên", "Ngày sinh", "Giới tính", "Dân tộc", "Trạng thái", "SĐT liên hệ",
        "Nơi sinh chi tiết", "Tổ/thôn Hộ khẩu thường trú", "Tỉnh thành quê quán", "Phường Xã quê quán",
        "Chỗ ở hiện nay", "Số CMND", "Ngày cấp", "Nơi cấp", "Tên cha", "Nghề nghiệp cha", "Năm sinh cha", "Tên mẹ",
        "Nghề nghiệp mẹ", "Năm sinh mẹ", "Lớp học", "Khối học", "Số định danh cá nhân",
    )  # fmt: skip
    rows = [_pupil_row(plan, number, pupil) for number, pupil in enumerate(plan.pupils, start=1)]
    total: tuple[CellValue, ...] = (None, f"Tổng số: {len(rows)} học sinh")
    title = f"DANH SÁCH HỌC SINH NĂM HỌC {YEAR}"
    _write(folder / "danh-sach-hoc-sinh.xlsx", plan, title, header, [*rows, (), total])


def _pupil_row(plan: _Plan, number: int, pupil: InventedPupil) -> tuple[CellValue, ...]:
    name, birth_date, personal_id = pupil.name, _day(pupil.birth_date), pupil.personal_id
    if plan.troubles and number % 9 == 4:
        name = f"{unicodedata.normalize('NFD', name)}  "
    if plan.troubles and number % 15 == 7:
        personal_id = ""
    return (
        number, pupil.code, name, pupil.birth_date if plan.troubles and number % 7 == 3 else birth_date,
        "Nam" if pupil.gender is Gender.MALE else "Nữ", pupil.ethnicity, "Đang học", None, PROVINCE_NAME, None,
        PROVINCE_NAME, COMMUNE, f"{COMMUNE}, Đà Nẵng", None, None, None, *pupil.father, 1984, *pupil.mother, 1986,
        pupil.class_name, f"Khối {pupil.grade}", personal_id or None,
    )  # fmt: skip


def _write_staff(plan: _Plan, folder: Path) -> None:
    header = ("Tên trường", "Mã định danh Bộ GD&ĐT", "Họ tên", "Ngày sinh", "Trạng thái", "Vị trí việc làm")
    school = f"{plan.level.value} Sao Mai"
    rows = [
        (school, teacher.code, teacher.name, _day(teacher.birth_date), "Đang làm việc", teacher.position)
        for teacher in plan.teachers
    ]
    _write(folder / "danh-sach-giao-vien.xlsx", plan, "DANH SÁCH CÁN BỘ, GIÁO VIÊN", header, rows)


def _write_assignments(plan: _Plan, folder: Path) -> None:
    header = ("STT", "Lớp", "Môn học", "Mã định danh giáo viên", "Họ tên giáo viên", "Chủ nhiệm lớp")
    rows: list[tuple[CellValue, ...]] = []
    for name, leader in plan.homeroom.items():
        if plan.level is SchoolLevel.PRIMARY:
            rows.append((len(rows) + 1, name, None, leader.code, leader.name, "x"))
            continue
        for subject in plan.list_class_subjects(name):
            for teacher in plan.teaching[subject.code]:
                tick = "x" if teacher is leader else None
                rows.append((len(rows) + 1, name, subject.name, teacher.code, teacher.name, tick))
    _write(folder / "phan-cong-giang-day.xlsx", plan, f"PHÂN CÔNG GIẢNG DẠY NĂM HỌC {YEAR}", header, rows)


def _write_results(plan: _Plan, folder: Path, subject: Subject, term: int) -> None:
    taught = {name for name in plan.grades if subject.code in {one.code for one in plan.list_class_subjects(name)}}
    pupils = [pupil for pupil in plan.pupils if pupil.class_name in taught]
    path = folder / f"diem-hk{term}" / f"{subject.name}.xlsx"
    term_name = f"HỌC KÌ {'I' * term}"
    identity = ("STT", "Lớp", "Mã định danh Bộ GD&ĐT", "Họ và tên", "Ngày sinh")
    if subject.kind is SubjectKind.MARK:
        regular = tuple(f"ĐĐGtx{number}" for number in range(1, MAX_REGULAR + 1))
        header = (*identity, *regular, "ĐĐGgk", "ĐĐGck", "ĐTBmhk", "Mã nhận xét", "Nhận xét")
        rows = [_mark_row(plan, number, pupil, subject, term) for number, pupil in enumerate(pupils, start=1)]
        _write(path, plan, f"BẢNG ĐIỂM MÔN {subject.name.upper()} {term_name}", header, rows)
        return
    if subject.kind is SubjectKind.COMMENT:
        header = (*identity, "Đánh giá", "Nội dung nhận xét")
        rows = [_level_row(plan, number, pupil) for number, pupil in enumerate(pupils, start=1)]
    else:
        header = (*identity, "Mức GK", "Nhận xét GK", "Mức CK", "Điểm KTĐK", "Nhận xét CK")
        rows = [_primary_row(plan, number, pupil, subject) for number, pupil in enumerate(pupils, start=1)]
    _write(path, plan, f"BẢNG ĐÁNH GIÁ MÔN {subject.name.upper()} {term_name}", header, rows)


def _mark_row(plan: _Plan, number: int, pupil: InventedPupil, subject: Subject, term: int) -> tuple[CellValue, ...]:
    regulation, rules = choose_rules(plan.level, pupil.grade, on=YEAR.starts_on)
    assert isinstance(rules, Circular22)
    count = count_regular_marks(subject, pupil.grade, regulation=regulation, on=YEAR.starts_on)
    regular = [_invent_mark(plan, pupil) for _ in range(count)]
    midterm, final = _invent_mark(plan, pupil), _invent_mark(plan, pupil)
    topic = plan.topics.get(pupil.code, {}).get(subject.code)
    counted = [topic] if topic is not None and term == rules.study_topic_term else []
    average: Decimal | None = average_term(regular, midterm=midterm, final=final, study_topics=counted)
    if number % 3 == 2:
        average = None  # teachers leave it to the software
    code: CellValue = pupil.code
    if plan.troubles:
        code, average = _trouble_row(plan, pupil, subject, term, average)
    gaps = [None] * (MAX_REGULAR - count)
    commas = plan.troubles and number % 8 == 5
    marks = [_number(mark, commas=commas) for mark in (*regular, *gaps, midterm, final, average)]
    comment = plan.random.choice(_MARK_COMMENTS)
    return (number, pupil.class_name, code, pupil.name, _day(pupil.birth_date), *marks, None, comment)


def _trouble_row(
    plan: _Plan, pupil: InventedPupil, subject: Subject, term: int, average: Decimal | None
) -> tuple[CellValue, Decimal | None]:
    """Give the last pupil a contradicting average and the third, when its name is unique, a row without a code."""
    last = subject.code == "TOAN" and term == 2 and pupil is plan.pupils[-1]
    if last:
        plan.held_back.add(pupil.code)
        average = Decimal("1.1") if average is None or average > Decimal("2.0") else Decimal("9.9")
    third = plan.pupils[min(2, len(plan.pupils) - 1)]
    alike = [one for one in plan.pupils if (one.name, one.birth_date) == (pupil.name, pupil.birth_date)]
    return (None if pupil is third and len(alike) == 1 else pupil.code), average


def _level_row(plan: _Plan, number: int, pupil: InventedPupil) -> tuple[CellValue, ...]:
    level = plan.random.choices(("Đ", "Đạt", "CĐ"), (80, 19, 1))[0]
    comment = plan.random.choice(_LEVEL_COMMENTS)
    return (number, pupil.class_name, pupil.code, pupil.name, _day(pupil.birth_date), level, comment)


def _primary_row(plan: _Plan, number: int, pupil: InventedPupil, subject: Subject) -> tuple[CellValue, ...]:
    middle, end = (_invent_mark(plan, pupil) for _ in range(2))
    test = max(5, int(end)) if subject.tested else None
    levels = ["T" if mark >= Decimal(7) else "H" for mark in (middle, end)]
    comments = [plan.random.choice(_MARK_COMMENTS) for _ in range(2)]
    identity = (number, pupil.class_name, pupil.code, pupil.name, _day(pupil.birth_date))
    return (*identity, levels[0], comments[0], levels[1], test, comments[1])


def _write_training(plan: _Plan, folder: Path) -> None:
    header = (
        "STT", "Lớp", "Mã định danh Bộ GD&ĐT", "Họ và tên", "Ngày sinh", "Rèn luyện HK I", "Rèn luyện HK II",
        "Nghỉ có phép", "Nghỉ không phép", "Nhận xét của GVCN",
    )  # fmt: skip
    rows: list[tuple[CellValue, ...]] = []
    for number, pupil in enumerate(plan.pupils, start=1):
        terms = plan.random.choices(("T", "K", "Đ"), (85, 12, 3), k=2)
        absences = (plan.random.randrange(6), plan.random.randrange(2))
        comment = plan.random.choice(_HOMEROOM_COMMENTS)
        identity = (number, pupil.class_name, pupil.code, pupil.name, _day(pupil.birth_date))
        rows.append((*identity, *terms, *absences, comment))
    _write(folder / "ren-luyen.xlsx", plan, f"TỔNG HỢP KẾT QUẢ RÈN LUYỆN NĂM HỌC {YEAR}", header, rows)
    if plan.level is SchoolLevel.UPPER_SECONDARY:
        _write_topics(plan, folder)


def _write_topics(plan: _Plan, folder: Path) -> None:
    header = ("STT", "Lớp", "Mã định danh Bộ GD&ĐT", "Họ và tên", "Ngày sinh", "Môn học", "Tên chuyên đề", "Điểm")
    rows: list[tuple[CellValue, ...]] = []
    for pupil in plan.pupils:
        subjects = {one.code: one for one in plan.list_class_subjects(pupil.class_name)}
        for code, mark in plan.topics[pupil.code].items():
            subject = subjects[code]
            identity = (len(rows) + 1, pupil.class_name, pupil.code, pupil.name, _day(pupil.birth_date))
            name = f"Cụm chuyên đề {subject.name} {pupil.grade}"
            rows.append((*identity, subject.name, name, _number(mark, commas=False)))
    _write(
        folder / "chuyen-de.xlsx", plan, f"KẾT QUẢ CHUYÊN ĐỀ HỌC TẬP NĂM HỌC {YEAR}", header, rows, sheet="Chuyên đề"
    )


def _write_qualities(plan: _Plan, folder: Path) -> None:
    grades = sorted(set(plan.grades.values()))
    found = {
        one.code: one
        for grade in grades
        for group in QualityGroup
        for one in list_qualities(group, grade, on=YEAR.starts_on)
    }
    body = ("Số ngày nghỉ có phép", "Số ngày nghỉ không phép", "Chiều cao", "Cân nặng", "Nhận xét của GVCN")
    identity_header = ("STT", "Lớp", "Mã định danh Bộ GD&ĐT", "Họ và tên", "Ngày sinh")
    header = (*identity_header, *(quality.name for quality in found.values()), *body)
    rows: list[tuple[CellValue, ...]] = []
    for number, pupil in enumerate(plan.pupils, start=1):
        levels = [plan.random.choices(("T", "Đ"), (80, 20))[0] for _ in found]
        size = (100 + 6 * pupil.grade + plan.random.randrange(12), 16 + 3 * pupil.grade + plan.random.randrange(8))
        comment = plan.random.choice(_HOMEROOM_COMMENTS)
        identity = (number, pupil.class_name, pupil.code, pupil.name, _day(pupil.birth_date))
        rows.append((*identity, *levels, plan.random.randrange(4), 0, *size, comment))
    _write(folder / "pham-chat-nang-luc.xlsx", plan, f"PHẨM CHẤT, NĂNG LỰC NĂM HỌC {YEAR}", header, rows)


def _invent_mark(plan: _Plan, pupil: InventedPupil) -> Decimal:
    mark = min(10.0, max(1.0, plan.random.gauss(pupil.talent, 0.7)))
    return Decimal(str(round(mark, 1)))


def _number(mark: Decimal | None, *, commas: bool) -> CellValue:
    if mark is None:
        return None
    return str(mark).replace(".", ",") if commas else float(mark)


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _write(
    path: Path,
    plan: _Plan,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[CellValue]],
    *,
    sheet: str = "Sheet1",
) -> None:
    """Write one workbook: department, school, title over merged cells, header, rows."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    further_down = plan.troubles and path.parent.name == "diem-hk2" and path.stem == "Tin học"
    titles = [(DEPARTMENT,), (f"TRƯỜNG {plan.level.value} SAO MAI",), *([(), ()] if further_down else []), (title,)]
    names = [name.replace("ĐĐGtx", "ĐĐG tx ").upper() for name in header] if further_down else header
    for line in (*titles, names, *rows):
        page.append(list(line))
    page.merge_cells(f"A{len(titles)}:{get_column_letter(min(8, len(header)))}{len(titles)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
