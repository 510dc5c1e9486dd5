"""Reads PDFs that other programs wrote: their signatures by the same mathematics, their revisions by a general rule.

pyHanko's reader finds the objects; it follows offsets backward as a viewer does.  Coverage, CMS and values are then
checked by our own code, and what was added after the first signature by `pdf_difference`.  A file that the reader
cannot follow is searched for signatures (`pdf_scan`): their mathematics is told, and that nobody can know what the file
shows.  Nothing found here fails a file that its signatures do not fail; nothing with a finding passes.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    DocumentDecodeBudget,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.reader import PdfFileReader

from transcript_core.errors import LimitExceeded
from transcript_core.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CRL_BYTES,
    MAX_FOREIGN_PDF_LOOKUPS,
    MAX_FOREIGN_PDF_REVISIONS,
    MAX_LABEL_CHARS,
    MAX_OCSP_BYTES,
    MAX_PDF_OBJECTS,
    MAX_PDF_STREAM_BYTES,
    MAX_SIGNATURES,
    MAX_XML_BYTES,
)
from transcript_core.pdf import Name, String, Value
from verify.formats.pdf_additions import read_foreign_store
from verify.formats.pdf_contents import SecurityStore
from verify.formats.pdf_difference import judge_revisions
from verify.formats.pdf_fields import FormField, list_fields
from verify.formats.pdf_graph import Budget, State, list_generations, open_state, raw_entries
from verify.formats.pdf_places import judge_places
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_ranges import RangeDigests
from verify.formats.pdf_scan import scan_signatures
from verify.formats.pdf_signature import SignaturePlace, read_signature
from verify.formats.pdf_types import PdfSignature, SignedPdf
from verify.formats.work import Work

_SECTION_MARKS: Final = (b"startxref", b"trailer")
_OBJECT_MARK: Final = b" obj"
_ENTRY_ENDS: Final = (b" n \n", b" n \r", b" n\r\n", b" f \n", b" f \r", b" f\r\n")
_MAX_ENTRIES: Final = 4 * MAX_PDF_OBJECTS
"""Entries of all cross-reference tables together: updates list objects again."""

_START_MARK: Final = b"startxref"
_END_OCTETS: Final = 2048
"""Viewers look for the last startxref in the last 1,024 octets."""

_MAX_TABLE_BYTES: Final = 4 * 1024 * 1024
"""Unpacked octets of one cross-reference stream: some hundred thousand entries."""

_MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
"""Unpacked octets of all streams that are looked into together."""

_DECODE_LIMITS: Final = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=MAX_PDF_STREAM_BYTES),
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.OBJECT_STREAM: StreamDecodeLimits(max_ratio=100, max_output_size=MAX_PDF_STREAM_BYTES),
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_output_size=_MAX_TABLE_BYTES),
        DecodePurpose.CERTIFICATE: StreamDecodeLimits(max_output_size=MAX_CERTIFICATE_BYTES),
        DecodePurpose.OCSP_RESPONSE: StreamDecodeLimits(max_output_size=MAX_OCSP_BYTES),
        DecodePurpose.CRL: StreamDecodeLimits(max_output_size=MAX_CRL_BYTES),
        DecodePurpose.XMP_METADATA: StreamDecodeLimits(max_output_size=MAX_XML_BYTES),
    },
    document_budget=DocumentDecodeBudget(base_allowance=_MAX_UNPACKED_BYTES, max_ratio=1),
)
_TEXT_KEYS: Final = ("M", "Name", "Location", "Reason")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    signatures: tuple[PdfSignature, ...] = ()
    empty_fields: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    unsupported: list[Problem] = field(default_factory=list)
    revisions: int = 0
    store: SecurityStore = field(default_factory=SecurityStore)


def read_foreign_pdf(data: bytes, work: Work, *, reason: str) -> SignedPdf:
    """Return what can be said of a file that is not of our own form.  Never raises.

    Args:
        data: the file.
        work: what the verification may still compute.
        reason: why it is not, in English; repeated when nothing else can be said.
    """
    if _is_too_large(data):
        detail = f"more than {MAX_FOREIGN_PDF_REVISIONS} appended sections or {MAX_PDF_OBJECTS} objects"
        return _answer(data, _Found(problems=[build_problem("too-large", detail=detail)]))
    found = _read_followed(data, work)
    if found is None:
        found = _read_scanned(data, work)
    if not found.signatures:
        code = "no-signature" if found.revisions else "unreadable"
        found.problems.append(build_problem(code, detail=reason))
    return _answer(data, found)


def _is_too_large(data: bytes) -> bool:
    """Say whether a general reader would take too long over this file, by counting what it would read."""
    return (
        max(map(data.count, _SECTION_MARKS)) > MAX_FOREIGN_PDF_REVISIONS
        or data.count(_OBJECT_MARK) > MAX_PDF_OBJECTS
        or sum(map(data.count, _ENTRY_ENDS)) > _MAX_ENTRIES
    )


def _read_followed(data: bytes, work: Work) -> _Found | None:
    """Return what a reader finds that follows the offsets; None when it cannot."""
    if _START_MARK not in data[-_END_OCTETS:]:  # a general reader would go on looking for it, octet by octet
        return None
    for strict in (True, False):
        found = _Found()
        try:
            _read(data, found, work, strict=strict)
        except LimitExceeded as error:
            found.unsupported.append(build_problem("not-compared", detail=str(error)))
        except Exception as error:  # noqa: BLE001  (a stranger's file can break a general parser in any way it likes)
            _log.info("foreign PDF cannot be followed: %s", type(error).__name__)
            if not found.signatures:
                continue
            found.unsupported.append(build_problem("not-compared", detail=type(error).__name__))
        if found.signatures or found.revisions:
            return found
    return None


def _read(data: bytes, found: _Found, work: Work, *, strict: bool) -> None:
    reader = PdfFileReader(io.BytesIO(data), strict=strict, decode_limits=_DECODE_LIMITS)
    if reader.encrypted:
        found.unsupported.append(build_problem("encrypted"))
        found.signatures = tuple(scan_signatures(data, work))
        found.revisions = int(reader.xrefs.total_revisions)
        return
    _check_costs(reader)
    budget = Budget(work=work)
    state = open_state(reader, int(reader.xrefs.total_revisions) - 1, budget, list_generations(reader))
    fields = list_fields(state)
    signed = [one for one in fields.values() if one.is_signature and one.is_signed][:MAX_SIGNATURES]
    found.empty_fields = tuple(one.name for one in fields.values() if one.is_signature and not one.is_signed)
    found.signatures = tuple(_read_signatures(RangeDigests(data, work), reader, state, signed))
    found.revisions = int(reader.xrefs.total_revisions)
    found.store = read_foreign_store(state)
    if not strict:
        found.unsupported.append(build_problem("repaired"))
    if found.signatures:
        sealed = {max(one.covers_revision - 1, 0) for one in found.signatures}
        found.unsupported += judge_places(data, reader, found.signatures)
        found.unsupported += judge_revisions(reader, sealed, budget)


def _check_costs(reader: PdfFileReader) -> None:
    """Refuse packed objects whose finding would take too long: each is found by reading its packet's list.

    Raises:
        LimitExceeded: it would.
    """
    packed: dict[int, int] = {}
    for number in range(int(reader.xrefs.total_revisions)):
        for reference in reader.xrefs.explicit_refs_in_revision(number):
            place = reader.xrefs.get_historical_ref(reference, number)
            packet = getattr(place, "obj_stream_id", None)
            if packet is not None:
                packed[packet] = packed.get(packet, 0) + 1
    lookups = 0
    for packet, count in packed.items():
        held = raw_entries(generic.Reference(packet, 0, reader).get_object()).get("/N")
        lookups += count * (int(held) if isinstance(held, generic.NumberObject) else 0)
    if lookups > MAX_FOREIGN_PDF_LOOKUPS:
        raise LimitExceeded(f"finding its packed objects takes more than {MAX_FOREIGN_PDF_LOOKUPS} steps")


def _read_signatures(
    digests: RangeDigests, reader: PdfFileReader, state: State, fields: Sequence[FormField]
) -> Iterator[PdfSignature]:
    """Return the signatures in the order in which they were made; one that several fields share, once."""
    length = len(digests.data)
    shared = {one.value: one for one in reversed(fields) if one.value is not None}
    distinct = [one for one in fields if one.value is None or shared[one.value] is one]
    numbered = sorted(((_find_revision(reader, state, one), one) for one in distinct), key=lambda pair: pair[0])
    labels: set[str] = set()
    for revision, one in numbered:
        label = _label(one.name, labels)
        labels.add(label)
        place = SignaturePlace(
            field_name=label,
            start=-1,
            end=length + 1,
            revision=revision + 1,
            revision_end=None,
            file_end=length,
            strict=False,
        )
        yield read_signature(_convert(state, state.find_dictionary(one.raw_value)), place, digests)


def _label(name: str, taken: set[str]) -> str:
    """Return a field's name as a report may show it; each signature's is its own."""
    shown = "".join(one if one.isprintable() else "?" for one in name[:MAX_LABEL_CHARS])
    return shown if shown and shown not in taken else f"{shown}#{len(taken) + 1}"


def _find_revision(reader: PdfFileReader, state: State, one: FormField) -> int:
    """Return the number of the revision that wrote a signature; 0 is the first."""
    reference = state.find_reference(one.number if one.value is None else one.value)
    if reference is None:  # it stands in the form itself, whose revisions do not tell when it was written
        return 0
    if one.value is None:
        return int(reader.xrefs.get_last_change(reference))
    return int(reader.xrefs.get_introducing_revision(reference))


def _convert(state: State, dictionary: Any) -> dict[str, Value]:
    """Return the entries of a signature dictionary that are read, in our own types."""
    found: dict[str, Value] = {}
    contents = _to_string(state.resolve(dictionary.get("/Contents")))
    if contents is not None:
        found["Contents"] = contents
    ranges = state.resolve(dictionary.get("/ByteRange"))
    if isinstance(ranges, generic.ArrayObject):
        numbers = [state.resolve(one) for one in ranges]
        found["ByteRange"] = [int(one) if isinstance(one, generic.NumberObject) else None for one in numbers]
    form = state.resolve(dictionary.get("/SubFilter"))
    if isinstance(form, generic.NameObject):
        found["SubFilter"] = Name(form.removeprefix("/"))
    certificates = state.resolve(dictionary.get("/Cert"))
    listed = list(certificates) if isinstance(certificates, generic.ArrayObject) else [certificates]
    found["Cert"] = [_to_string(state.resolve(one)) for one in listed]
    for key in _TEXT_KEYS:
        text = _to_string(state.resolve(dictionary.get(f"/{key}")))
        if text is not None:
            found[key] = text
    return found


def _to_string(value: Any) -> String | None:
    kinds = generic.TextStringObject | generic.ByteStringObject
    return String(value.original_bytes) if isinstance(value, kinds) else None


def _read_scanned(data: bytes, work: Work) -> _Found:
    """Return the signatures of a file that nobody can follow, if any of them is right; else it is only unreadable."""
    signatures = tuple(scan_signatures(data, work))
    found = signatures if any(one.intact for one in signatures) else ()
    return _Found(signatures=found, unsupported=[build_problem("repaired")])


def _answer(data: bytes, found: _Found) -> SignedPdf:
    left_out = (build_problem("not-covered", field=one.slot_id) for one in found.signatures if one.leaves_out)
    unsupported = tuple(dict.fromkeys((*found.unsupported, *left_out)))
    return SignedPdf(
        sha256=hashlib.sha256(data).digest(),
        revisions=found.revisions,
        signatures=found.signatures,
        empty_fields=found.empty_fields,
        problems=tuple(found.problems),
        unsupported=unsupported,
        covered_to_end=bool(found.signatures) and not unsupported,
        attachment=None,
        first_revision_sha256=None,
        dss_certificates=found.store.certificates,
        dss_ocsps=found.store.ocsps,
        dss_crls=found.store.crls,
        archived_ocsps=(),
        archived_crls=(),
    )
