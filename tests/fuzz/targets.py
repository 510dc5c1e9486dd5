"""Every parser that meets bytes of strangers, with seeds made by code.

A target may raise our own typed errors; anything else is a crash.  Verification itself must raise nothing at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import Final

from openpyxl import Workbook

from service.signing.lists import parse_list_file
from service.signing.values import parse_values_file
from signing.keystores.csc.settings import parse_csc_uri
from signing.keystores.pkcs11.uri import parse_pkcs11_uri
from signing.pades.stored import read_stored
from signing.signer import Pending, SigningIdentity
from signing.xades import prepare
from signing.xades.unsigned import read_unsigned
from tests.support.samples import build_issue, build_transcript
from tests.support.signed_pdf import partly_signed_pdf
from tests.support.trust_lists import GRANTED, READ_AT, operator, sample_list, service
from tests.support.trust_lists import sign as sign_list
from tests.vectors.containers import asic_e_of_two_files, asic_e_with_data_descriptors, asic_s_of_one_file
from tests.vectors.detached import (
    countersigned,
    detached_signature,
    detached_signature_of_two_files,
    enveloped_by_filter,
    manifest_of_two_files,
    two_beside,
)
from tests.vectors.existence import late_signature_left_out_by_filter
from tests.vectors.forge import SEAL
from tests.vectors.longterm import archived
from tests.vectors.messages import json_beside_its_xml
from tests.vectors.pdf_strangers import pdf_signed_by_another_program
from tests.vectors.pictures import pictured_xml, signed_pdf
from tests.vectors.school import CHECKED_AT, describe, school, signed
from transcript_core.authority_list import build_authority_payload, parse_authority
from transcript_core.c14n import canonicalize_document
from transcript_core.canonical import C14nMethod, build_id_map, canonicalize, parse_foreign_xml
from transcript_core.errors import TranscriptError
from transcript_core.identifiers import parse_serial
from transcript_core.intake.workbook import parse_sheets
from transcript_core.json import build_json, parse_json
from transcript_core.jws import parse_jws
from transcript_core.model import SchoolLevel
from transcript_core.pdf.objects import parse_value
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.revocation import check_revocation, read_revocation_data
from transcript_core.pki.timestamps import parse_timestamp, verify_timestamp
from transcript_core.pki.trust_list_reader import read_trust_list
from transcript_core.status import build_status_payload, parse_status_payload
from transcript_core.strict_json import parse_strict_json
from transcript_core.xml import get_signature, read_document
from verify.documents import read_asic, read_pdf, read_xml
from verify.formats.cms import read_cms
from verify.formats.jades import read_jws
from verify.report import INTERNAL_ERROR, Report
from verify.trust_lists import open_trust_list
from verify.verifier import Verifier

AT: Final = datetime(2026, 5, 30, tzinfo=UTC)
Seeds = Callable[[], tuple[bytes, ...]]


class Broken(AssertionError):
    """A target answered, but not as it must."""


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    run: Callable[[bytes], object]
    seeds: Seeds


TARGETS: dict[str, Target] = {}


def call(target: Target, data: bytes) -> None:
    """Run a target on some bytes; our own errors are answers.  Raises: whatever else comes out of it."""
    try:
        target.run(data)
    except TranscriptError:
        return


def _target(seeds: Seeds) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    def decorate(run: Callable[[bytes], object]) -> Callable[[bytes], object]:
        TARGETS[run.__name__] = Target(run.__name__, run, seeds)
        return run

    return decorate


def _texts(*texts: str) -> Seeds:
    return lambda: tuple(text.encode() for text in texts)


# Seeds


@cache
def _primary() -> bytes:
    return signed(SchoolLevel.PRIMARY)


@cache
def _xml_seeds() -> tuple[bytes, ...]:
    return (_primary(), enveloped_by_filter(), countersigned(), manifest_of_two_files())


@cache
def _small_xml() -> tuple[bytes, ...]:
    odd = '<?xml version="1.0"?><!-- a --><r xmlns="urn:a" xmlns:b="urn:b" b:c="&lt;" xml:lang="vi">'
    odd += "<b:d/>ế<![CDATA[&]]></r>"
    return (odd.encode(), odd.encode("utf-16"), enveloped_by_filter())


@cache
def _pdf_seeds() -> tuple[bytes, ...]:
    return (partly_signed_pdf(), signed_pdf(), pdf_signed_by_another_program())


@cache
def _operator() -> Certificate:
    return operator()


@cache
def _token() -> bytes:
    return school().stamp(hashlib.sha256(b"x").digest())[0]


@cache
def _evidence_seeds() -> tuple[bytes, ...]:
    evidence = school().collect(school().seal())
    return (*evidence.ocsps, *evidence.crls)


@cache
def _cms_seeds() -> tuple[bytes, ...]:
    holes = re.findall(rb"/Contents ?<([0-9a-fA-F]{1000,})>", signed_pdf())
    return (bytes.fromhex(holes[0].decode()).rstrip(b"\x00"), _token())


@cache
def _workbook() -> tuple[bytes, ...]:
    book, written = Workbook(), BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Mã học sinh", "Họ và tên", "ĐĐGtx"], ["0140716224", "Phan Ngọc Yến", 8.5]):
        sheet.append(row)
    book.save(written)
    return (written.getvalue(),)


@cache
def _pending() -> tuple[bytes, ...]:
    transcript = build_transcript()
    document, slots, policy = describe(transcript, build_issue(transcript))
    identity = SigningIdentity.of(school().signer_of(slots[0]))
    return (prepare(document, slots[0], identity, at=AT, policy=policy).to_json().encode(),)


# XML


@_target(_small_xml)
def xml(data: bytes) -> object:
    """The one XML parser."""
    return build_id_map(parse_foreign_xml(data))


@_target(_small_xml)
def canonical_form(data: bytes) -> object:
    """All canonicalisation methods, of the document and of an element in it."""
    root = parse_foreign_xml(data)
    for method in C14nMethod:
        canonicalize_document(root, method=method)
        canonicalize_document(root, method=method, without=list(root)[:1])
        canonicalize(root, method=method)
        if len(root) and isinstance(root[0].tag, str):
            canonicalize(root[0], method=method, inclusive_prefixes=("b", "#default"))
    return root


@_target(lambda: (_primary(),))
def transcript_xml(data: bytes) -> object:
    """The reader of transcripts and recalls."""
    return read_document(data)


@_target(_xml_seeds)
def xades(data: bytes) -> object:
    """The reader of XML signatures."""
    return read_xml(data)


@_target(lambda: (archived(),))
def unsigned_properties(data: bytes) -> object:
    """The writer's own reader of unsigned properties."""
    signature = get_signature(data, SEAL)
    return signature and read_unsigned(signature)


@_target(lambda: (sign_list(sample_list()), sign_list(sample_list([service("national-ca", (AT, GRANTED))]))))
def trust_list(data: bytes) -> object:
    """Trust lists of ETSI TS 119 612: what they say, and who signed them."""
    read_trust_list(parse_foreign_xml(data))
    return open_trust_list(data, [_operator()], at=READ_AT)


# Whole files


def _check(report: Report) -> Report:
    if any(finding.check == INTERNAL_ERROR for finding in report.findings):
        raise Broken("verification broke down")
    return report


@_target(
    lambda: (
        *_xml_seeds(),
        *_pdf_seeds(),
        pdf_signed_by_another_program(),
        json_beside_its_xml(),
        asic_e_of_two_files(),
        asic_s_of_one_file(),
        late_signature_left_out_by_filter(),
    )
)
def inspection(data: bytes) -> object:
    """Everything that a stranger may send to be inspected."""
    return _check(Verifier().inspect(data, at=CHECKED_AT))


@_target(lambda: (detached_signature(), manifest_of_two_files(), detached_signature_of_two_files()))
def inspection_with_files_beside(data: bytes) -> object:
    """Detached signatures, with the files that they may mean."""
    return _check(Verifier().inspect(data, at=CHECKED_AT, detached=two_beside()))


@_target(_pdf_seeds)
def pdf_beside_its_xml(data: bytes) -> object:
    """PDFs that come with the XML which they must show."""
    return _check(school().verifier().verify(data, at=CHECKED_AT, xml=pictured_xml()))


@_target(lambda: (pictured_xml(), archived()))
def xml_beside_a_pdf(data: bytes) -> object:
    """XML that comes with a sound PDF and JSON."""
    report = school().verifier().verify(signed_pdf(), at=CHECKED_AT, xml=data, json=json_beside_its_xml())
    return _check(report)


@_target(lambda: (_primary(), json_beside_its_xml(), signed_pdf(), archived()))
def verification(data: bytes) -> object:
    """Everything that a stranger may send as a transcript, with trust, authority and status at hand."""
    return _check(school().verifier().verify(data, at=CHECKED_AT))


@_target(lambda: (asic_e_of_two_files(), asic_e_with_data_descriptors(), asic_s_of_one_file()))
def asic(data: bytes) -> object:
    """ASiC containers."""
    return read_asic(data)


# PDF


@_target(_pdf_seeds)
def pdf(data: bytes) -> object:
    """PDF files with signatures."""
    return read_pdf(data)


@_target(lambda: (b"<</A[1 2 R(a\\)b)<00ff>/N#20]/B true/C -1.5>>", b"[[[[]]]]"))
def pdf_value(data: bytes) -> object:
    """Values of PDF syntax."""
    return parse_value(data)


@_target(lambda: (partly_signed_pdf(),))
def stored_pdf(data: bytes) -> object:
    """The writer's own reader of PDF files."""
    return read_stored(data)


@dataclass(frozen=True)
class _Covered:
    """What a CMS signature is said to be over."""

    content: bytes = b"x"

    def digest(self, name: str) -> bytes:
        """Return its digest."""
        return hashlib.new(name, self.content).digest()

    def octets(self) -> bytes:
        """Return it."""
        return self.content


@_target(_cms_seeds)
def cms(data: bytes) -> object:
    """CMS signatures, as transcripts have them and as others do."""
    read_cms(data, _Covered(), needs_ess=True, strict=True, sha1_inside=False)
    return read_cms(data, _Covered(), needs_ess=False, strict=False, sha1_inside=True)


# PKI


@_target(lambda: (_token(),))
def timestamp(data: bytes) -> object:
    """Time-stamp tokens."""
    token = parse_timestamp(data)
    return verify_timestamp(token, token.imprint, trust=school().trust)


@_target(_evidence_seeds)
def revocation(data: bytes) -> object:
    """OCSP answers and CRLs."""
    found = read_revocation_data([data], [data])
    leaf = school().seal().certificate
    issuer = next(one for one in school().trust.intermediates if one.subject == leaf.issuer)
    return check_revocation(leaf, issuer, found, at=AT)


@_target(lambda: (school().seal().certificate.der,))
def certificate(data: bytes) -> object:
    """Certificates, with all that is read out of them later."""
    loaded = load_certificate(data)
    return (loaded.identity, loaded.common_name, loaded.may_sign, loaded.crl_urls, loaded.ocsp_urls, loaded.asn1)


# JSON


@_target(lambda: (build_json(build_transcript()),))
def transcript_json(data: bytes) -> object:
    """JSON, and the transcript in it."""
    parse_strict_json(data)
    return parse_json(data)


@_target(lambda: (json_beside_its_xml(),))
def jws(data: bytes) -> object:
    """JWS."""
    read_jws(data)
    return parse_jws(data)


@_target(lambda: (build_status_payload(school().status_of_all(signed()).known),))
def status_file(data: bytes) -> object:
    """Status files."""
    return parse_status_payload(data)


@_target(lambda: (build_authority_payload(school().authority()),))
def authority_list(data: bytes) -> object:
    """Authority lists."""
    return parse_authority(data)


# What comes from the own house, over a wire or from a disk


@_target(_pending)
def pending_signature(data: bytes) -> object:
    """Pending signatures."""
    return Pending.from_json(data.decode("utf-8", "replace"))


@_target(_texts('{"format":"hocba-list/1"}\n{"number":1}\n', "\n\n", "{}"))
def signing_list(data: bytes) -> object:
    """Lists of digests for a machine with a key."""
    return parse_list_file(data)


@_target(_texts('{"format":"hocba-values/1"}\n{"number":1,"value":"AAAA"}\n', json.dumps({"a": [1]})))
def values_file(data: bytes) -> object:
    """Files of values that came back."""
    return parse_values_file(data)


@_target(_workbook)
def workbook(data: bytes) -> object:
    """Spreadsheets."""
    return parse_sheets(data, "a.xlsx")


@_target(
    _texts("pkcs11:token=a%20b;object=%00?pin-source=env:X&module-name=y", "pkcs11:", "csc:https://h/x?credential=a")
)
def key_uri(data: bytes) -> object:
    """Addresses of keys."""
    text = data.decode("utf-8", "replace")
    return (parse_csc_uri if text.startswith("csc") else parse_pkcs11_uri)(text)


@_target(_texts("01J9ZK3T5V7X9ABCDEFGHJKMNP", "01j9zk3t5v7x9abcdefghjkmno", ""))
def serial_in_an_address(data: bytes) -> object:
    """What stands in the address of a QR code."""
    return parse_serial(data.decode("utf-8", "replace"))
