"""The container reader: what it returns of sound files, and why it refuses others (`tests.vectors.containers`)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.support.zip_writer import DEFLATED, Entry, write_zip
from tests.vectors import containers
from tests.vectors.cases import Case
from tests.vectors.catalogue import build, list_cases
from tests.vectors.foreign import Ref, Wanted, sign
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript
from transcript_core.limits import MAX_CONTAINER_FILES, MAX_SIGNATURES
from verify.formats.asice import read_container
from verify.report import Outcome
from verify.verifier import Verifier

REFUSED = [case for case in list_cases() if case.family == "containers" and "container.files" in case.failing]


def test_files_signatures_and_manifest_are_told_apart() -> None:
    container = read_container(containers.asic_e_of_two_files())
    assert container.data_files == (containers.FIRST, containers.SECOND)
    assert [name for name, _ in container.signature_files] == [containers.SIGNATURES]
    assert container.manifest == (containers.FIRST[0], containers.SECOND[0])
    assert (container.is_simple, container.has_other_signatures, container.other_files) == (False, False, ())


def test_simple_container_holds_one_file() -> None:
    container = read_container(containers.asic_s_of_one_file())
    assert (container.is_simple, container.data_files, container.manifest) == (True, (containers.FIRST,), None)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_files_of_a_common_writer_are_read(method: int) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        archive.writestr("mimetype", containers.EXTENDED)
        archive.writestr("thư mục/", b"")
        archive.writestr("thư mục/điểm.xml", b"8,4")
    assert read_container(written.getvalue()).data_files == (("thư mục/điểm.xml", b"8,4"),)


def test_zip_files_written_to_a_stream_are_read() -> None:
    class Pipe(io.RawIOBase):
        """Cannot go back, so that lengths follow the octets."""

        def __init__(self) -> None:
            self.octets = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.octets += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", containers.EXTENDED)
        archive.writestr("a.xml", b"8,4")
    assert read_container(bytes(pipe.octets)).data_files == (("a.xml", b"8,4"),)


@pytest.mark.parametrize("case", [case for case in REFUSED if "document.structure" in case.failing], ids=str)
def test_refusal_is_one_of_our_errors_and_names_no_file(case: Case) -> None:
    with pytest.raises(InputError) as caught:
        read_container(build(case))
    assert "hoc-ba" not in str(caught.value)


def test_limits_are_their_own_error() -> None:
    many = [Entry("mimetype", containers.EXTENDED.encode()), *(Entry(str(one)) for one in range(MAX_CONTAINER_FILES))]
    with pytest.raises(LimitExceeded):
        read_container(write_zip(many))


def test_descriptor_that_says_something_else_is_refused() -> None:
    entry = Entry("a.xml", b"8,4", method=DEFLATED, flags=0x8, descriptor=b"PK\x07\x08" + bytes(12))
    with pytest.raises(MalformedTranscript):
        read_container(write_zip([Entry("mimetype", containers.EXTENDED.encode()), entry]))


def test_every_cut_of_a_container_is_refused() -> None:
    whole = containers.asic_s_of_one_file()
    for length in [*range(200), *range(200, len(whole), 97), len(whole) - 1]:
        with pytest.raises(InputError):
            read_container(whole[:length])


def forget_utf_8(container: bytes, name: str) -> bytes:
    """Return the container without the flag "names in UTF-8" of the entry of this name, in both of its headers."""
    changed, octets = bytearray(container), name.encode()
    for at in (container.index(octets) - 30 + 7, container.rindex(octets) - 46 + 9):
        assert changed[at] == 0x08
        changed[at] = 0
    return bytes(changed)


def inspect(container: bytes) -> tuple[Outcome, list[bool | None]]:
    report = Verifier().inspect(container)
    return report.outcome, [one.intact for one in report.signatures]


def wrap_files(*refs: Ref) -> bytes:
    return containers.wrap(sign(Wanted(refs)))


def test_name_in_utf_8_that_does_not_say_so_is_read_as_such() -> None:
    file = ("điểm.xml", b"8,4")
    entries = containers.entries(file, manifest=None, signatures=wrap_files(Ref(quote(file[0]), file[1])))
    assert inspect(forget_utf_8(write_zip(entries), file[0])) == (Outcome.INDETERMINATE, [True])


def test_second_name_that_is_the_first_is_none() -> None:
    name = "điểm.xml".encode()
    path = struct.pack("<BI", 1, zlib.crc32(name)) + name
    extra = struct.pack("<2H", 0x7075, len(path)) + path
    entries = containers.entries(("điểm.xml", b"8,4"), manifest=None)
    repeated = [replace(one, extra=extra) if one.name == "điểm.xml" else one for one in entries]
    assert read_container(write_zip(repeated)).data_files == (("điểm.xml", b"8,4"),)


@pytest.mark.parametrize(
    "mimetype", [b"\xef\xbb\xbf" + containers.EXTENDED.encode(), containers.EXTENDED.encode() + b"\r\n"]
)
def test_mimetype_with_what_editors_add_is_read(mimetype: bytes) -> None:
    assert inspect(write_zip(containers.change("mimetype", content=mimetype))) == (Outcome.INDETERMINATE, [True])


def test_signature_may_cover_the_manifest_and_other_signatures() -> None:
    manifest = containers.build_manifest([containers.FIRST[0]])
    first = wrap_files(Ref(*containers.FIRST))
    second = wrap_files(
        Ref(*containers.FIRST), Ref(containers.MANIFEST, manifest), Ref("META-INF/signatures1.xml", first)
    )
    entries = containers.entries(containers.FIRST, manifest=manifest, signatures=second)
    whole = write_zip([*entries, Entry("META-INF/signatures1.xml", first)])
    assert inspect(whole) == (Outcome.INDETERMINATE, [True, True])
    other = write_zip([*entries, Entry("META-INF/signatures1.xml", first + b"\n")])
    assert inspect(other)[0] is Outcome.FAILED


@pytest.mark.parametrize("spelling", ["a b+c%20.txt", "./a b+c%20.txt", "/a%20b%2Bc%2520.txt", "a%20b+c%2520.txt"])
def test_name_in_a_reference_is_percent_encoded_or_plain(spelling: str) -> None:
    file = ("a b+c%20.txt", b"8,4")
    entries = containers.entries(file, manifest=None, signatures=wrap_files(Ref(spelling, file[1])))
    assert inspect(write_zip(entries)) == (Outcome.INDETERMINATE, [True])


def test_manifest_may_leave_its_attributes_without_a_prefix() -> None:
    name = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = f'<manifest xmlns="{name}"><file-entry full-path="{containers.FIRST[0]}"></file-entry></manifest>'
    entries = containers.entries(containers.FIRST, manifest=manifest.encode())
    assert read_container(write_zip(entries)).manifest == (containers.FIRST[0],)


def test_descriptor_that_is_announced_and_not_written_leaves_nothing_unread() -> None:
    entries = [replace(one, flags=0x8) for one in containers.usual()]
    assert inspect(write_zip(entries)) == (Outcome.INDETERMINATE, [True])


def test_more_signature_files_than_are_read_are_named_as_not_checked() -> None:
    signatures = wrap_files(Ref(*containers.FIRST))
    many = [Entry(f"META-INF/signatures{number}.xml", signatures) for number in range(MAX_SIGNATURES)]
    report = Verifier().inspect(write_zip([*containers.entries(containers.FIRST, signatures=signatures), *many]))
    assert len(report.signatures) == MAX_SIGNATURES
    assert "more signatures than are read" in report.get_finding("container.files").text_en
