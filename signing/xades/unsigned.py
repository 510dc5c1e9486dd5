"""Reads and writes the unsigned properties of one stored signature, as text.

A stored signature is canonical XML of one form (`templates`), so its unsigned properties are a row of known elements
without attributes; each is kept as the octets that stand there, in order, and a new one is written beside them.

Spec: ETSI EN 319 132-1, 5.3 (SignatureTimeStamp), 5.4.1, 5.4.2 (values of certificates and revocation), 5.5.1
(TimeStampValidationData), 5.5.2 (ArchiveTimeStamp).  Deviation: what this program did not write is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from signing.xades.names import EXCLUSIVE_C14N
from signing.xades.templates import build_certificate_values, build_revocation_values, wrap_unsigned_properties
from transcript_core.errors import MalformedTranscript

XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"

_START: Final = b"<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
_END: Final = b"</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
_CLOSE: Final = b"</xades:QualifyingProperties></ds:Object></ds:Signature>"
_DECLARED: Final = f' xmlns:xades141="{XADES_141}"'


class PropertyKind(StrEnum):
    """The unsigned properties that are written here, by the name of their element."""

    SIGNATURE_TIMESTAMP = "xades:SignatureTimeStamp"
    CERTIFICATE_VALUES = "xades:CertificateValues"
    REVOCATION_VALUES = "xades:RevocationValues"
    VALIDATION_DATA = "xades141:TimeStampValidationData"
    ARCHIVE_TIMESTAMP = "xades141:ArchiveTimeStamp"

    @property
    def start(self) -> bytes:
        """Return the start tag, which declares a prefix that nothing around it has declared."""
        return f"<{self.value}{_DECLARED if self.value.startswith('xades141:') else ''}>".encode()

    @property
    def end(self) -> bytes:
        """Return the end tag."""
        return f"</{self.value}>".encode()


@dataclass(frozen=True, slots=True)
class UnsignedProperty:
    """One property as it stands."""

    kind: PropertyKind
    octets: bytes

    @property
    def token(self) -> bytes:
        """Return the DER of a timestamp's token.

        Raises:
            MalformedTranscript: this is no timestamp with exactly one token.
        """
        (token, *others) = self.list_values("EncapsulatedTimeStamp") or (b"",)
        if not token or others:
            raise MalformedTranscript("a timestamp of the signature does not hold exactly one token")
        return token

    def list_values(self, element: str) -> tuple[bytes, ...]:
        """Return the decoded values of all elements xades:`element`, in order.

        Raises:
            MalformedTranscript: one is not Base64.
        """
        found = re.findall(rb"<xades:%b>([^<]*)</xades:%b>" % (element.encode(), element.encode()), self.octets)
        try:
            return tuple(base64.b64decode(text, validate=True) for text in found)
        except binascii.Error as error:
            raise MalformedTranscript(f"a value {element} of the signature is not Base64") from error


@dataclass(frozen=True, slots=True)
class UnsignedPart:
    """A stored signature, parted at its unsigned properties."""

    head: bytes  # up to where xades:UnsignedProperties stand or would stand
    properties: tuple[UnsignedProperty, ...]

    def list(self, kind: PropertyKind) -> tuple[UnsignedProperty, ...]:
        """Return the properties of one kind, in order."""
        return tuple(one for one in self.properties if one.kind is kind)

    def list_values(self, element: str) -> tuple[bytes, ...]:
        """Return the decoded values of all elements xades:`element` of all properties, each once, in order."""
        return tuple(dict.fromkeys(value for one in self.properties for value in one.list_values(element)))

    def with_properties(self, properties: Iterable[UnsignedProperty]) -> UnsignedPart:
        """Return the same signature with other unsigned properties."""
        return replace(self, properties=tuple(properties))

    def append(self, *added: UnsignedProperty) -> UnsignedPart:
        """Return the same signature with further unsigned properties behind those that it has."""
        return self.with_properties((*self.properties, *added))

    def to_octets(self) -> bytes:
        """Return the whole ds:Signature."""
        if not self.properties:
            return self.head + _CLOSE
        text = b"".join(one.octets for one in self.properties).decode("ascii")
        return self.head + wrap_unsigned_properties(text).encode() + _CLOSE


def read_unsigned(signature: bytes) -> UnsignedPart:
    """Return the parts of a stored ds:Signature.

    Raises:
        MalformedTranscript: it holds an unsigned property that this program does not write.
    """
    if not signature.endswith(_CLOSE):
        raise MalformedTranscript("the signature is of another form than this program writes")
    body = signature.removesuffix(_CLOSE)
    if not body.endswith(_END):
        if _START in body:
            raise MalformedTranscript("the signature's unsigned properties are of another form than written here")
        return UnsignedPart(body, ())
    head, found, listed = body.removesuffix(_END).partition(_START)
    if not found:
        raise MalformedTranscript("the signature's unsigned properties are of another form than written here")
    return UnsignedPart(head, _split(listed))


def _split(listed: bytes) -> tuple[UnsignedProperty, ...]:
    found: list[UnsignedProperty] = []
    position = 0
    while position < len(listed):
        kind = next((one for one in PropertyKind if listed.startswith(one.start, position)), None)
        end = -1 if kind is None else listed.find(kind.end, position)
        if kind is None or end < 0:
            raise MalformedTranscript("the signature holds an unsigned property that this program did not write")
        end += len(kind.end)
        found.append(UnsignedProperty(kind, listed[position:end]))
        position = end
    return tuple(found)


def build_archive_timestamp(token: bytes) -> UnsignedProperty:
    """Return xades141:ArchiveTimeStamp around the DER of an RFC 3161 token.  Spec: EN 319 132-1, 5.5.2.1."""
    kind = PropertyKind.ARCHIVE_TIMESTAMP
    content = (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f"<xades:EncapsulatedTimeStamp>{base64.b64encode(token).decode('ascii')}</xades:EncapsulatedTimeStamp>"
    )
    return UnsignedProperty(kind, kind.start + content.encode() + kind.end)


def build_values(
    certificates: Sequence[bytes], crls: Sequence[bytes], ocsps: Sequence[bytes]
) -> tuple[UnsignedProperty, ...]:
    """Return CertificateValues and RevocationValues of these DER values; nothing stands for none."""
    pieces = (
        (PropertyKind.CERTIFICATE_VALUES, build_certificate_values(certificates)),
        (PropertyKind.REVOCATION_VALUES, build_revocation_values(crls, ocsps)),
    )
    return tuple(UnsignedProperty(kind, text.encode()) for kind, text in pieces if text)


def build_validation_data(
    certificates: Sequence[bytes], crls: Sequence[bytes], ocsps: Sequence[bytes]
) -> UnsignedProperty:
    """Return xades141:TimeStampValidationData.  Spec: EN 319 132-1, 5.5.1."""
    kind = PropertyKind.VALIDATION_DATA
    content = b"".join(one.octets for one in build_values(certificates, crls, ocsps))
    return UnsignedProperty(kind, kind.start + content + kind.end)
