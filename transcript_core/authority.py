"""May this person sign this slot?  Answered by the department's signed authority list alone.

To chain to a root is not enough: the certificate says who somebody is, the list says what they may do.  The list is a
compact JWS by the department's key, which is an anchor of its own (`trust.TrustStore.authorities`): the very
certificate is configured, nothing is inferred from a CA above it.  What follows from a list is `entitlement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from transcript_core.authority_list import (
    AuthorityList,
    OfficeEntry,
    SchoolEntry,
    SealEntry,
    StaffEntry,
    build_authority_payload,
    parse_authority,
)
from transcript_core.entitlement import AuthorityAnswer, AuthorityCode, check_slot
from transcript_core.errors import AuthorityListInvalid, AuthorityListOutOfDate, InputError, NotFound
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.limits import MAX_AUTHORITY_BYTES
from transcript_core.model import School, SchoolLevel
from transcript_core.pki.certificates import Certificate

__all__ = [
    "AUTHORITY_TYPE",
    "AuthorityAnswer",
    "AuthorityCode",
    "AuthorityList",
    "OfficeEntry",
    "SchoolEntry",
    "SealEntry",
    "StaffEntry",
    "build_authority_payload",
    "check_slot",
    "get_school_profile",
    "open_authority_list",
    "parse_authority",
]

AUTHORITY_TYPE: Final = "hocba-authority+jws"
"""The `typ` of the JWS that carries an authority list; no other JWS of the department can pass for one."""


def open_authority_list(
    signed: bytes, anchors: Sequence[Certificate], *, at: datetime, min_number: int = 1
) -> AuthorityList:
    """Return the list in `signed` after verifying it.

    Args:
        signed: compact JWS; its `x5c` names the signing certificate, its `iat` the time of issue.
        anchors: certificates of the department, configured one by one.
        at: aware; the moment for which the list is wanted.
        min_number: refuse lists with a lower number, so that an old list cannot come back.

    Raises:
        AuthorityListInvalid: not signed by one of the anchors, malformed, or replaced.
        AuthorityListOutOfDate: sound, but not valid at `at`.
    """
    try:
        claimed = parse_jws(signed, max_bytes=MAX_AUTHORITY_BYTES).certificates
        anchor = next((one for one in anchors if claimed and claimed[0] == one), None)
        if anchor is None:
            raise AuthorityListInvalid("the authority list is not signed by a configured key of the department")
        verified = verify_jws(signed, anchor, max_bytes=MAX_AUTHORITY_BYTES, typ=AUTHORITY_TYPE)
    except InputError as error:
        raise AuthorityListInvalid(f"the authority list's signature cannot be accepted: {error}") from error
    authority = parse_authority(verified.payload)
    if verified.header.get("iat") != int(authority.issued_at.timestamp()):
        raise AuthorityListInvalid("the authority list's `iat` is not its own time of issue")
    if not anchor.is_in_date(authority.issued_at) or not anchor.may_sign:
        raise AuthorityListInvalid("the department's certificate was not one to sign with when the list was issued")
    if authority.number < min_number:
        raise AuthorityListInvalid(f"authority list {authority.number} was replaced by list {min_number}")
    if not authority.valid_from <= at <= authority.valid_to:
        raise AuthorityListOutOfDate(
            f"the authority list is valid from {authority.valid_from.isoformat()} to "
            f"{authority.valid_to.isoformat()}, not at {at.isoformat()}; get the department's current list"
        )
    return authority


def get_school_profile(authority: AuthorityList, school_code: str, *, level: SchoolLevel | None = None) -> School:
    """Return the school as documents name it.

    Args:
        authority: a verified list.
        school_code: of the sector database.
        level: which of its levels; None when it has only one.

    Raises:
        NotFound: no such school, or it does not have that one level.
    """
    entry = authority.find_school(school_code)
    if entry is None:
        raise NotFound(f"school {school_code} is not in the authority list")
    if level is None and len(entry.levels) == 1:
        level = entry.levels[0]
    if level is None or level not in entry.levels:
        raise NotFound(f"school {school_code} has the levels {', '.join(entry.levels)}; name one of them")
    return School(
        school_code=entry.school_code,
        name=entry.name,
        level=level,
        commune=entry.commune,
        province_code=entry.province_code,
        province_name=entry.province_name,
        department_name=entry.department_name,
    )
