"""PDFs of other programs: every usual structure is read, and no hostile one takes long or much memory."""

from __future__ import annotations

import io
import logging
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, fields

from tests.support.foreign_pdf import OurSigner, build_pdf, name, override, sample_pdf, sign_as_others_do, update
from tests.support.signers import make_signer
from verify.formats.pades import SignedPdf, read_signed_pdf
from verify.formats.pdf_graph import Budget
from verify.formats.pdf_types import SignatureKind
from verify.formats.work import Work

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pyHanko tells the log about every oddity."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("pyhanko").setLevel(logging.NOTSET)


@cache
def signer() -> OurSigner:
    return OurSigner(make_signer("p-256"))


@cache
def signed() -> bytes:
    return sign_as_others_do(sample_pdf(), signer())


def codes(read: SignedPdf) -> set[str]:
    """Return the codes of all that is said of the file."""
    return {one.code for one in (*read.problems, *read.unsupported)}


def pack(pdf: bytes, **options: object) -> bytes:
    """Return the file written anew, with cross-reference and object streams, encrypted when a password is given."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.stream_xrefs = True
    if options:
        writer.encrypt(**options)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


# --- usual structures -------------------------------------------------------------------------------------------


def test_classic_file_is_read() -> None:
    read = read_signed_pdf(signed())
    assert ([one.intact for one in read.signatures], codes(read), read.covered_to_end) == ([True], set(), True)


def test_file_with_packed_objects_is_read() -> None:
    read = read_signed_pdf(sign_as_others_do(pack(sample_pdf()), signer()))
    assert ([one.intact for one in read.signatures], codes(read)) == ([True], set())


def test_encrypted_file_is_computed_and_not_compared() -> None:
    locked = pack(sample_pdf(), owner_pass="owner", user_pass="user")
    writer = IncrementalPdfFileWriter(io.BytesIO(locked))
    writer.encrypt("user")
    pdf = fields_signed(writer)
    read = read_signed_pdf(pdf)
    assert ([one.intact for one in read.signatures], codes(read)) == ([True], {"encrypted"})
    assert [one.intact for one in read_signed_pdf(pdf.replace(b"/Rect", b"/Rekt", 1)).signatures] == [False]


def fields_signed(writer: IncrementalPdfFileWriter) -> bytes:
    metadata = PdfSignatureMetadata(field_name="Sig1", md_algorithm="sha256")
    return bytes(PdfSigner(metadata, signer=signer()).sign_pdf(writer).getvalue())


def test_inherited_field_type_and_value_are_found() -> None:
    """The signature stands in the parent; its kid is only where it shows."""
    pdf = signed()
    number = int(re.search(rb"(\d+) 0 obj\s*<<[^>]*/T \(Sig1\)", pdf)[1])  # type: ignore[index]

    def change(writer: IncrementalPdfFileWriter) -> None:
        entries = {name("/FT"): name("/Sig"), name("/T"): generic.pdf_string("Parent")}
        parent = writer.add_object(generic.DictionaryObject(entries))
        field = writer.get_object(generic.Reference(number, 0, writer))
        del field["/FT"]
        field[name("/Parent")] = parent
        writer.get_object(parent.reference)[name("/Kids")] = generic.ArrayObject(
            [generic.IndirectObject(number, 0, writer)]
        )
        writer.get_object(generic.Reference(6, 0, writer))["/Fields"].append(parent)
        writer.mark_update(generic.Reference(6, 0, writer))
        writer.mark_update(generic.Reference(number, 0, writer))

    read = read_signed_pdf(update(pdf, change))
    assert [one.intact for one in read.signatures] == [True]
    assert "later-field" in codes(read)


def test_signature_that_two_fields_share_is_told_once_and_said() -> None:
    pdf = signed()
    number = int(re.search(rb"/V (\d+) 0 R", pdf)[1])  # type: ignore[index]

    def change(writer: IncrementalPdfFileWriter) -> None:
        entries = {
            name("/FT"): name("/Sig"),
            name("/T"): generic.pdf_string("Second"),
            name("/V"): generic.IndirectObject(number, 0, writer),
        }
        field = writer.add_object(generic.DictionaryObject(entries))
        writer.get_object(generic.Reference(6, 0, writer))["/Fields"].append(field)
        writer.mark_update(generic.Reference(6, 0, writer))

    read = read_signed_pdf(update(pdf, change))
    assert ([one.intact for one in read.signatures], codes(read)) == ([True], {"later-field"})


def test_names_of_fields_are_told_apart_and_shown_plainly() -> None:
    first = sign_as_others_do(sample_pdf(), signer(), field="Sig1")
    pdf = sign_as_others_do(first, signer(), field="Sig2\u202egis")
    number = int(re.findall(rb"/V (\d+) 0 R", pdf)[-1])
    assert [one.slot_id for one in read_signed_pdf(pdf).signatures] == ["Sig1", "Sig2?gis"]
    field = int(re.findall(rb"(\d+) 0 obj\s*<<[^\0]{0,200}/V %d 0 R" % number, pdf)[-1])
    renamed = update(pdf, override(field, {"/T": generic.pdf_string("Sig1")}))
    assert [one.slot_id for one in read_signed_pdf(renamed).signatures] == ["Sig1", "Sig1#2"]


def test_lock_of_an_earlier_signature_holds() -> None:
    lock = fields.FieldMDPSpec(fields.FieldMDPAction.INCLUDE, fields=["Other"])
    spec = fields.SigFieldSpec("Sig1", field_mdp_spec=lock)
    first = sign_as_others_do(sample_pdf(), signer(), new_field=spec)
    assert codes(read_signed_pdf(sign_as_others_do(first, signer(), field="Sig2"))) == set()
    assert "later-locked" in codes(read_signed_pdf(sign_as_others_do(first, signer(), field="Other")))


def test_same_objects_written_again_change_nothing() -> None:
    pdf = update(signed(), override(5, {}))
    assert codes(read_signed_pdf(pdf)) == set()


def test_date_of_the_description_may_change_and_its_title_may_not() -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        info = {name("/Title"): generic.pdf_string("another")}
        writer.set_info(writer.add_object(generic.DictionaryObject(info)))

    assert codes(read_signed_pdf(update(signed(), change))) == {"later-metadata"}


# --- ranges -----------------------------------------------------------------------------------------------------


def test_range_that_leaves_more_out_is_computed_and_never_passes() -> None:
    """Signature wrapping: the signed octets are moved behind an object that the range now leaves out."""
    pdf = signed()
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\s*\]", pdf)
    assert found is not None
    hidden = b"3 0 obj\n<</Type/Page>>\nendobj\n"
    start, end, rest = map(int, found.groups())
    wrapped = pdf[:end] + hidden + pdf[end:]
    stated = b"/ByteRange [0 %d %d %d]" % (start, end + len(hidden), rest)
    wrapped = wrapped.replace(found[0], stated.ljust(len(found[0])))
    read = read_signed_pdf(wrapped)
    assert not any(one.problems == () and one.unsupported == () for one in read.signatures)
    assert codes(read) or not read.signatures[0].intact


@pytest.mark.parametrize("stated", [b"/ByteRange null", b"/ByteRange [0 0 0 0]", b"/ByteRange []", b"/ByteRangf [0"])
def test_forged_dictionary_is_broken(stated: bytes) -> None:
    pdf = signed()
    found = re.search(rb"/ByteRange \[[^\]]*\]", pdf)
    assert found is not None
    keep = b"]" if stated.endswith(b"[0") else b""
    forged = pdf.replace(found[0], stated.ljust(len(found[0]) - len(keep)) + keep)
    read = read_signed_pdf(forged)
    assert [one.intact for one in read.signatures] in ([False], [])
    assert read.problems or read.signatures[0].problems


def test_changed_octet_is_broken_wherever_it_is_covered() -> None:
    read = read_signed_pdf(signed().replace(b"signed by others", b"signed by nobody", 1))
    assert [(one.digest_right, one.value_right) for one in read.signatures] == [(False, True)]


def test_document_timestamp_of_another_file_proves_nothing_and_fails_nothing() -> None:
    pdf = signed()
    token = bytes(9)
    stamp = b"<</Type/DocTimeStamp/SubFilter/ETSI.RFC3161/ByteRange[0 9 19 20]/Contents<%s>>>" % token.hex().encode()
    field = {
        name("/FT"): name("/Sig"),
        name("/T"): generic.pdf_string("Stamp"),
    }

    def change(writer: IncrementalPdfFileWriter) -> None:
        value, _ = _parse(stamp, writer)
        one = generic.DictionaryObject({**field, name("/V"): writer.add_object(value)})
        writer.get_object(generic.Reference(6, 0, writer))["/Fields"].append(writer.add_object(one))
        writer.mark_update(generic.Reference(6, 0, writer))

    read = read_signed_pdf(update(pdf, change))
    stamps = [one for one in read.signatures if one.kind is SignatureKind.DOCUMENT_TIMESTAMP]
    assert len(stamps) == 1
    assert (stamps[0].intact, stamps[0].problems) == (False, ())
    assert stamps[0].unsupported


def _parse(octets: bytes, writer: IncrementalPdfFileWriter) -> tuple[generic.PdfObject, int]:
    stream = io.BytesIO(octets)
    return generic.read_object(stream, generic.Reference(0, 0, writer)), stream.tell()


# --- hostile ----------------------------------------------------------------------------------------------------


def bomb(octets: int, times: int = 1) -> bytes:
    """Return blanks, packed, without ever holding them."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * MIB) for _ in range(octets // MIB)) + packer.flush()
    return packed if times == 1 else zlib.compress(packed, 9)


def packed_file(packet: bytes, entries: Mapping[int, int], *, count: int, first: int, filters: bytes) -> bytes:
    """Return a file whose objects stand in packet 99: (number, place in the packet)."""
    head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    shape = b"<</Type/ObjStm/N %d/First %d/Filter%s/Length %d>>" % (count, first, filters, len(packet))
    body = b"99 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (shape, packet)
    size = max(99, *entries) + 2
    rows = bytearray(7 * size)
    rows[99 * 7 : 100 * 7] = b"\1" + len(head).to_bytes(4) + b"\0\0"
    for number, place in entries.items():
        rows[number * 7 : number * 7 + 7] = b"\2" + (99).to_bytes(4) + place.to_bytes(2)
    at = len(head) + len(body)
    rows[(size - 1) * 7 :] = b"\1" + at.to_bytes(4) + b"\0\0"
    table = zlib.compress(bytes(rows))
    keys = b"/Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d" % (size, len(table))
    tail = b"%d 0 obj\n<<%s>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (size - 1, keys, table, at)
    return head + body + tail


def many_packed() -> bytes:
    count = 20_000
    listed = b"".join(b"%d 0 " % number for number in range(100, 100 + count))
    packet = zlib.compress(listed + b"<</Type/Catalog>>")
    entries = {1: 0} | {100 + place: place for place in range(count)}
    return packed_file(packet, entries, count=count, first=len(listed), filters=b"/FlateDecode")


def table_bomb() -> bytes:
    table = bomb(128 * MIB)
    keys = b"/Type/XRef/Size 30000000/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d" % len(table)
    head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    body = b"5 0 obj\n<<%s>>\nstream\n%s\nendstream\nendobj\n" % (keys, table)
    return head + body + b"startxref\n%d\n%%%%EOF\n" % len(head)


def huge_table() -> bytes:
    head = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    table = b"xref\n0 700000\n" + b"0000000015 00000 n \n" * 700_000
    return head + table + b"trailer\n<</Size 700000/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(head)


def chained_fields(loop: bool) -> bytes:
    form = {1: b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>"}
    chain = {number: b"<</T(a)/Kids[%d 0 R]>>" % (number + 1) for number in range(2, 3000)}
    return build_pdf({**form, **chain, 3000: b"<</T(z)/Kids[%d 0 R]>>" % (2 if loop else 3001), 3001: b"<<>>"})


HOSTILE: dict[str, Callable[[], bytes]] = {
    "packet that unpacks to much": lambda: packed_file(
        bomb(256 * MIB), {1: 0}, count=1, first=9, filters=b"/FlateDecode"
    ),
    "packet packed twice": lambda: packed_file(
        bomb(256 * MIB, 2), {1: 0}, count=1, first=9, filters=b"[/FlateDecode/FlateDecode]"
    ),
    "packet of many objects": many_packed,
    "cross-reference stream that unpacks to much": table_bomb,
    "cross-reference table without end": huge_table,
    "arrays in arrays": lambda: build_pdf({1: b"<</Type/Catalog/X %s%s>>" % (b"[" * 200_000, b"]" * 200_000)}),
    "dictionaries in dictionaries": lambda: build_pdf(
        {1: b"<</Type/Catalog/AcroForm %s1%s>>" % (b"<</A " * 100_000, b">>" * 100_000)}
    ),
    "fields that are their own kids": lambda: chained_fields(loop=True),
    "fields without end": lambda: chained_fields(loop=False),
    "sections that lead to themselves": lambda: (
        b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1/Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF\n"
    ),
    "packet that holds itself": lambda: packed_file(
        zlib.compress(b"99 0 <<>>"), {1: 0, 99: 0}, count=1, first=5, filters=b"/FlateDecode"
    ),
    "one line": lambda: b"%PDF-1.7\n" + b"1 " * 7_000_000,
    "contents without end": lambda: b"%PDF-1.7\n/Contents <" + b"00 " * 3_000_000 + b" /ByteRange [0 1 2 3]" * 60,
    "many ends": lambda: b"%PDF-1.7\n" + b"startxref\n0\n%%EOF\n" * 500,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_refused_within_its_limits(kind: str) -> None:
    pdf = HOSTILE[kind]()
    tracemalloc.start()
    try:
        read = read_signed_pdf(pdf)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not any(one.intact for one in read.signatures)
    assert codes(read)
    assert peak < 200 * MIB


def test_graph_that_takes_long_to_compare_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = update(signed(), override(3, {"/Rotate": generic.NumberObject(90)}))
    monkeypatch.setattr("verify.formats.pdf_foreign.Budget", _poor)
    read = read_signed_pdf(pdf)
    assert ([one.intact for one in read.signatures], codes(read)) == ([True], {"not-compared"})


def _poor(work: Work) -> Budget:
    return Budget(left=12, work=work)
