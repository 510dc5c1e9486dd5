"""What exactly was signed, and the signature value: what names a signature in a report (ETSI TS 119 102-2, 4.3.3).

The data to be signed are, by format: the canonical ds:SignedInfo; the DER of the CMS signed attributes, or without
them what the /ByteRange covers; the signing input of a JWS (RFC 7515, 5.1).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, urlsafe_b64decode
from dataclasses import dataclass
from typing import Final

from asn1crypto import cms, core

from transcript_core.c14n import canonicalize
from transcript_core.canonical import parse_xml
from transcript_core.errors import TranscriptError
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.pki.certificates import UNREADABLE
from verify.formats.names import C14N_METHODS, ds
from verify.formats.pades import PdfSignature
from verify.formats.transforms import read_prefixes
from verify.formats.xades_types import XadesSignature
from verify.signature import SignatureFacts, SignatureFormatName

_SET_TAG: Final = b"\x31"
_COMPACT: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+")


@dataclass(frozen=True, slots=True)
class SignedData:
    """What names one signature."""

    digest: bytes | None  # SHA-256, 32 raw bytes, of the data to be signed; None: they cannot be told
    value: bytes | None  # the signature value; None: it cannot be read


NOTHING: Final = SignedData(None, None)


def find_signed_data(facts: SignatureFacts, document: bytes) -> SignedData:
    """Return what names a signature of `document`; never raises for anything in it."""
    try:
        if facts.xades is not None:
            return _from_xml(facts.xades)
        if facts.pdf is not None:
            return _from_pdf(facts.pdf, document)
        return _from_jws(facts, document)
    except (*UNREADABLE, TranscriptError):
        return NOTHING


def _from_xml(signature: XadesSignature) -> SignedData:
    usual = signature.usual_octets
    element = (
        signature.element if usual is None else parse_xml(usual, max_bytes=2 * MAX_XML_BYTES)
    )  # the tree may hold no more than its place
    signed_info = element.find(ds("SignedInfo"))
    method = None if signed_info is None else signed_info.find(ds("CanonicalizationMethod"))
    digest = None
    if signed_info is not None and method is not None and signature.signed_info_method in C14N_METHODS:
        octets = canonicalize(
            signed_info, method=C14N_METHODS[signature.signed_info_method], inclusive_prefixes=read_prefixes(method)
        )
        digest = hashlib.sha256(octets).digest()
    value = signature.value_element if usual is None else element.find(ds("SignatureValue"))
    text = None if value is None else value.text
    return SignedData(digest, None if text is None else b64decode("".join(text.split()), validate=True))


def _from_pdf(signature: PdfSignature, document: bytes) -> SignedData:
    start, end = signature.gap
    contents = bytes.fromhex(document[start:end].strip(b"<>").decode("ascii"))
    info = cms.ContentInfo.load(contents)["content"]["signer_infos"][0]
    attributes = info["signed_attrs"]
    signed = not isinstance(attributes, core.Void) and len(attributes)
    digest = hashlib.sha256(_SET_TAG + attributes.dump()[1:]).digest() if signed else _digest_range(signature, document)
    return SignedData(digest, info["signature"].native)


def _digest_range(signature: PdfSignature, document: bytes) -> bytes:
    start, end = signature.gap
    running = hashlib.sha256(document[:start])
    running.update(document[end : signature.covered_end])
    return running.digest()


def _from_jws(facts: SignatureFacts, document: bytes) -> SignedData:
    compact = document.strip()
    signed, _, value = compact.rpartition(b".")
    if _COMPACT.fullmatch(compact) is None or facts.format is not SignatureFormatName.JADES:
        return NOTHING  # the JWS came beside the file asked about
    padded = value + b"=" * (-len(value) % 4)
    return SignedData(hashlib.sha256(signed).digest(), urlsafe_b64decode(padded))
