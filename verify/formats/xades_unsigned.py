"""Reads the unsigned properties of one XAdES signature: timestamps, archive timestamps and evidence.

Implements the reading side of ETSI EN 319 132-1: 5.2.7.2 (CounterSignature), 5.3 (SignatureTimeStamp), 5.4.1 and 5.4.2
(values of certificates and of revocation), 5.5.1 (TimeStampValidationData) and 5.5.2.2 (ArchiveTimeStamp of version
1.4.1, not distributed case).
Nothing of it is believed before `transcript_core.pki` has checked it.

What a timestamp covers is computed from the document as it stands, so one that was moved, copied or put out of order
names other octets than its token does.  ArchiveTimeStamp of version 1.3.2 covers other things and is not supported.
"""

from __future__ import annotations

from typing import Final

from lxml.etree import _Element

from transcript_core.canonical import C14nMethod
from transcript_core.errors import LimitExceeded
from transcript_core.pki.certificates import Certificate
from verify.formats import key_info
from verify.formats.encoding import list_children
from verify.formats.names import C14N_METHODS, ds
from verify.formats.problems import SignatureProblem
from verify.formats.transforms import read_prefixes
from verify.formats.xades_types import XadesTimestamp
from verify.formats.xmldsig import Reading, list_reference_octets

XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"
_CORE: Final = (ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"))
_TIMESTAMP_PARTS: Final = frozenset({ds("CanonicalizationMethod"), f"{{{XADES}}}EncapsulatedTimeStamp"})
_QUALIFYING: Final = f"{{{XADES}}}QualifyingProperties"


class UnsignedReader:
    """Reads all unsigned properties when it is made; the attributes are what was found."""

    def __init__(self, reading: Reading, qualifying: _Element | None, signed_info: _Element | None) -> None:
        self._reading = reading
        self._signed_info = signed_info
        self._core = {child.tag: child for child in list_children(reading.signature)}
        self.timestamps: tuple[XadesTimestamp, ...] = ()
        self.certificates: tuple[Certificate, ...] = ()
        self.ocsps: tuple[bytes, ...] = ()
        self.crls: tuple[bytes, ...] = ()
        self._properties = self._list_properties(qualifying)
        for number, element in enumerate(self._properties):
            self._read(number, element)

    def _list_properties(self, qualifying: _Element | None) -> list[_Element]:
        if qualifying is None:
            return []
        holders = [one for one in list_children(qualifying) if one.tag == f"{{{XADES}}}UnsignedProperties"]
        if len(holders) > 1:
            self._reading.note(SignatureProblem.BAD_PROPERTY)
            return []
        return [
            element
            for holder in holders
            for group in list_children(holder)
            if group.tag == f"{{{XADES}}}UnsignedSignatureProperties"
            for element in list_children(group)
        ]

    def _read(self, number: int, element: _Element) -> None:
        if element.tag == f"{{{XADES}}}SignatureTimeStamp":
            self._read_timestamp(element)
        elif element.tag == f"{{{XADES_141}}}ArchiveTimeStamp":
            self._read_archive_timestamp(number, element)
        elif element.tag == f"{{{XADES_141}}}TimeStampValidationData":
            for child in list_children(element):
                self._read_evidence(child)
        elif element.tag == f"{{{XADES}}}CounterSignature":
            self._check_countersignature(element)
        else:
            self._read_evidence(element)

    def _check_countersignature(self, element: _Element) -> None:
        """EN 319 132-1, 5.2.7.2: one signature that names this one's value; its mathematics is told as its own."""
        value, inner = self._core.get(ds("SignatureValue")), list_children(element)
        references = [one for signature in inner for one in signature.iterfind(f"{ds('SignedInfo')}/{ds('Reference')}")]
        named = [self._reading.cache.ids.get(one.get("URI", "").removeprefix("#")) for one in references]
        if value is None or [one.tag for one in inner] != [ds("Signature")] or all(one is not value for one in named):
            self._reading.note(SignatureProblem.OTHER_COUNTERSIGNED)

    def _read_evidence(self, element: _Element) -> None:
        if element.tag == f"{{{XADES}}}CertificateValues":
            found = list(element.iter(f"{{{XADES}}}EncapsulatedX509Certificate"))
            self.certificates += key_info.load_all(self._reading, found)
        elif element.tag == f"{{{XADES}}}RevocationValues":
            self.ocsps += self._read_values(element, "EncapsulatedOCSPValue")
            self.crls += self._read_values(element, "EncapsulatedCRLValue")
        else:
            self._reading.note(SignatureProblem.UNKNOWN_PROPERTY)

    def _read_values(self, element: _Element, name: str) -> tuple[bytes, ...]:
        problem = SignatureProblem.BAD_PROPERTY
        values = (self._reading.read_base64(one, problem) for one in element.iter(f"{{{XADES}}}{name}"))
        return tuple(value for value in values if value is not None)

    def _read_timestamp(self, element: _Element) -> None:
        """EN 319 132-1, 5.3: over the canonical ds:SignatureValue."""
        value = self._core.get(ds("SignatureValue"))
        if value is None:
            self._reading.note(SignatureProblem.BAD_PROPERTY)
            return
        self._add_tokens(element, [value], archive=False)

    def _read_archive_timestamp(self, number: int, element: _Element) -> None:
        """EN 319 132-1, 5.5.2.2: references, core elements, the properties before this one, other Objects."""
        signed = () if self._signed_info is None else list_reference_octets(self._reading, self._signed_info)
        core = [self._core[name] for name in _CORE if name in self._core]
        others = [
            child
            for child in list_children(self._reading.signature)
            if child.tag == ds("Object") and all(one.tag != _QUALIFYING for one in list_children(child))
        ]
        if signed is not None:
            elements = [*core, *self._properties[:number], *others]
            self._add_tokens(element, elements, before=b"".join(signed), archive=True)

    def _add_tokens(self, element: _Element, covered: list[_Element], *, before: bytes = b"", archive: bool) -> None:
        """Add the container's tokens; its method is the one that it declares, else C14N 1.0 (5.1.4.4.2)."""
        declared = [one for one in list_children(element) if one.tag == ds("CanonicalizationMethod")]
        method = C14N_METHODS.get(declared[0].get("Algorithm", "")) if declared else C14nMethod.INCLUSIVE_1_0
        if any(one.tag not in _TIMESTAMP_PARTS for one in list_children(element)):  # Include, XMLTimeStamp
            self._reading.note(SignatureProblem.UNKNOWN_PROPERTY)
            return
        if method is None or len(declared) > 1:
            self._reading.note(SignatureProblem.BAD_PROPERTY)
            return
        prefixes = read_prefixes(declared[0]) if declared else ()
        pieces = [self._reading.compute_octets(one, method, prefixes) for one in covered]
        octets = before + b"".join(piece for piece in pieces if piece is not None)
        tokens = self._read_values(element, "EncapsulatedTimeStamp")
        if None in pieces or not self._may_hash(octets, len(tokens)):
            return
        objects = self._list_objects() if archive else ()
        self.timestamps += tuple(XadesTimestamp(token, octets, archive, objects) for token in tokens)

    def _list_objects(self) -> tuple[bytes, ...]:
        """Return what the properties that were read so far hold."""
        certificates = (one.der for one in self.certificates)
        tokens = (one.token for one in self.timestamps)
        return (*certificates, *self.ocsps, *self.crls, *tokens)

    def _may_hash(self, octets: bytes, tokens: int) -> bool:
        """Pay for what will be hashed for so many tokens."""
        try:
            self._reading.cache.work.pay_keeping(len(octets) * max(tokens, 1))
        except LimitExceeded:
            self._reading.note(SignatureProblem.TOO_MUCH_WORK)
            return False
        return True
