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
from verify.formats.cms import read_cms
from verify.formats.cms_types import CmsSignature, Reading
from verify.formats.pdf_bare_rsa import BARE_RSA_FORM, read_bare_rsa
from verify.formats.pdf_token import read_token
from verify.formats.pdf_types import PdfSignature, SignatureKind

_PADES_FORM: Final = "ETSI.CAdES.detached"
"""SubFilter whose profile asks for ESS signing-certificate-v2 (EN 319 142-1, 5.2)."""

_SHA1_FORM: Final = "adbe.pkcs7.sha1"

DOCUMENT_TIMESTAMP_FORM: Final = "ETSI.RFC3161"
"""SubFilter of a document timestamp, whose /Contents is the token itself (EN 319 142-1, 5.4.3)."""

_FORMS: Final = frozenset({_PADES_FORM, "adbe.pkcs7.detached", _SHA1_FORM, BARE_RSA_FORM, DOCUMENT_TIMESTAMP_FORM})
_LOOK_BACK: Final = 32
"""Octets before /Contents that are looked at for its name."""

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
    strict: bool  # in a transcript, where whatever is unusual is a problem


@dataclass(frozen=True, slots=True)
class _Covered:
    """What a /ByteRange covers: all from the first octet to `end`, but for the hole."""

    digests: RangeDigests
    start: int
    hole_start: int
    hole_end: int
    end: int

    def digest(self, hash_name: str) -> bytes:
        if self.start:
            return hashlib.new(hash_name, self.octets(), usedforsecurity=False).digest()
        return self.digests.digest(hash_name, self.hole_start, self.hole_end, self.end)

    def octets(self) -> bytes:
        data = self.digests.data
        return data[self.start : self.hole_start] + data[self.hole_end : self.end]


def read_signature(dictionary: Mapping[str, Value], place: SignaturePlace, digests: RangeDigests) -> PdfSignature:
    """Return what one signature dictionary says.  Never raises."""
    reading = Reading(place.strict)
    form = str(dictionary.get("SubFilter", ""))
    covered = _read_byte_range(dictionary, place, digests, reading)
    signature = CmsSignature()
    if form not in _FORMS:
        reading.cannot_judge(form or "no SubFilter")
        signature = CmsSignature(digest_right=None, value_right=None)
    elif covered is not None:
        signature = _read_contents(dictionary, form, covered, place)
    covers_all = covered is not None and covered.end == place.file_end
    return PdfSignature(
        slot_id=place.field_name,
        kind=SignatureKind.DOCUMENT_TIMESTAMP if form == DOCUMENT_TIMESTAMP_FORM else SignatureKind.SIGNATURE,
        digest_right=signature.digest_right,
        value_right=signature.value_right,
        problems=(*reading.problems, *signature.problems),
        unsupported=(*reading.unsupported, *signature.unsupported),
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
        covers_revision=place.revision if covered is not None else 0,
        covered_end=0 if covered is None else covered.end,
        gap=(0, 0) if covered is None else (covered.hole_start, covered.hole_end),
        whole_file=covers_all,
        closes=locks_all_fields(dictionary.get("Reference")),
    )


def _read_contents(
    dictionary: Mapping[str, Value], form: str, covered: _Covered, place: SignaturePlace
) -> CmsSignature:
    contents = dictionary["Contents"]
    assert isinstance(contents, String)
    if form == DOCUMENT_TIMESTAMP_FORM:
        return read_token(contents, covered.digest, strict=place.strict)
    if form == BARE_RSA_FORM:
        return read_bare_rsa(contents, dictionary.get("Cert"), covered.octets())
    return read_cms(
        contents,
        covered,
        needs_ess=form == _PADES_FORM,
        strict=place.strict,
        sha1_inside=form == _SHA1_FORM,
    )


def _read_byte_range(
    dictionary: Mapping[str, Value], place: SignaturePlace, digests: RangeDigests, reading: Reading
) -> _Covered | None:
    """Return what is covered; None when the range cannot be used.

    The first three numbers must lead around exactly this dictionary's /Contents, its brackets included, and the range
    must end where the revision ends: whatever else a range could leave out, a viewer would still show.
    """
    stated, contents = dictionary.get("ByteRange"), dictionary.get("Contents")
    numbers = [number for number in stated if type(number) is int] if isinstance(stated, list) else []
    if not isinstance(stated, list) or len(stated) != 4 or len(numbers) != 4 or not isinstance(contents, String):
        reading.add("byte-range", "/ByteRange is not four whole numbers")
        return None
    first, length, hole_end, rest = numbers
    covered = _Covered(digests, first, first + length, hole_end, hole_end + rest)
    if not 0 <= first < covered.hole_start <= hole_end <= covered.end <= len(digests.data):
        reading.add("byte-range", "its parts overlap, or it leads out of the file")
        return None
    wrong = _judge_range(covered, contents, place)
    if wrong is not None:
        reading.note("byte-range", wrong)
    return covered


def _judge_range(covered: _Covered, contents: String, place: SignaturePlace) -> str | None:
    """Return what is wrong with a range that can be computed; None when nothing is."""
    if covered.start:
        return "it does not begin at 0"
    data = covered.digests.data
    hole = data[covered.hole_start : covered.hole_end]
    if not place.strict:
        hole = hole.translate(None, b" \t\r\n\f\0")
    inside = place.start < covered.hole_start and covered.hole_end < place.end
    exact = hole[:1] == b"<" and hole[-1:] == b">" and hole[1:-1].lower() == contents.hex().encode("ascii")
    before = data[max(covered.hole_start - _LOOK_BACK, 0) : covered.hole_start]
    if not inside or not exact or not before.rstrip(b" \r\n\t").endswith(b"/Contents"):
        return "the gap is not exactly the signature's own /Contents"
    if place.revision_end is not None and covered.end != place.revision_end:
        return "it does not end where its revision ends"
    return None


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


def locks_all_fields(references: Value) -> bool:
    """Say whether the signature carries a FieldMDP transform over all fields (ISO 32000-1, 12.8.2.4)."""
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and reference.get("TransformMethod") == Name("FieldMDP"):
            parameters = reference.get("TransformParams")
            if isinstance(parameters, dict) and parameters.get("Action") == Name("All"):
                return True
    return False
