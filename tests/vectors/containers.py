"""ASiC containers: sound ones with XAdES, and the ways to bring along files that nobody signed.  ETSI EN 319 162-1."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final
from urllib.parse import quote

from tests.support.zip_writer import DEFLATED, Entry, write_zip
from tests.vectors.cases import Question, cannot_tell, fails, sound
from tests.vectors.foreign import Ref, Wanted, sign
from transcript_core.limits import MAX_CONTAINER_FILES, MAX_CONTAINER_UNPACKED_BYTES

EXTENDED: Final = "application/vnd.etsi.asic-e+zip"
SIMPLE: Final = "application/vnd.etsi.asic-s+zip"
SIGNATURES: Final = "META-INF/signatures.xml"
MANIFEST: Final = "META-INF/manifest.xml"
FIRST: Final = ("hoc-ba-1.xml", b"<diem>8,4</diem>")
SECOND: Final = ("hoc-ba-2.xml", b"<diem>6,5</diem>")
FORGED: Final = b"<diem>9,9</diem>"
UNREADABLE: Final = ("document.structure", "signature.form", "container.files")
"""What a container answers that is not taken apart at all."""

asked: Final = Question.SIGNATURES


@cache
def build_signatures(files: Sequence[tuple[str, bytes]], signature_id: str = "s1") -> str:
    """Return a ds:Signature over these files, by name."""
    refs = tuple(Ref(quote(name), content) for name, content in files)
    return sign(Wanted(refs, signature_id=signature_id))


def wrap(*signatures: str) -> bytes:
    """Return a signature file."""
    opened = '<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">'
    return f"{opened}{''.join(signatures)}</asic:XAdESSignatures>".encode()


def build_manifest(names: Sequence[str], kind: str = EXTENDED) -> bytes:
    """Return an OpenDocument manifest."""
    entries = "".join(
        f'<m:file-entry m:full-path="{name}" m:media-type="text/xml"></m:file-entry>' for name in ("/", *names)
    )
    opened = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" m:version="1.2">'
    return f"{opened}{entries.replace('text/xml', kind, 1)}</m:manifest>".encode()


def entries(
    *files: tuple[str, bytes], signatures: bytes | None = None, kind: str = EXTENDED, manifest: bytes | None = b""
) -> list[Entry]:
    """Return the entries of a sound container of these files; a manifest of them unless another or none is given."""
    found = [Entry("mimetype", kind.encode())]
    found += [Entry(name, content, method=DEFLATED) for name, content in files]
    listed = build_manifest([name for name, _ in files], kind) if manifest == b"" else manifest
    found += [] if listed is None else [Entry(MANIFEST, listed)]
    return [*found, Entry(SIGNATURES, signatures or wrap(build_signatures(files)))]


def usual() -> list[Entry]:
    """Return the entries of a sound ASiC-E with two files."""
    return entries(FIRST, SECOND)


def change(name: str, **changes: object) -> list[Entry]:
    """Return the usual entries, one of them changed."""
    return [replace(one, **changes) if one.name == name else one for one in usual()]  # type: ignore[arg-type]


@sound("EN 319 162-1, 4.4: ASiC-E with XAdES", question=asked)
def asic_e_of_two_files() -> bytes:
    return write_zip(usual())


@sound("EN 319 162-1, 4.3: ASiC-S with XAdES", question=asked)
def asic_s_of_one_file() -> bytes:
    return write_zip(entries(FIRST, kind=SIMPLE, manifest=None))


@sound("EN 319 162-1, 4.4: several signatures, each over all files", question=asked)
def asic_e_with_two_signatures() -> bytes:
    both = wrap(build_signatures((FIRST, SECOND)), build_signatures((FIRST, SECOND), "s2"))
    return write_zip(entries(FIRST, SECOND, signatures=both))


@sound("EN 319 162-1, 4.4: signatures in files of their own, one Id each", question=asked)
def asic_e_with_two_signature_files_of_equal_ids() -> bytes:
    other = Entry("META-INF/signatures1.xml", wrap(build_signatures((FIRST, SECOND))))
    return write_zip([*usual(), other])


@sound("RFC 3986, 2.1: names in references are percent-encoded", question=asked)
def asic_e_of_a_vietnamese_name() -> bytes:
    return write_zip(entries(("học bạ 7A1.xml", b"<diem>8,4</diem>"), manifest=None))


@sound("APPNOTE 4.3.9: data descriptors", question=asked)
def asic_e_with_data_descriptors() -> bytes:
    def describe(entry: Entry) -> Entry:
        probe = write_zip([entry])
        fields = probe[14:26]  # CRC, packed and unpacked size of the local header
        return replace(entry, flags=0x8, descriptor=b"PK\x07\x08" + fields)

    return write_zip([usual()[0], *map(describe, usual()[1:])])


@fails("EN 319 162-1, 4.4: a changed file", "signature.references", question=asked)
def file_of_a_container_changed() -> bytes:
    return write_zip(change(FIRST[0], content=FORGED))


@fails("EN 319 162-1, 4.4: one of two signatures is broken", "signature.references", question=asked)
def one_of_two_container_signatures_broken() -> bytes:
    broken = build_signatures(((FIRST[0], FORGED), SECOND), "s2")
    return write_zip(entries(FIRST, SECOND, signatures=wrap(build_signatures((FIRST, SECOND)), broken)))


@fails("EN 319 162-1, 4.4: a signed file is gone", "signature.form", "signature.references", question=asked)
def signed_file_removed_from_the_container() -> bytes:
    signatures = wrap(build_signatures((FIRST, SECOND)))
    return write_zip(entries(FIRST, signatures=signatures, manifest=None))


@cannot_tell("EN 319 162-1, 4.4: a file that no signature covers", "container.files", question=asked)
def file_that_no_signature_covers() -> bytes:
    return write_zip([*usual(), Entry("diem-moi.xml", FORGED)])


@cannot_tell("EN 319 162-1, 4.4: a file that only one of two signatures covers", "container.files", question=asked)
def file_that_only_one_signature_covers() -> bytes:
    both = wrap(build_signatures((FIRST, SECOND)), build_signatures((FIRST,), "s2"))
    return write_zip(entries(FIRST, SECOND, signatures=both))


@cannot_tell("EN 319 162-1, 4.4: a manifest is no signature", "container.files", question=asked)
def file_that_only_the_manifest_names() -> bytes:
    manifest = build_manifest([FIRST[0], SECOND[0], "diem-moi.xml"])
    signatures = wrap(build_signatures((FIRST, SECOND)))
    return write_zip([*entries(FIRST, SECOND, signatures=signatures, manifest=manifest), Entry("diem-moi.xml", FORGED)])


@cannot_tell("EN 319 162-1, 4.4.4: CAdES in a container is not judged here", "container.files", question=asked)
def cades_signature_beside_the_xades_one() -> bytes:
    return write_zip([*usual(), Entry("META-INF/signature1.p7s", b"\x30\x00")])


@cannot_tell("EN 319 162-1: a container without signatures", "signature.form", question=asked)
def container_without_signatures() -> bytes:
    return write_zip(usual()[:-1])


@fails("EN 319 162-1, 4.4.3.1: the manifest names a file that is not there", *UNREADABLE, question=asked)
def manifest_names_a_missing_file() -> bytes:
    manifest = build_manifest([FIRST[0], SECOND[0], "hoc-ba-3.xml"])
    return write_zip(entries(FIRST, SECOND, manifest=manifest))


@fails("EN 319 162-1: the manifest names a file twice", *UNREADABLE, question=asked)
def manifest_names_a_file_twice() -> bytes:
    return write_zip(entries(FIRST, SECOND, manifest=build_manifest([FIRST[0], FIRST[0], SECOND[0]])))


@fails("XML 1.0, 2.8: no document type declaration in a manifest", *UNREADABLE, question=asked)
def manifest_with_an_entity() -> bytes:
    hostile = b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + build_manifest([FIRST[0], SECOND[0]])
    return write_zip(entries(FIRST, SECOND, manifest=hostile))


@fails("XML 1.0, 2.8: no document type declaration in a signature file", "document.structure", question=asked)
def signature_file_with_an_entity_beside_a_sound_one() -> bytes:
    hostile = b'<!DOCTYPE a [<!ENTITY x "y">]>' + wrap(build_signatures((FIRST, SECOND)))
    return write_zip([*usual(), Entry("META-INF/signatures2.xml", hostile)])


@fails(
    "XML 1.0, 3.3.1: one element an identifier",
    "document.identifiers",
    "signature.form",
    "signature.references",
    "signature.certificate-reference",
    question=asked,
)
def two_container_signatures_of_one_id() -> bytes:
    twice = wrap(build_signatures((FIRST, SECOND)), build_signatures((FIRST, SECOND)))
    return write_zip(entries(FIRST, SECOND, signatures=twice))


@cannot_tell("EN 319 162-1, 4.3: ASiC-S holds one file", "container.files", question=asked)
def asic_s_of_two_files() -> bytes:
    return write_zip(entries(FIRST, SECOND, kind=SIMPLE))


@cannot_tell("EN 319 162-1, A.1: the mimetype says what it is", "container.files", question=asked)
def container_without_mimetype() -> bytes:
    return write_zip(usual()[1:])


@fails("EN 319 162-1, A.1: another kind of package", *UNREADABLE, question=asked)
def container_of_another_mimetype() -> bytes:
    return write_zip(change("mimetype", content=b"application/epub+zip"))


# Names


@fails("APPNOTE 4.4.17: a name stands twice", *UNREADABLE, question=asked)
def doubled_name_in_a_container() -> bytes:
    return write_zip([*usual(), Entry(FIRST[0], FORGED)])


@fails("names that one system takes for the same: case", *UNREADABLE, question=asked)
def doubled_name_in_another_case() -> bytes:
    return write_zip([*usual(), Entry(FIRST[0].upper(), FORGED)])


@fails("names that one system takes for the same: Unicode normal forms", *UNREADABLE, question=asked)
def doubled_name_in_another_normal_form() -> bytes:
    name = "điểm.xml"
    twin = Entry(unicodedata.normalize("NFD", name), FORGED)
    return write_zip([*entries((name, FIRST[1]), manifest=None), twin])


@fails("a second signature file of the same name", *UNREADABLE, question=asked)
def doubled_signature_file() -> bytes:
    return write_zip([*usual(), Entry(SIGNATURES, wrap(build_signatures(((FIRST[0], FORGED), SECOND))))])


@fails("no name leads out of the container", *UNREADABLE, question=asked)
def path_traversal() -> bytes:
    return write_zip([*usual(), Entry("../../etc/cron.d/x", FORGED)])


@fails("no name leads out of the container", *UNREADABLE, question=asked)
def path_traversal_inside_a_folder() -> bytes:
    return write_zip([*usual(), Entry("a/../hoc-ba-1.xml", FORGED)])


@fails("no name leads out of the container", *UNREADABLE, question=asked)
def absolute_path() -> bytes:
    return write_zip([*usual(), Entry("/etc/passwd", FORGED)])


@fails("no name leads out of the container: Windows", *UNREADABLE, question=asked)
def backslash_in_a_name() -> bytes:
    return write_zip([*usual(), Entry("..\\hoc-ba-1.xml", FORGED)])


@fails("no name leads out of the container: Windows", *UNREADABLE, question=asked)
def drive_letter_in_a_name() -> bytes:
    return write_zip([*usual(), Entry("C:hoc-ba-1.xml", FORGED)])


@fails("names that people cannot tell apart: right-to-left override", *UNREADABLE, question=asked)
def bidirectional_control_in_a_file_name() -> bytes:
    return write_zip([*usual(), Entry("hoc-ba-\u202elmx.exe", FORGED)])


@fails("names that readers cut in different places", *UNREADABLE, question=asked)
def zero_octet_in_a_name() -> bytes:
    return write_zip([*usual(), Entry("hoc-ba-3.xml\x00.exe", FORGED)])


# The layout of the ZIP file


@fails("APPNOTE 4.3: octets in front of the files", "document.type", "signature.form", question=asked)
def octets_before_the_container() -> bytes:
    return b"#!/bin/sh\n" + write_zip(usual())


@fails("APPNOTE 4.3: octets in front of the files, which look like one", *UNREADABLE, question=asked)
def another_container_in_front() -> bytes:
    return write_zip(entries((FIRST[0], FORGED), SECOND)) + write_zip(usual())


@fails("APPNOTE 4.3.16: octets behind the directory", *UNREADABLE, question=asked)
def octets_after_the_container() -> bytes:
    return write_zip(usual(), tail=b"diem: 10")


@sound("APPNOTE 4.4.26: a comment that some writers leave", question=asked)
def asic_e_with_a_comment() -> bytes:
    return write_zip(usual(), comment=b"signed with something")


@fails("APPNOTE 4.3.16: a comment hides a second directory", *UNREADABLE, question=asked)
def second_directory_in_the_comment() -> bytes:
    return write_zip(usual(), comment=write_zip(entries((FIRST[0], FORGED), SECOND)))


@fails("APPNOTE 4.4.22: the directory counts fewer files than it names", *UNREADABLE, question=asked)
def wrong_count_of_files() -> bytes:
    sound_one = write_zip(usual())
    at = sound_one.rindex(b"PK\x05\x06") + 8
    return sound_one[:at] + b"\x04\x00\x04\x00" + sound_one[at + 4 :]


@fails("APPNOTE 4.6.9: a second name in an extra field", *UNREADABLE, question=asked)
def unicode_path_beside_the_name() -> bytes:
    other = b"\x01" + bytes(4) + b"hoc-ba-9.xml"
    return write_zip(change(FIRST[0], extra=b"\x75\x70" + len(other).to_bytes(2, "little") + other))


@fails("APPNOTE 4.3.8: a folder that holds octets", *UNREADABLE, question=asked)
def folder_with_content() -> bytes:
    return write_zip([*usual(), Entry("hoc-ba/", FORGED)])


@cannot_tell("EN 319 162-1, A.7: another file beside the signatures", "container.files", question=asked)
def other_file_in_meta_inf() -> bytes:
    return write_zip([*usual(), Entry("META-INF/diem.html", FORGED)])


@fails("APPNOTE 4.3: octets between two files", *UNREADABLE, question=asked)
def octets_between_two_files() -> bytes:
    return write_zip(change(SECOND[0], before=FORGED))


@fails("APPNOTE 4.3: octets between the files and the directory", *UNREADABLE, question=asked)
def octets_before_the_directory() -> bytes:
    return write_zip(usual(), between=FORGED)


@fails("APPNOTE 4.3.12: a file that the directory does not name", *UNREADABLE, question=asked)
def file_that_the_directory_leaves_out() -> bytes:
    hidden = write_zip([Entry(FIRST[0], FORGED)])
    return write_zip(usual(), between=hidden[: hidden.index(b"PK\x01\x02")])


@fails("APPNOTE 4.3.12: two entries share their octets", *UNREADABLE, question=asked)
def overlapping_entries() -> bytes:
    found = usual()
    at = write_zip(found).index(FIRST[0].encode()) - 30
    return write_zip([*found, Entry(FIRST[0], FIRST[1], method=DEFLATED, offset=at)])


@fails("APPNOTE 4.4.17: local and central header name different files", *UNREADABLE, question=asked)
def other_name_in_the_local_header() -> bytes:
    return write_zip(change(FIRST[0], local_name="hoc-ba-9.xml"))


@fails("APPNOTE 4.4.5: local and central header name different methods", *UNREADABLE, question=asked)
def other_method_in_the_local_header() -> bytes:
    return write_zip(change(FIRST[0], local_method=0))


@fails("APPNOTE 4.4.9: local and central header give different lengths", *UNREADABLE, question=asked)
def other_length_in_the_local_header() -> bytes:
    return write_zip(change(FIRST[0], local_size=3))


@fails("APPNOTE 4.4.7: local and central header give different check sums", *UNREADABLE, question=asked)
def other_check_sum_in_the_local_header() -> bytes:
    return write_zip(change(FIRST[0], local_crc=1))


@fails("APPNOTE 4.4.9: a file is longer than it says", *UNREADABLE, question=asked)
def wrong_length_of_a_file() -> bytes:
    return write_zip(change(FIRST[0], size=len(FIRST[1]) - 3))


@fails("APPNOTE 4.4.7: the check sum is wrong", *UNREADABLE, question=asked)
def wrong_check_sum_of_a_file() -> bytes:
    return write_zip(change(FIRST[0], crc=1))


@fails("APPNOTE 4.4.4: an encrypted file", *UNREADABLE, question=asked)
def encrypted_file() -> bytes:
    return write_zip(change(FIRST[0], flags=0x1))


@fails("APPNOTE 4.4.5: an unusual way to pack", *UNREADABLE, question=asked)
def file_packed_in_an_unusual_way() -> bytes:
    return write_zip(change(FIRST[0], method=12, packed=FIRST[1]))


@fails("APPNOTE 4.4.5: octets that are not deflated", *UNREADABLE, question=asked)
def file_that_cannot_be_unpacked() -> bytes:
    return write_zip(change(FIRST[0], packed=b"\xff\xff\xff"))


@fails("octets behind the end of a deflated stream", *UNREADABLE, question=asked)
def octets_behind_a_deflated_stream() -> bytes:
    (entry,) = (one for one in usual() if one.name == FIRST[0])
    return write_zip(change(FIRST[0], packed=entry.pack() + FORGED))


@fails("APPNOTE 4.3.16: truncated", *UNREADABLE, question=asked)
def truncated_container() -> bytes:
    return write_zip(usual())[:-10]


@fails("limits: MAX_CONTAINER_UNPACKED_BYTES (a bomb)", *UNREADABLE, question=asked)
def zip_bomb() -> bytes:
    bomb = Entry("bomb.xml", bytes(MAX_CONTAINER_UNPACKED_BYTES + 1), method=DEFLATED)
    return write_zip([*usual(), bomb])


@fails("limits: MAX_CONTAINER_UNPACKED_BYTES (a bomb that says it is small)", *UNREADABLE, question=asked)
def zip_bomb_that_says_it_is_small() -> bytes:
    bomb = Entry("bomb.xml", bytes(MAX_CONTAINER_UNPACKED_BYTES + 1), method=DEFLATED, size=100)
    return write_zip([*usual(), bomb])


@fails("limits: MAX_CONTAINER_FILES", *UNREADABLE, question=asked)
def too_many_files() -> bytes:
    return write_zip([*usual(), *(Entry(f"{number}.xml") for number in range(MAX_CONTAINER_FILES))])


@cannot_tell(
    "XML 1.0, 3.3.1: another signature file's identifiers are ambiguous", "document.identifiers", question=asked
)
def ambiguous_signature_file_beside_a_sound_one() -> bytes:
    twice = wrap('<a Id="x"></a><a Id="x"></a>')
    return write_zip([*usual(), Entry("META-INF/signatures2.xml", twice)])
