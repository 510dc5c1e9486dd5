"""Reads what a stored PDF holds already: its signatures, its document timestamps and its security store.

Implements the reader's half of ETSI EN 319 142-1, 5.4 (DSS, VRI, document timestamps) for files that this program
wrote; what strangers hand in goes to the verifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from asn1crypto import cms, core, parser

from transcript_core.errors import MalformedTranscript
from transcript_core.pdf import Name, PdfFile, PdfObject, Ref, Stream, String, Value, read_pdf
from transcript_core.pki import cades
from transcript_core.pki.certificates import Certificate
from transcript_core.render.prepared import PreparedForm, read_prepared

_TIMESTAMP_OID: Final = core.ObjectIdentifier(cades.SIGNATURE_TIMESTAMP).dump()


@lru_cache(maxsize=1024)
def _issuer_and_serial(certificate: Certificate) -> bytes:
    """Return what IssuerAndSerialNumber holds (RFC 5652, 10.2.4), without its header."""
    leaf = certificate.asn1
    return bytes(leaf.issuer.dump() + leaf["tbs_certificate"]["serial_number"].dump())


@dataclass(frozen=True, slots=True)
class StoredSignature:
    """One signature or document timestamp as it stands in the file."""

    contents: bytes  # octets of /Contents, the zeros behind the DER included
    hole_at: int  # offset of the "<" of /Contents
    end: int  # offset where its section, and so what it covers, ends
    is_document_timestamp: bool

    @property
    def der(self) -> bytes:
        """Return the CMS object without the zeros behind it."""
        try:
            return self.contents[: parser.peek(self.contents)]
        except ValueError as error:
            raise MalformedTranscript("a signature of the PDF cannot be read; the file was not made here") from error

    @property
    def content_info(self) -> Any:
        """Return the CMS object, parsed anew at each call (asn1crypto ContentInfo)."""
        try:
            content = cms.ContentInfo.load(self.der, strict=True)
            if len(content["content"]["signer_infos"]) != 1:
                raise ValueError("not exactly one signer")
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedTranscript("a signature of the PDF cannot be read; the file was not made here") from error
        return content

    def is_signed_by(self, certificate: Certificate) -> bool:
        """Say whether its SignerInfo names this certificate by issuer and number.

        Only a signature with a token inside names two; there the SignerInfo itself is read.
        """
        named = _issuer_and_serial(certificate)
        if named not in self.contents:
            return False
        if _TIMESTAMP_OID not in self.contents:
            return True
        return bool(self.content_info["content"]["signer_infos"][0]["sid"].chosen.dump().endswith(named))

    @property
    def vri_key(self) -> str:
        """Return what names it in /VRI: SHA-1 over the octets of /Contents, zeros included, in upper case.

        Spec: EN 319 142-1, 5.4.2.3 (ISO 32000-2, 12.8.4.4).  The hash is a name here and protects nothing.
        """
        return hashlib.sha1(self.contents, usedforsecurity=False).hexdigest().upper()


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A stored file, read once for everything that is added at the end of its life."""

    file: PdfFile
    form: PreparedForm
    signatures: tuple[StoredSignature, ...]  # document timestamps among them, in the order in which they were made

    @property
    def data(self) -> bytes:
        """Return the file's octets."""
        return self.file.data

    @property
    def is_closed(self) -> bool:
        """Say whether the signature that locks the file is there."""
        return any(not self.form.locking.isdisjoint(revision.objects) for revision in self.file.revisions[1:])

    @property
    def has_store(self) -> bool:
        """Say whether the file has a security store."""
        return "DSS" in self.get_dictionary(self.form.root)

    @property
    def is_archived(self) -> bool:
        """Say whether a document timestamp covers the security store."""
        stamps = self.document_timestamps
        if not stamps:
            return False
        last = next(one for one in self.file.revisions if one.end == stamps[-1].end)
        catalog = self.file.get_object(self.form.root, revision=last.number).value
        return isinstance(catalog, dict) and "DSS" in catalog

    @property
    def document_timestamps(self) -> tuple[StoredSignature, ...]:
        """Return the document timestamps, the first made first."""
        return tuple(one for one in self.signatures if one.is_document_timestamp)

    def get_dictionary(self, number: int) -> dict[str, Value]:
        """Return a copy of the newest dictionary of that number.

        Raises:
            MalformedTranscript: the object is something else.
        """
        value = self.file.get_object(number).value
        if not isinstance(value, dict):
            raise MalformedTranscript(f"object {number} of the PDF is not a dictionary; the file was not made here")
        return dict(value)

    def get_stream(self, reference: Value) -> bytes:
        """Return the octets of the stream that is referred to."""
        stream = self.file.resolve(reference)
        if not isinstance(stream, Stream):
            raise MalformedTranscript("the PDF's security store refers to something that is not a stream")
        return stream.raw


def read_stored(pdf: bytes) -> StoredPdf:
    """Return what a stored file holds.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """
    file = read_pdf(pdf)
    if file.trouble is not None:
        raise file.trouble
    return StoredPdf(file, read_prepared(pdf), tuple(_list_signatures(file)))


def _list_signatures(file: PdfFile) -> Iterator[StoredSignature]:
    for revision in file.revisions[1:]:
        for one in revision.objects.values():
            if isinstance(one.value, dict) and one.value.get("Type") in {"Sig", "DocTimeStamp"}:
                yield _read_signature(file.data, one, one.value, revision.end)


def _read_signature(data: bytes, one: PdfObject, dictionary: dict[str, Value], end: int) -> StoredSignature:
    contents, ranges = dictionary.get("Contents"), dictionary.get("ByteRange")
    hole_at = ranges[1] if isinstance(ranges, list) and len(ranges) == 4 else None
    fits = isinstance(hole_at, int) and one.start < hole_at < one.end and data[hole_at : hole_at + 1] == b"<"
    if not isinstance(contents, String) or not isinstance(hole_at, int) or not fits:
        raise MalformedTranscript("a signature of the PDF does not stand where it says; the file was not made here")
    return StoredSignature(bytes(contents), hole_at, end, dictionary["Type"] == Name("DocTimeStamp"))


def get_reference(value: Value, what: str) -> int:
    """Return the object number that `value` refers to.

    Raises:
        MalformedTranscript: it is no reference.
    """
    if not isinstance(value, Ref):
        raise MalformedTranscript(f"{what} is not an object of its own; the PDF was not made here")
    return value.number
