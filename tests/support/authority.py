"""An authority list for the sample documents of `samples.py`, and a way to sign one as the department does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from signing.keystores.pkcs12 import FileSigner, open_pkcs12
from tests.support.pki import development_pki
from tests.support.samples import HOMEROOM, PRINCIPAL, SCHOOL_YEAR, build_school, build_transcript
from transcript_core.authority import (
    AUTHORITY_TYPE,
    AuthorityList,
    OfficeEntry,
    SchoolEntry,
    SealEntry,
    StaffEntry,
    build_authority_payload,
)
from transcript_core.model import SchoolLevel
from transcript_core.policy import Office

FROM_DAY = date(2025, 9, 5)
TO_DAY = date(2026, 8, 31)
ISSUED_AT = datetime(2025, 9, 1, 1, 0, tzinfo=UTC)
SEAL_IDENTITY = "MST:0101234567"
DEPUTY = ("0119876543", "Lê Minh Đức")
CLERK = ("0187654321", "Trần Thị Vân")
DELEGATION = "Quyết định số 12/QĐ-THCSHS ngày 20/5/2026"


def staff_identity(staff_code: str) -> str:
    """Return the identity that the sample list and `open_staff` give to a member of staff."""
    return f"CCCD:00{staff_code}"


def build_authority(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> AuthorityList:
    """Return a list in which everybody whom the sample transcript of `level` names is in office."""
    transcript = build_transcript(level)
    school = build_school(level)
    names: dict[str, str] = dict((HOMEROOM, PRINCIPAL, DEPUTY, CLERK))
    offices: dict[str, list[OfficeEntry]] = {
        PRINCIPAL[0]: [_post(Office.PRINCIPAL)],
        DEPUTY[0]: [_post(Office.VICE_PRINCIPAL), _post(Office.VICE_PRINCIPAL, authority=DELEGATION)],
        CLERK[0]: [_post(Office.CLERK)],
        HOMEROOM[0]: [_post(Office.HOMEROOM_TEACHER, class_name=transcript.class_name)],
    }
    for subject in transcript.subjects:
        for teacher in subject.teachers:
            names.setdefault(teacher.staff_code, teacher.name)
            entry = _post(Office.SUBJECT_TEACHER, class_name=transcript.class_name, subject_code=subject.subject_code)
            offices.setdefault(teacher.staff_code, []).append(entry)
    return AuthorityList(
        number=1,
        issuer=school.department_name,
        issued_at=ISSUED_AT,
        valid_from=ISSUED_AT,
        valid_to=datetime(2027, 8, 31, 16, 59, 59, tzinfo=UTC),
        schools=(
            SchoolEntry(
                school_code=school.school_code,
                name=school.name,
                levels=(level,),
                commune=school.commune,
                province_code=school.province_code,
                province_name=school.province_name,
                department_name=school.department_name,
                seals=(SealEntry(SEAL_IDENTITY, FROM_DAY),),
            ),
        ),
        staff=tuple(
            StaffEntry(code, names[code], (staff_identity(code),), tuple(entries)) for code, entries in offices.items()
        ),
    )


def _post(
    office: Office, *, class_name: str | None = None, subject_code: str | None = None, authority: str | None = None
) -> OfficeEntry:
    return OfficeEntry(
        office=office,
        school_code=build_school().school_code,
        from_day=FROM_DAY,
        to_day=TO_DAY,
        school_year=None if class_name is None else SCHOOL_YEAR,
        class_name=class_name,
        subject_code=subject_code,
        authority=authority,
    )


def open_department() -> FileSigner:
    """Return a signer with the shared PKI's authority key."""
    pki = development_pki()
    return open_pkcs12(pki.authority_p12, pki.read_password(pki.authority_p12))


def sign_authority(authority: AuthorityList, signer: FileSigner | None = None) -> bytes:
    """Return the list as the department issues it: a compact JWS."""
    header = {"typ": AUTHORITY_TYPE, "iat": int(authority.issued_at.timestamp())}
    return sign_compact(signer or open_department(), build_authority_payload(authority), header)


def sign_compact(signer: FileSigner, payload: bytes, header: Mapping[str, Any]) -> bytes:
    """Return a compact JWS with `alg` and `x5c` of the signer; members of `header` come on top, None removes one."""
    chain = [base64.b64encode(one.der).decode() for one in (signer.certificate, *signer.chain)]
    usual = {"alg": signer.algorithm.jws_name, "x5c": chain}
    members = {name: value for name, value in {**usual, **header}.items() if value is not None}
    signing_input = _b64(json.dumps(members).encode()) + b"." + _b64(payload)
    value = signer.sign_digests([hashlib.sha256(signing_input).digest()])[0]
    return signing_input + b"." + _b64(value)


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
