"""Documents of the usual form are read sooner and never otherwise: the reports are the same, or they are not usual."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from lxml.etree import _Element

from tests.support.edits import OCTETS, TREE
from tests.vectors import forge
from tests.vectors.catalogue import ask_in_detail, build, list_cases
from tests.vectors.school import CHECKED_AT, school, signed, signed_recall
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.limits import MAX_XML_ELEMENTS, MAX_XML_NAMESPACES
from transcript_core.model import SchoolLevel
from verify import documents
from verify.detail import DetailedReport
from verify.documents import read_xml
from verify.formats import xades, xades_usual
from verify.formats.names import ds
from verify.formats.transforms import NO_FILES
from verify.formats.work import Work
from verify.report import Outcome
from verify.reports.etsi import build_validation_report
from verify.usual_documents import read_usual_document

CASES: Final = list_cases()
EDITS: Final = 40


def is_usual(octets: bytes) -> bool:
    return read_usual_document(octets, Work()) is not None


def take_no_short_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "read_usual_document", lambda *_: None)
    monkeypatch.setattr(xades, "read_usual_signatures", lambda _: {})


def show(report: DetailedReport) -> tuple[str, bytes]:
    """Return all that is told of a file, for programs and as a validation report."""
    return report.report.to_json(), build_validation_report(report)


@pytest.mark.parametrize("family", sorted({case.family for case in CASES}))
def test_reports_are_the_same_read_either_way(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [case for case in CASES if case.family == family and is_usual(build(case))]
    sooner = {case: show(ask_in_detail(case)) for case in usual}
    take_no_short_cut(monkeypatch)
    for case in usual:
        assert show(ask_in_detail(case)) == sooner[case], case.name


def test_many_vectors_are_usual_and_more_are_not() -> None:
    usual = [
        case for case in CASES if case.family in {"sound", "statuses", "people", "wrapping"} and is_usual(build(case))
    ]
    assert {case.family for case in usual} == {"sound", "statuses", "people"}
    assert "recall" in {case.name for case in usual}


@pytest.mark.parametrize("document", [signed, signed_recall], ids=["transcript", "recall"])
def test_what_is_read_is_what_the_thorough_reading_reads(document: Callable[[], bytes]) -> None:
    octets = document()
    sooner, thorough = read_xml(octets), documents.read_thoroughly(octets, NO_FILES, Work())
    assert all(one.usual_octets is not None for one in sooner.signatures)
    assert sooner.digest == thorough.digest
    assert (sooner.transcript, sooner.issue, sooner.recall) == (thorough.transcript, thorough.issue, thorough.recall)
    assert sooner.content is not None
    assert thorough.content is not None
    assert list(sooner.content.signed) == list(thorough.content.signed)
    assert sooner.cache is not None
    assert thorough.cache is not None
    for identifier, element in sooner.cache.ids.items():
        assert sooner.cache.get_octets(element) == thorough.cache.get_octets(thorough.cache.ids[identifier]), identifier


def test_no_slot_and_no_part_of_a_signature_can_be_named() -> None:
    read = read_usual_document(signed(), Work())
    assert read is not None
    assert not read.cache.ids.keys() & {slot.slot_id for slot in read.content.slots}
    assert not [name for name in read.cache.ids if name.startswith(("val-", "props-", "ref-"))]


def test_a_slot_signed_as_if_it_were_empty_is_seen_through() -> None:
    """In the tree of a usual document slots hold places, so a digest of one must never be taken from there."""

    def sign_empty_slot(root: _Element) -> None:
        one = forge.reference(root, forge.MATHS, "#diem-TOAN")
        one.set("URI", f"#{forge.HOMEROOM}")
        empty = f'<GVCN Id="{forge.HOMEROOM}"></GVCN>'.encode()
        place = parse_xml(canonicalize(forge.by_id(root, forge.HOMEROOM)))
        for kept in place.iter(ds("SignedInfo"), ds("KeyInfo")):
            kept.getparent().remove(kept)  # type: ignore[union-attr]
        for octets in (empty, canonicalize(place)):
            one.find(ds("DigestValue")).text = base64.b64encode(hashlib.sha256(octets).digest()).decode()  # type: ignore[union-attr]
            info = forge.only(root, forge.MATHS, ds("SignedInfo"))
            signer = school().signer_of(forge.list_slots()[forge.MATHS])
            (value,) = signer.sign_digests([hashlib.sha256(canonicalize(info)).digest()])
            forge.only(root, forge.MATHS, ds("SignatureValue")).text = base64.b64encode(value).decode()
            forge.reseal(root)
            assert not is_usual(canonicalize(root))

    forge.edit(signed(), sign_empty_slot)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<HOC_BA>", b"\xef\xbb\xbf<HOC_BA>"),
        (b"<HOC_BA>", b'<?xml version="1.0"?><HOC_BA>'),
        (b"<HOC_BA>", b"<!-- --><HOC_BA>"),
        (b"<HOC_BA>", b"<HOC_BA >"),
        (b"<HOC_BA>", b'<HOC_BA xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'),
        (b"</HOC_BA>", b"</HOC_BA>\n"),
        (b"</HOC_BA>", b"</HOC_BA><!-- -->"),
        (b'Id="data"', b"Id='data'"),
        (b"</ds:SignatureValue>", b"\n</ds:SignatureValue>"),
        (b"</ds:SignatureValue>", b"\r</ds:SignatureValue>"),
        (b"</ds:SignatureValue>", b"&#32;</ds:SignatureValue>"),
        (b"</xades:IssuerSerialV2>", b"&gt;</xades:IssuerSerialV2>"),
        (b"</xades:IssuerSerialV2>", b"\xff</xades:IssuerSerialV2>"),
        (b"</xades:ClaimedRole>", b"></xades:ClaimedRole>"),
        (b"</xades:ClaimedRole>", b"\xef\xbf\xbe</xades:ClaimedRole>"),
        (b"</ds:Transform>", b"<!-- --></ds:Transform>"),
        (b"<ds:KeyInfo>", b"<ds:KeyInfo >"),
        (b"<ds:KeyInfo>", b" <ds:KeyInfo>"),
        (b"</ds:Signature></GVCN>", b"</ds:Signature> </GVCN>"),
        (b'<GVCN Id="gvcn"><ds', b'<GVCN Id="gvcn"> <ds'),
        (b'<GVCN Id="gvcn"><ds', b'<GVCN Id="gvcn" ><ds'),
        (b'Id="sig-gvcn"', b'Id="sig-cbql"'),
        (b'Id="val-gvcn"', b'Id="val-cbql"'),
        (b'Id="ref-gvcn-1"', b'Id="ref-cbql-1"'),
        (b'Id="ref-gvcn-1"', b'Id="data"'),
    ],
    ids=str,
)
def test_what_is_not_written_in_the_one_way_is_not_usual(old: bytes, new: bytes) -> None:
    octets = signed()
    assert is_usual(octets)
    assert old in octets
    assert not is_usual(octets.replace(old, new, 1))


def _fill_with_elements(octets: bytes) -> bytes:
    """Unsigned properties may grow, so anybody can put them in."""
    at, room = octets.rindex(b"</xades:OCSPValues>"), MAX_XML_ELEMENTS + 1 - octets.count(b"<") + octets.count(b"</")
    return octets[:at] + b"<xades:EncapsulatedOCSPValue>AA==</xades:EncapsulatedOCSPValue>" * room + octets[at:]


def _name_namespaces(octets: bytes) -> bytes:
    """By the count of declarations, which an honest document never comes near, this one has too many."""

    def change(root: _Element) -> None:
        role = next(forge.signature(root, forge.SEAL).iter(f"{forge.XADES}ClaimedRole"))
        role.text = "xmlns" * (MAX_XML_NAMESPACES + 1)

    return forge.edit(octets, change, forge.resign(forge.SEAL))


def _empty_properties(octets: bytes) -> bytes:
    """What the seal carries unsigned is taken out, and its container left."""
    start = octets.rindex(b"<xades:UnsignedSignatureProperties>") + len(b"<xades:UnsignedSignatureProperties>")
    return octets[:start] + octets[octets.rindex(b"</xades:UnsignedSignatureProperties>") :]


def _commit_to(text: str) -> Callable[[bytes], bytes]:
    def change(root: _Element) -> None:
        committed = next(forge.signature(root, forge.SEAL).iter(f"{forge.XADES}CommitmentTypeId"))
        committed[0].text = text

    return lambda octets: forge.edit(octets, change, forge.resign(forge.SEAL))


@pytest.mark.parametrize(
    "change",
    [_fill_with_elements, _name_namespaces, _empty_properties, *map(_commit_to, ("%zz", "http://[", "::", "a:b#c#d"))],
)
def test_limits_and_schema_are_those_of_the_whole_file(
    change: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    octets, verifier = change(signed()), school().verifier()
    assert not is_usual(octets)
    assert verifier.verify(octets, at=CHECKED_AT).outcome is Outcome.FAILED
    sooner = show(verifier.verify_in_detail(octets, at=CHECKED_AT))
    take_no_short_cut(monkeypatch)
    assert show(verifier.verify_in_detail(octets, at=CHECKED_AT)) == sooner


def test_long_lists_of_certificates_are_not_remembered() -> None:
    """They stand where anybody can put them, and a process lives long."""
    certificate = base64.b64encode(school().signer_of(forge.list_slots()[forge.MATHS]).certificate.der)
    listed = b"<ds:X509Certificate>%b</ds:X509Certificate>" % certificate
    xades_usual._load_remembered.cache_clear()
    assert len(xades_usual._load_certificates(listed)) == 1
    assert len(xades_usual._load_certificates(listed * 20)) == 20
    assert xades_usual._load_remembered.cache_info().currsize == 1


@pytest.mark.parametrize("name", [*OCTETS, *TREE])
def test_reports_on_edited_documents_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    octets, dice, verifier = signed(SchoolLevel.PRIMARY), Random(name), school().verifier()
    edited = [({**OCTETS, **TREE}[name])(octets, dice) for _ in range(EDITS)]
    usual = [one for one in edited if is_usual(one)]
    sooner = [show(verifier.verify_in_detail(one, at=CHECKED_AT)) for one in usual]
    take_no_short_cut(monkeypatch)
    assert [show(verifier.verify_in_detail(one, at=CHECKED_AT)) for one in usual] == sooner
