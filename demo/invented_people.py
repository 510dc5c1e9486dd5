"""Invents pupils and staff: names, days of birth, codes.  Nobody here exists; the same seed invents the same people."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from transcript_core.model import Gender

PROVINCE_DIGITS: Final = "048"  # Đà Nẵng in personal ids
PROVINCE_NAME: Final = "Thành phố Đà Nẵng"
COMMUNE: Final = "Phường Hải Châu"

_SURNAMES: Final = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Trương", "Đinh", "Mai",
    "Huỳnh", "Tạ", "Cao", "Lương", "Thái",
)  # fmt: skip
_MALE: Final = (
    ("Minh", "Gia", "Quốc", "Đức", "Hải", "Thanh", "Tuấn", "Bảo", "Nhật", "Khôi"),
    ("Khang", "Phúc", "Thịnh", "Long", "Duy", "Nguyên", "Kiệt", "Quân", "Trí", "Hưng", "Lâm", "Tùng", "Sơn", "Vỹ"),
)
_FEMALE: Final = (
    ("Ngọc", "Thu", "Phương", "Khánh", "Bảo", "Thảo", "Mỹ", "Tường", "Hà", "Diệu"),
    ("Anh", "Vy", "Ngân", "Quỳnh", "Trâm", "Nhi", "Thư", "My", "Hân", "Chi", "Giang", "Yên", "Diễm", "Oanh"),
)
_WORK: Final = ("Công nhân", "Nông dân", "Kinh doanh", "Kĩ sư", "Giáo viên", "Y tá", "Lái xe", "Thợ may", "Ngư dân")


@dataclass(frozen=True, slots=True)
class InventedPupil:
    """One pupil; `talent` is the mark around which the pupil's marks lie."""

    code: str
    name: str
    birth_date: date
    gender: Gender
    class_name: str
    grade: int
    personal_id: str
    father: tuple[str, str]  # name, work
    mother: tuple[str, str]
    talent: float
    ethnicity: str


@dataclass(frozen=True, slots=True)
class InventedTeacher:
    """One member of staff."""

    code: str
    name: str
    birth_date: date
    position: str


class People:
    """Invents people; every code is given once."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._codes: set[str] = set()

    def invent_pupil(self, class_name: str, grade: int, *, year: int) -> InventedPupil:
        """Return a pupil of the usual age for `grade` in the school year that begins in `year`."""
        gender = self._random.choice((Gender.MALE, Gender.FEMALE))
        birth_date = date(year - grade - 5, 1, 1) + timedelta(days=self._random.randrange(364))
        digit = "2" if gender is Gender.MALE else "3"
        tail = self._random.randrange(10**6)
        return InventedPupil(
            code=self._invent_code(),
            name=self._invent_name(gender),
            birth_date=birth_date,
            gender=gender,
            class_name=class_name,
            grade=grade,
            personal_id=f"{PROVINCE_DIGITS}{digit}{birth_date:%y}{tail:06d}",
            father=(self._invent_name(Gender.MALE), self._random.choice(_WORK)),
            mother=(self._invent_name(Gender.FEMALE), self._random.choice(_WORK)),
            talent=min(9.6, max(4.2, self._random.gauss(7.6, 1.2))),
            ethnicity=self._random.choices(("Kinh", "Cơ Tu", "Hoa"), (94, 4, 2))[0],
        )

    def invent_teacher(self, position: str) -> InventedTeacher:
        """Return a member of staff."""
        gender = self._random.choice((Gender.MALE, Gender.FEMALE))
        birth_date = date(1970, 1, 1) + timedelta(days=self._random.randrange(25 * 365))
        return InventedTeacher(self._invent_code(), self._invent_name(gender), birth_date, position)

    def _invent_name(self, gender: Gender) -> str:
        middle, given = _MALE if gender is Gender.MALE else _FEMALE
        return f"{self._random.choice(_SURNAMES)} {self._random.choice(middle)} {self._random.choice(given)}"

    def _invent_code(self) -> str:
        while True:
            code = f"{PROVINCE_DIGITS[1:]}{self._random.randrange(10**8):08d}"
            if code not in self._codes:
                self._codes.add(code)
                return code
