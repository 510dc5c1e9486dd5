"""The container reader: what it returns of sound files, and why it refuses others (`tests.vectors.containers`)."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.support.zip_writer import DEFLATED, Entry, write_zip
from tests.vectors import containers
from tests.vectors.cases import Case
from tests.vectors.catalogue import build, list_cases
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript
from transcript_core.limits import MAX_CONTAINER_FILES
from verify.formats.asice import read_container

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
