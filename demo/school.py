"""Enrols one school and opens its installation: keys, authority list, settings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from demo.holders import KeyHolder
from demo.people import SEAL_IDENTITY, Keyring, issue_keys
from demo.school_generator import write_school
from keys_dev.pki import DevelopmentPki
from service.schools.authority_files import sign_authority
from service.schools.enrolment import Enrolment, draft_authority
from service.settings import Settings
from service.store import write_atomically
from service.workspace import Workspace, open_workspace
from transcript_core.clock import VIETNAM_TIME, Clock
from transcript_core.errors import ImportRejected
from transcript_core.intake import import_school, list_blocking
from transcript_core.model import School, SchoolLevel
from transcript_core.records import SchoolRecords
from transcript_core.tables import find_province, list_provinces

_COMMUNES = {"01": "Phường Cầu Giấy", "48": "Phường Hải Châu"}  # the spreadsheets do not name it
DEPUTY_DECISION = "Quyết định số 15/QĐ-THCS ngày 05/09/2025"
_VALID_DAYS = 400


@dataclass(frozen=True, slots=True)
class DemoSchool:
    """A school that is enrolled and ready to import."""

    folder: Path  # its workbooks, a copy of our own
    school: School
    keys: Keyring
    workspace: Workspace


def copy_school(source: Path | None, target: Path, *, class_size: int) -> Path:
    """Put a school's workbooks into `target`, unless they are there already; the bundled school without a source."""
    if target.is_dir():
        return target
    if source is None:
        write_school(target, classes=("7A1",), pupils_per_class=class_size, troubles=True)
    else:
        shutil.copytree(source, target, copy_function=shutil.copyfile)
    return target


def enrol(
    folder: Path,
    pki: DevelopmentPki,
    out: Path,
    *,
    level: SchoolLevel,
    base_url: str,
    clock: Clock,
    holder: KeyHolder | None = None,
) -> DemoSchool:
    """Issue keys, sign the authority list and open the installation under `out`.

    Args:
        holder: of the people's keys; None: PKCS#12 files.

    Raises:
        ImportRejected: the workbooks have errors that concern the whole school.
    """
    today = clock.now().astimezone(VIETNAM_TIME).date()
    result = import_school(folder, school_level=level, as_of=today)
    if list_blocking(result):
        first = list_blocking(result)[0]
        raise ImportRejected(f"{first.file} {first.cell}: {first.what} {first.remedy}")
    school = describe_school(result.records, level, today)
    keys = issue_keys(pki, school.name, result.records.staff, holder)
    authority_file = out / "authority.jws"
    write_atomically(authority_file, _sign_list(school, result.records, keys, clock))
    settings = Settings(
        home=out / "home",
        base_url=base_url,
        anchors_dir=pki.anchors_dir,
        authority_file=authority_file,
        tsa_urls=(pki.tsa_url,),
        chain_hosts=frozenset({"127.0.0.1"}),  # where the development CAs are
    )
    return DemoSchool(folder, school, keys, open_workspace(settings, clock))


def describe_school(records: SchoolRecords, level: SchoolLevel, today: date) -> School:
    """Return the school as enrolled; the spreadsheets name it, the rest is the demo's own."""
    department = records.department_name
    province = next(
        (one for one in list_provinces(on=today) if _bare(one.name) in department.casefold()),
        find_province("Hà Nội", on=today),
    )
    assert province is not None
    return School(
        school_code=f"{province.code}000701",
        name=_sentence_case(records.school_name),
        level=level,
        commune=_COMMUNES.get(province.code, "Phường Trung Tâm"),
        province_code=province.code,
        province_name=province.name,
        department_name=_sentence_case(department),
    )


def _sign_list(school: School, records: SchoolRecords, keys: Keyring, clock: Clock) -> bytes:
    now = clock.now()
    deputies = {one.staff_code: DEPUTY_DECISION for one in records.staff if one.position == "Phó hiệu trưởng"}
    enrolment = Enrolment(
        school=school,
        seal_identity=SEAL_IDENTITY,
        identities=keys.identities,
        from_day=date(int(records.school_year[:4]), 8, 1),
        deputies=deputies,
    )
    authority = draft_authority(
        {school.school_code: (enrolment, records)},
        number=1,
        issuer=school.department_name,
        issued_at=now,
        valid_to=now + timedelta(days=_VALID_DAYS),
    )
    return sign_authority(authority, keys.open_department())


def _bare(name: str) -> str:
    return name.casefold().removeprefix("thành phố ").removeprefix("tỉnh ")


def _sentence_case(name: str) -> str:
    """Return a name in capitals as people write it: "TRƯỜNG THCS HOA SEN" → "Trường THCS Hoa Sen"."""
    if not name.isupper():
        return name
    words = [word if word in {"THCS", "THPT", "TH"} else word.capitalize() for word in name.split()]
    return " ".join(words).replace("Giáo Dục Và Đào Tạo", "Giáo dục và Đào tạo").replace(" Và ", " và ")
