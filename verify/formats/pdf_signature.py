"""Reads one signature dictionary: what it covers, what it says, and whether its mathematics holds.

Implements ISO 32000-1, 12.8.1 (signature dictionary, ByteRange) and the part of ETSI EN 319 142-1, 5 and 6.3 that a
reader checks.  All signatures of a file share one running hash, so a file is hashed once however many signed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from transcript_core.clock import read_utc
from transcript_core.pdf import MalformedPdf, Name, String, Value, read_text_string
from transcript_core.pki import cades
from verify.formats.cms import find_content_type, read_cms
from verify.formats.cms_types import CmsSignature, Reading
from verify.formats.pdf_bare_rsa import BARE_RSA_FORM, read_bare_rsa
from verify.formats.pdf_ranges import Covered, RangeDigests, list_range_faults, read_pieces
from verify.formats.pdf_token import read_token
from verify.formats.pdf_types import PdfSignature, SignatureKind
from verify.formats.work import WorkExceeded

_PADES_FORM: Final = "ETSI.CAdES.detached"
"""SubFilter whose profile asks for ESS signing-certificate-v2 (EN 319 142-1, 5.2)."""

_DETACHED_FORM: Final = "adbe.pkcs7.detached"
_SHA1_FORM: Final = "adbe.pkcs7.sha1"

DOCUMENT_TIMESTAMP_FORM: Final = "ETSI.RFC3161"
"""SubFilter of a document timestamp, whose /Contents is the token itself (EN 319 142-1, 5.4.3)."""

_FORMS: Final = frozenset({_PADES_FORM, _DETACHED_FORM, _SHA1_FORM, BARE_RSA_FORM, DOCUMENT_TIMESTAMP_FORM})

_DATE: Final = re.compile(r"D:(\d{14})(?:(Z)(?:00'00'?)?|([+-])(\d\d)'(\d\d)'?)")


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


def read_signature(dictionary: Mapping[str, Value], place: SignaturePlace, digests: RangeDigests) -> PdfSignature:
    """Return what one signature dictionary says.  Never raises."""
    reading = Reading(place.strict)
    form = _find_form(dictionary, reading)
    covered = _read_byte_range(dictionary, place, digests, reading)
    signature = CmsSignature()
    faults: list[str] = []
    gap = (0, 0)
    if form is None:
        signature = CmsSignature(digest_right=None, value_right=None)
    elif covered is not None:
        try:
            signature = _read_contents(dictionary, form, covered, place)
            signature, faults = _judge_range(dictionary, covered, place, signature, reading)
            gap = covered.find_gap(_get_contents(dictionary))
        except WorkExceeded as error:
            signature, faults = CmsSignature(digest_right=None, value_right=None), [str(error)]
            reading.cannot_judge(str(error))
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
        gap=gap,
        whole_file=covers_all,
        closes=locks_all_fields(dictionary.get("Reference")),
        leaves_out=bool(faults),
    )


def _find_form(dictionary: Mapping[str, Value], reading: Reading) -> str | None:
    """Return the SubFilter, or that of the same content when it is none that is known; None when it cannot be told."""
    stated = str(dictionary.get("SubFilter", ""))
    if stated in _FORMS:
        return stated
    contents = dictionary.get("Contents")
    content_type = find_content_type(contents) if isinstance(contents, String) and not reading.strict else None
    if content_type is None:
        reading.cannot_judge(stated or "no SubFilter")
        return None
    reading.note("cms", f"the SubFilter {stated!r} is not known" if stated else "it has no SubFilter")
    return DOCUMENT_TIMESTAMP_FORM if content_type == cades.TST_INFO else _DETACHED_FORM


def _read_contents(dictionary: Mapping[str, Value], form: str, covered: Covered, place: SignaturePlace) -> CmsSignature:
    contents = _get_contents(dictionary)
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
) -> Covered | None:
    """Return what is covered; None when the range cannot be used."""
    contents = dictionary.get("Contents")
    pieces = read_pieces(dictionary.get("ByteRange"), len(digests.data), strict=place.strict)
    if isinstance(pieces, str) or not isinstance(contents, String):
        reading.add("byte-range", pieces if isinstance(pieces, str) else "/Contents is no string")
        return None
    return Covered(digests, pieces)


def _judge_range(
    dictionary: Mapping[str, Value], covered: Covered, place: SignaturePlace, signature: CmsSignature, reading: Reading
) -> tuple[CmsSignature, list[str]]:
    """Return the signature with what its range says against it, and what is wrong with the range.

    The range must lead around exactly this dictionary's /Contents, its brackets included, and end where the revision
    ends: whatever else it left out, a viewer would still show.
    """
    faults = list(
        list_range_faults(
            covered,
            _get_contents(dictionary),
            inside=(place.start, place.end),
            revision_end=place.revision_end,
            strict=place.strict,
        )
    )
    if faults and not place.strict and covered.find_hidden():
        reading.add("byte-range", "the part that it leaves out holds objects among what was signed")
        return replace(signature, digest_right=False), faults
    for fault in faults:
        reading.note("byte-range", fault)
    return signature, faults


def _get_contents(dictionary: Mapping[str, Value]) -> String:
    """Return /Contents of a dictionary whose range was read, which asks for it."""
    contents = dictionary["Contents"]
    assert isinstance(contents, String)
    return contents


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
