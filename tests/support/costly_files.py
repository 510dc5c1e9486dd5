"""Small files that ask a verifier for as much computing as they can: what `limits.MAX_WORK` is there for.

A verifier that computes what they ask for is busy for minutes, or for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.support.foreign_pdf import update
from tests.support.zip_writer import DEFLATED, Entry, write_zip
from tests.vectors.pdf_strangers import pdf_signed_by_another_program

Build = Callable[[], bytes]

COSTLY: dict[str, Build] = {}
"""How each of them is made, by what it asks for."""

_MIB: Final = 1024 * 1024
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_ARCHIVE: Final = "http://uri.etsi.org/01903/v1.4.1#"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_BASE64: Final = f"{_DS}base64"
_ENVELOPED: Final = f"{_DS}enveloped-signature"
_SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
_HASHES: Final = (
    _SHA512,
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmldsig-more#md5",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-384",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-512",
)


def _costly(build: Build) -> Build:
    COSTLY[build.__name__] = build
    return build


def _refer(uri: str, *transforms: str, method: str = _SHA512) -> str:
    """Return a reference with these transforms: algorithms, or whole elements."""
    steps = (one if one.startswith("<") else f'<ds:Transform Algorithm="{one}"/>' for one in transforms)
    holder = f"<ds:Transforms>{''.join(steps)}</ds:Transforms>" if transforms else ""
    value = f'<ds:DigestMethod Algorithm="{method}"/><ds:DigestValue>AAAA</ds:DigestValue>'
    return f'<ds:Reference URI="{uri}">{holder}{value}</ds:Reference>'


def _exclusive(prefixes: str) -> str:
    inside = f'<e:InclusiveNamespaces xmlns:e="{_EXCLUSIVE}" PrefixList="{prefixes}"/>'
    return f'<ds:Transform Algorithm="{_EXCLUSIVE}">{inside}</ds:Transform>'


def _sign(references: str, more: str = "") -> str:
    methods = f'<ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"/>'
    methods += '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    info = f"<ds:SignedInfo>{methods}{references}</ds:SignedInfo>"
    return (
        f'<ds:Signature xmlns:ds="{_DS}" Id="s">{info}<ds:SignatureValue>AAAA</ds:SignatureValue>{more}</ds:Signature>'
    )


def _pack(*files: tuple[str, bytes], signatures: tuple[str, ...]) -> bytes:
    """Return an ASiC-E container of these files, with one signature file for each content."""
    opened = '<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">'
    found = [Entry("mimetype", b"application/vnd.etsi.asic-e+zip")]
    found += [Entry(name, content, method=DEFLATED) for name, content in files]
    found += [
        Entry(f"META-INF/signatures{number}.xml", f"{opened}{one}</asic:XAdESSignatures>".encode(), method=DEFLATED)
        for number, one in enumerate(signatures)
    ]
    return write_zip(found)


def _declare(count: int) -> str:
    return " ".join(f'xmlns:p{number}="u:{number}"' for number in range(count))


# Files beside signatures


@_costly
def one_large_file_hashed_for_every_reference() -> bytes:
    return _pack(("a.bin", bytes(120 * _MIB)), signatures=(_sign(_refer("a.bin") * 256),))


@_costly
def one_large_file_hashed_by_every_algorithm_for_every_signature() -> bytes:
    references = "".join(_refer("a.bin", method=method) for method in _HASHES)
    return _pack(("a.bin", bytes(100 * _MIB)), signatures=(_sign(references),) * 64)


@_costly
def one_large_file_decoded_for_every_reference() -> bytes:
    return _pack(("a.bin", b"A" * (16 * _MIB)), signatures=(_sign(_refer("a.bin", _BASE64) * 1_000),))


@_costly
def the_largest_file_decoded() -> bytes:
    return _pack(("a.bin", b"A" * (100 * _MIB)), signatures=(_sign(_refer("a.bin", _BASE64) * 3),))


@_costly
def one_file_of_comments_parsed_for_every_reference() -> bytes:
    content = f"<a>{'<!--x-->' * 45_000}</a>".encode()
    references = "".join(_refer("a.xml", _exclusive(f"q{number}")) for number in range(1_000))
    return _pack(("a.xml", content), signatures=(_sign(references),))


@_costly
def thirty_large_files_parsed() -> bytes:
    content = f"<a>{'<b/>' * 45_000}{'x' * 3_900_000}</a>".encode()
    names = [f"a{number}.xml" for number in range(30)]
    references = "".join(_refer(name, _EXCLUSIVE) for name in names)
    return _pack(*((name, content) for name in names), signatures=(_sign(references),))


@_costly
def thirty_large_signature_files() -> bytes:
    attributes = " ".join(f'a{number}=""' for number in range(12))
    return _pack(("a.xml", b"x"), signatures=(f"<b {attributes}/>" * 45_000,) * 30)


@_costly
def seventy_thousand_references() -> bytes:
    return _pack(("a.xml", b"x"), signatures=(_sign(_refer("a.xml") * 1_100),) * 64)


@_costly
def as_many_references_as_are_read() -> bytes:
    return _pack(("a.xml", b"x"), signatures=(_sign(_refer("a.xml") * 1_020),) * 16)


@_costly
def archive_timestamps_over_a_large_file() -> bytes:
    references = _refer("a.bin") * 500
    return _pack(("a.bin", bytes(100 * _MIB)), signatures=(_sign(references, _write_archive_timestamps(1_000)),))


def _write_archive_timestamps(count: int) -> str:
    stamps = "<y:ArchiveTimeStamp><x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></y:ArchiveTimeStamp>" * count
    inside = f"<x:UnsignedSignatureProperties>{stamps}</x:UnsignedSignatureProperties>"
    properties = f"<x:UnsignedProperties>{inside}</x:UnsignedProperties>"
    opened = f'<x:QualifyingProperties xmlns:x="{_XADES}" xmlns:y="{_ARCHIVE}" Target="#s">'
    return f"<ds:Object>{opened}{properties}</x:QualifyingProperties></ds:Object>"


# Canonical forms


@_costly
def four_thousand_namespaces_in_scope() -> bytes:
    references = "".join(_refer("#d", _exclusive(f"q{number}")) for number in range(60))
    return f'<r {_declare(4_000)}><d Id="d">{"<p3999:a/>" * 8_000}</d>{_sign(references)}</r>'.encode()


@_costly
def a_prefix_list_for_every_reference() -> bytes:
    references = "".join(_refer("#d", _exclusive(f"q{number}")) for number in range(1_000))
    return f'<r {_declare(250)}><d Id="d">{"<p249:a/>" * 20_000}</d>{_sign(references)}</r>'.encode()


@_costly
def a_long_prefix_list() -> bytes:
    prefixes = " ".join(f"p{number}" for number in range(250))
    return f"<r {_declare(250)}>{'<p249:a/>' * 20_000}{_sign(_refer('', _exclusive(prefixes)))}</r>".encode()


@_costly
def inclusive_form_of_many_namespaces() -> bytes:
    """Quadratic in the namespaces for libxml2: 1,000 of them, which are refused, took it minutes."""
    references = _refer("", _INCLUSIVE) + _refer("", f"{_INCLUSIVE}#WithComments")
    return f"<r {_declare(250)}>{'<p249:a/>' * 20_000}{_sign(references)}</r>".encode()


@_costly
def a_document_full_of_attributes_less_its_signature() -> bytes:
    attributes = " ".join(f'p{number}:x=""' for number in range(190, 250))
    pieces = f"<p249:a {attributes}/>" * 6_300
    return f"<r {_declare(250)}>{pieces}{_sign(_refer('', _ENVELOPED) * 500)}</r>".encode()


@_costly
def signatures_left_out_for_every_transform() -> bytes:
    step = f'<ds:Transform Algorithm="{_XPATH}"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>'
    heap = "<ds:Signature/>" * 20_000
    return f'<r xmlns:ds="{_DS}">{_sign(_refer("", *(step,) * 8) * 800)}{heap}</r>'.encode()


@_costly
def text_collected_for_every_reference() -> bytes:
    return f'<r><d Id="d">{"<b/>" * 40_000}</d>{_sign(_refer("#d", _BASE64) * 1_000)}</r>'.encode()


# PDF


@_costly
def evidence_that_unpacks_to_gigabytes() -> bytes:
    packed = zlib.compress(bytes(31 * _MIB), 9)

    def change(writer: IncrementalPdfFileWriter) -> None:
        def add() -> object:
            entries = {generic.pdf_name("/Filter"): generic.pdf_name("/FlateDecode")}
            return writer.add_object(generic.StreamObject(entries, encoded_data=packed))

        lists = {
            generic.pdf_name(f"/{key}"): generic.ArrayObject([add() for _ in range(120)])
            for key in ("Certs", "OCSPs", "CRLs")
        }
        writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(lists))  # type: ignore[no-untyped-call]
        writer.update_root()  # type: ignore[no-untyped-call]

    return update(pdf_signed_by_another_program(), change)
