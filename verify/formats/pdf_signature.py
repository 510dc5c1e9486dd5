"""Reads one signature dictionary: what it covers, what it says, and whether its mathematics holds.

Implements ISO 32000-1, 12.8.1 (signature dictionary, ByteRange) and the part of ETSI EN 319 142-1, 5 and 6.3 that a
reader checks.  All signatures of a file share one running hash, so a file is hashed once however many signed it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from transcript_core.clock import read_utc
from transcript_core.pdf import MalformedPdf, Name, String, Value, read_text_string
from verify.formats.cms import CmsSignature, read_cms
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_token import read_token
from verify.formats.pdf_types import PdfSignature, SignatureKind

_CMS_FORMS: Final = {"ETSI.CAdES.detached": True, "adbe.pkcs7.detached": False}
"""SubFilters that hold a detached CMS signature; whether the profile asks for ESS signing-certificate-v2."""

DOCUMENT_TIMESTAMP_FORM: Final = "ETSI.RFC3161"
"""SubFilter of a document timestamp, whose /Contents is the token itself (EN 319 142-1, 5.4.3)."""

_DATE: Final = re.compile(r"D:(\d{14})(?:(Z)(?:00'00'?)?|([+-])(\d\d)'(\d\d)'?)")


@dataclass(slots=True)
class RangeDigests:
    """Digests of a file around the holes of its signatures, by one running hash for each algorithm.

    The holes must be asked for from the front of the file to its end; going back starts anew.
    """

    data: bytes
    _running: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def digest(self, hash_name: str, hole_start: int, hole_end: int, end: int) -> bytes:
        """Return the digest of the octets before `hole_start` and of those from `hole_end` to `end`."""
        view = memoryview(self.data)
        at, state = self._running.get(hash_name, (0, None))
        if state is None or at > hole_start:
            at, state = 0, hashlib.new(hash_name)
        state.update(view[at:hole_start])
        self._running[hash_name] = (hole_start, state)
        branch = state.copy()
        branch.update(view[hole_end:end])
        return bytes(branch.digest())


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """Where a signature stands, as its reader found it."""

    field_name: str
    start: int  # of the signature dictionary's object; its /Contents must lie inside
    end: int
    revision: int  # 1-based number of the revision it should end with; 0 when that is not known
    revision_end: int | None  # offset where that revision ends; None when it is not known
    file_end: int


def read_signature(dictionary: Mapping[str, Value], place: SignaturePlace, digests: RangeDigests) -> PdfSignature:
    """Return what one signature dictionary says.  Never raises."""
    problems: list[Problem] = []
    unsupported: list[Problem] = []
    form = str(dictionary.get("SubFilter", ""))
    hole = _read_byte_range(dictionary, place, digests.data, problems)
    signature = CmsSignature()
    if form not in _CMS_FORMS and form != DOCUMENT_TIMESTAMP_FORM:
        unsupported.append(build_problem("not-supported", detail=form or "no SubFilter"))
    elif hole is not None:
        signature = _read_contents(dictionary["Contents"], form, hole, digests)
    covers_all = hole is not None and hole[2] == place.file_end
    return PdfSignature(
        slot_id=place.field_name,
        kind=SignatureKind.DOCUMENT_TIMESTAMP if form == DOCUMENT_TIMESTAMP_FORM else SignatureKind.SIGNATURE,
        intact=signature.digest_right and signature.value_right,
        digest_right=signature.digest_right,
        value_right=signature.value_right,
        problems=(*problems, *signature.problems),
        unsupported=(*unsupported, *signature.unsupported),
        signer=signature.signer,
        certificates=signature.certificates,
        algorithm=signature.algorithm,
        signed_at=_read_date(_read_text(dictionary, "M")),
        timestamp=signature.timestamp,
        timestamp_imprint=signature.timestamp_imprint,
        policy_oid=signature.policy_oid,
        policy_digest=signature.policy_digest,
        commitments=signature.commitments,
        claimed_roles=signature.claimed_roles,
        claimed_name=_read_text(dictionary, "Name"),
        location=_read_text(dictionary, "Location"),
        reason=_read_text(dictionary, "Reason"),
        has_signing_certificate=signature.has_signing_certificate,
        covers_revision=place.revision if hole is not None else 0,
        whole_file=covers_all,
        closes=_locks_all_fields(dictionary.get("Reference")),
    )


def _read_contents(contents: Value, form: str, hole: tuple[int, int, int], digests: RangeDigests) -> CmsSignature:
    start, end, last = hole
    assert isinstance(contents, String)

    def digest(hash_name: str) -> bytes:
        return digests.digest(hash_name, start, end, last)

    if form == DOCUMENT_TIMESTAMP_FORM:
        return read_token(contents, digest)
    return read_cms(contents, digest, needs_ess=_CMS_FORMS[form])


def _read_byte_range(
    dictionary: Mapping[str, Value], place: SignaturePlace, data: bytes, problems: list[Problem]
) -> tuple[int, int, int] | None:
    """Return start and end of the hole and the end of what is covered; None when the range cannot be used.

    The first three numbers must lead around exactly this dictionary's /Contents, its brackets included, and the range
    must end where the revision ends: whatever else a range could leave out, a viewer would still show.
    """
    stated, contents = dictionary.get("ByteRange"), dictionary.get("Contents")
    numbers = [number for number in stated if type(number) is int] if isinstance(stated, list) else []
    if not isinstance(stated, list) or len(stated) != 4 or len(numbers) != 4 or not isinstance(contents, String):
        problems.append(build_problem("byte-range", detail="/ByteRange is not four whole numbers"))
        return None
    first, hole_start, hole_end, length = numbers
    last = hole_end + length
    if first != 0 or not 0 < hole_start < hole_end <= last <= len(data):
        problems.append(build_problem("byte-range", detail="it does not begin at 0, or leads out of the file"))
        return None
    hole = data[hole_start:hole_end]
    inside = place.start < hole_start and hole_end < place.end
    exact = hole[:1] == b"<" and hole[-1:] == b">" and hole[1:-1].lower() == contents.hex().encode("ascii")
    if not inside or not exact or not data[:hole_start].rstrip(b" \r\n\t").endswith(b"/Contents"):
        problems.append(build_problem("byte-range", detail="the gap is not exactly the signature's own /Contents"))
        return None
    if place.revision_end is not None and last != place.revision_end:
        problems.append(build_problem("byte-range", detail="it does not end where its revision ends"))
    return hole_start, hole_end, last


def _read_text(dictionary: Mapping[str, Value], key: str) -> str | None:
    value = dictionary.get(key)
    if not isinstance(value, String):
        return None
    try:
        return read_text_string(value)
    except MalformedPdf:
        return None


def _read_date(text: str | None) -> datetime | None:
    """Return the instant of a PDF date (ISO 32000-1, 7.9.4); None when it lacks its offset or is no date."""
    found = _DATE.fullmatch(text) if text is not None else None
    if found is None:
        return None
    offset = "+0000" if found[2] == "Z" else f"{found[3]}{found[4]}{found[5]}"
    try:
        return read_utc(datetime.strptime(f"{found[1]}{offset}", "%Y%m%d%H%M%S%z"))
    except ValueError:
        return None


def _locks_all_fields(references: Value) -> bool:
    """Say whether the signature carries a FieldMDP transform over all fields (ISO 32000-1, 12.8.2.4)."""
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and reference.get("TransformMethod") == Name("FieldMDP"):
            parameters = reference.get("TransformParams")
            if isinstance(parameters, dict) and parameters.get("Action") == Name("All"):
                return True
    return False
