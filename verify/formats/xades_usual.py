"""Reads signatures of the one form that transcripts are signed in, by a single match over canonical octets.

Nearly every signature that is verified here has this form to the octet, is intact and leaves nothing to be noted.  This
reader answers for those alone: it returns what `xades.py` would return, or None.  None means that something is
different, whatever it is (form, identifier, digest, certificate, value), and that the signature is to be read
thoroughly.  So nothing is ever called wrong or odd here, and a signature is intact only when all of this holds:

* its canonical octets have this form, from start tag to end tag;
* every digest is that of the canonical octets of the element with that Id;
* the value was made over the canonical SignedInfo, by the key of the certificate that the signed properties name.

Every `<` of canonical octets without processing instructions begins a tag, so what matches is one whole element.  What
is digested alone differs from what stands in its place by namespace declarations only, and where they go is known,
since the form is.  Spec: as `xades.py`; Exclusive XML Canonicalization 1.0, 3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from lxml.etree import _Element

from transcript_core.c14n import C14nMethod
from transcript_core.clock import read_utc
from transcript_core.errors import InputError, TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES, MAX_REFERENCES
from transcript_core.pki.algorithms import find_by_xml_uri, fits_certificate, verify_digest
from transcript_core.pki.certificates import Certificate, deduplicate, load_certificate
from verify.formats.encoding import decode_plain_base64
from verify.formats.names import DS, EXCLUSIVE_C14N, ds
from verify.formats.octets import NodeSet, OctetCache
from verify.formats.xades_types import SIGNED_PROPERTIES_TYPE, SignedProperties, XadesSignature, XadesTimestamp
from verify.formats.xades_unsigned import XADES
from verify.formats.xmldsig import Reference

_PROPERTIES: Final = f"{{{XADES}}}SignedProperties"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"

_PIECES: Final[Mapping[str, str]] = {
    "{name}": "[A-Za-z_][A-Za-z0-9._-]*+",
    "{base64}": "[^<]++",  # what it must be is for the decoder to say
    "{text}": "[^<>&]*+",
    "{uri}": r"[A-Za-z][A-Za-z0-9]*+:[A-Za-z0-9./:_-]++(?:#[A-Za-z0-9._-]++)?+",  # of any, one that no schema refuses
    "{time}": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "{c14n}": re.escape(EXCLUSIVE_C14N),
    "{sha256}": re.escape(_SHA256),
    "{properties-type}": re.escape(SIGNED_PROPERTIES_TYPE),
    "{xmlns:ds}": re.escape(f' xmlns:ds="{DS}"'),
    "{xmlns:xades}": re.escape(f' xmlns:xades="{XADES}"'),
}
_REFERENCED: Final = """
    <ds:Transforms><ds:Transform Algorithm="{c14n}"></ds:Transform></ds:Transforms>
    <ds:DigestMethod Algorithm="{sha256}"></ds:DigestMethod>
"""
_USUAL: Final = f"""
    <ds:Signature{{xmlns:ds}} Id="(?P<id>{{name}})">
    <ds:SignedInfo(?P<signed_info>>
        <ds:CanonicalizationMethod Algorithm="{{c14n}}"></ds:CanonicalizationMethod>
        <ds:SignatureMethod Algorithm="(?P<algorithm>{{uri}})"></ds:SignatureMethod>
        (?P<references>(?:
            <ds:Reference Id="{{name}}" URI="#{{name}}">{_REFERENCED}
                <ds:DigestValue>{{base64}}</ds:DigestValue>
            </ds:Reference>
        )++)
        <ds:Reference Type="{{properties-type}}" URI="#(?P<properties_id>{{name}})">{_REFERENCED}
            <ds:DigestValue>(?P<properties_digest>{{base64}})</ds:DigestValue>
        </ds:Reference>
    </ds:SignedInfo>)
    <ds:SignatureValue(?P<value_element> Id="(?P<value_id>{{name}})">(?P<value>{{base64}})</ds:SignatureValue>)
    <ds:KeyInfo><ds:X509Data>
        (?P<key_certificates>(?:<ds:X509Certificate>{{base64}}</ds:X509Certificate>)++)
    </ds:X509Data></ds:KeyInfo>
    <ds:Object><xades:QualifyingProperties{{xmlns:xades}} Target="#(?P=id)">
    <xades:SignedProperties(?P<properties> Id="(?P=properties_id)">
        <xades:SignedSignatureProperties>
            <xades:SigningTime>(?P<time>{{time}})</xades:SigningTime>
            <xades:SigningCertificateV2><xades:Cert>
                <xades:CertDigest>
                    <ds:DigestMethod Algorithm="{{sha256}}"></ds:DigestMethod>
                    <ds:DigestValue>(?P<signer>{{base64}})</ds:DigestValue>
                </xades:CertDigest>
                <xades:IssuerSerialV2>(?P<issuer>{{base64}})</xades:IssuerSerialV2>
            </xades:Cert></xades:SigningCertificateV2>
            <xades:SignaturePolicyIdentifier><xades:SignaturePolicyId>
                <xades:SigPolicyId>
                    <xades:Identifier Qualifier="OIDAsURN">(?P<policy>{{uri}})</xades:Identifier>
                </xades:SigPolicyId>
                <xades:SigPolicyHash>
                    <ds:DigestMethod Algorithm="{{sha256}}"></ds:DigestMethod>
                    <ds:DigestValue>(?P<policy_digest>{{base64}})</ds:DigestValue>
                </xades:SigPolicyHash>
            </xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>
            <xades:SignerRoleV2><xades:ClaimedRoles>
                <xades:ClaimedRole>(?P<role>{{text}})</xades:ClaimedRole>
            </xades:ClaimedRoles></xades:SignerRoleV2>
        </xades:SignedSignatureProperties>
        <xades:SignedDataObjectProperties>
            (?:<xades:DataObjectFormat ObjectReference="#{{name}}">
                <xades:MimeType>text/xml</xades:MimeType>
            </xades:DataObjectFormat>)++
            <xades:CommitmentTypeIndication>
                <xades:CommitmentTypeId>
                    <xades:Identifier>(?P<commitment>{{uri}})</xades:Identifier>
                </xades:CommitmentTypeId>
                <xades:AllSignedDataObjects></xades:AllSignedDataObjects>
            </xades:CommitmentTypeIndication>
        </xades:SignedDataObjectProperties>
    </xades:SignedProperties>)
    (?:<xades:UnsignedProperties><xades:UnsignedSignatureProperties>(?!</)
        (?:<xades:SignatureTimeStamp>
            <ds:CanonicalizationMethod Algorithm="{{c14n}}"></ds:CanonicalizationMethod>
            (?P<timestamp><xades:EncapsulatedTimeStamp>{{base64}}</xades:EncapsulatedTimeStamp>)
        </xades:SignatureTimeStamp>)?+
        (?:<xades:CertificateValues>
            (?P<certificates>(?:<xades:EncapsulatedX509Certificate>{{base64}}</xades:EncapsulatedX509Certificate>)++)
        </xades:CertificateValues>)?+
        (?:<xades:RevocationValues>
            (?:<xades:CRLValues>
                (?P<crls>(?:<xades:EncapsulatedCRLValue>{{base64}}</xades:EncapsulatedCRLValue>)++)
            </xades:CRLValues>)?+
            (?:<xades:OCSPValues>
                (?P<ocsps>(?:<xades:EncapsulatedOCSPValue>{{base64}}</xades:EncapsulatedOCSPValue>)++)
            </xades:OCSPValues>)?+
        </xades:RevocationValues>)?+
    </xades:UnsignedSignatureProperties></xades:UnsignedProperties>)?+
    </xades:QualifyingProperties></ds:Object>
    </ds:Signature>
"""
"""The form that `signing.xades` writes, a regular expression without the blanks that it is laid out with.

None of its parts can match in two ways, and none gives back what it took: it is tried in one pass.
"""


def _compile(form: str) -> re.Pattern[bytes]:
    pattern = "".join(line.strip() for line in form.splitlines())
    for name, piece in _PIECES.items():
        pattern = pattern.replace(name, piece)
    return re.compile(pattern.encode())


_FORM: Final = _compile(_USUAL)
_MAX_REMEMBERED: Final = 8 * 1024
"""Characters of a list of certificates that is remembered: three or four of them, so that the memory stays bounded."""

_EACH_REFERENCE: Final = re.compile(rb' URI="(#[^"]++)">.*?<ds:DigestValue>([^<]++)<')
_EACH_IDENTIFIER: Final = re.compile(rb'<ds:Reference Id="([^"]++)"')
_EACH_VALUE: Final = re.compile(rb">([^<]++)<")


class _Unusual(Exception):
    """The signature is to be read thoroughly."""


Form: TypeAlias = re.Match[bytes]
"""One signature of the usual form: a match of it in canonical octets."""


def find_forms(octets: bytes) -> Iterator[Form]:
    """Yield every signature of the usual form in canonical octets, or in octets that are yet to be found canonical.

    When the reader has answered for a form its octets are canonical: it holds nothing but the tags above, names and
    Base64 in one spelling only, and texts of characters that are written as they are.
    """
    return _FORM.finditer(octets)


def list_identifiers(form: Form) -> list[str]:
    """Return every Id in a signature."""
    listed = [form["id"], form["value_id"], form["properties_id"], *_EACH_IDENTIFIER.findall(form["references"])]
    return [one.decode() for one in listed]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signature stands in its document's tree."""

    element: _Element
    value: _Element  # its ds:SignatureValue
    properties: _Element  # its xades:SignedProperties, or what stands for them


def read_usual_signatures(cache: OctetCache) -> dict[_Element, XadesSignature]:
    """Return the signatures of a document that are of the usual form and intact, by element.

    Where the canonical octets of the root were not computed, or hold instructions, none is looked for.
    """
    octets = None if cache.has_hidden_nodes(cache.root) else cache.find_octets(cache.root)
    reader = UsualReader(cache)
    read = {}
    for form in () if octets is None else find_forms(octets):
        names = (("id", ds("Signature")), ("value_id", ds("SignatureValue")), ("properties_id", _PROPERTIES))
        found = [cache.ids.get(form[name].decode()) for name, _ in names]
        if [None if one is None else one.tag for one in found] != [tag for _, tag in names]:
            continue
        place = Place(*(one for one in found if one is not None))
        signature = reader.read(form, place)
        if signature is not None:
            read[place.element] = signature
    return read


class UsualReader:
    """Reads signatures of the usual form.

    Args:
        cache: of their document; its identifiers are all that references may name.
    """

    def __init__(self, cache: OctetCache) -> None:
        self._cache = cache

    def read(self, form: Form, place: Place) -> XadesSignature | None:
        """Return what the thorough reader would; None when the signature is not intact, or odd in any way."""
        try:
            return self._read(form, place)
        except (_Unusual, InputError, UnicodeDecodeError):
            return None

    def _read(self, form: Form, place: Place) -> XadesSignature:
        properties = self._read_properties(form, place.properties)
        references = self._read_references(form["references"])
        if any(one.node is properties.node for one in references):
            raise _Unusual
        key_certificates = _load_certificates(form["key_certificates"])
        others = () if form["certificates"] is None else _load_certificates(form["certificates"])
        certificates = deduplicate((*key_certificates, *others))
        algorithm_uri = form["algorithm"].decode()
        algorithm = find_by_xml_uri(algorithm_uri)
        signer = next((one for one in certificates if one.sha256 == properties.certificate_digests[0][1]), None)
        if algorithm is None or signer is None or not fits_certificate(algorithm, signer):
            raise _Unusual
        signed_info = b"<ds:SignedInfo%b%b" % (_DECLARE_DS, form["signed_info"])
        digest = algorithm.new_hash(signed_info).digest()
        if not verify_digest(signer, algorithm, digest, _decode(form["value"])):
            raise _Unusual
        return XadesSignature(
            element=place.element,
            signature_id=form["id"].decode(),
            references=references,
            signed_info_method=EXCLUSIVE_C14N,
            algorithm_uri=algorithm_uri,
            algorithm=algorithm,
            value_element=place.value,
            references_intact=True,
            value_intact=True,
            certificate=signer,
            certificates=certificates,
            key_certificates=key_certificates,
            certificate_is_bound=True,
            properties=properties,
            timestamps=self._read_timestamps(form),
            ocsps=_read_values(form["ocsps"]),
            crls=_read_values(form["crls"]),
            problems=(),
            usual_octets=form[0],
        )

    def _read_properties(self, form: Form, node: _Element) -> SignedProperties:
        inner = form["properties"].replace(*_DECLARE_METHOD).replace(*_DECLARE_VALUE)
        octets = b"<xades:SignedProperties%b%b" % (_DECLARE_XADES, inner)
        if hashlib.sha256(octets).digest() != _decode(form["properties_digest"]):
            raise _Unusual
        _decode(form["issuer"])
        try:
            time = read_utc(datetime.fromisoformat(form["time"].decode()))
        except ValueError:
            raise _Unusual from None
        return SignedProperties(
            node=node,
            signing_time=time,
            certificate_digests=((_SHA256, _decode(form["signer"])),),
            has_certificate_v2=True,
            policy_id=_read_text(form["policy"]),
            policy_digest=(_SHA256, _decode(form["policy_digest"])),
            commitments=(_read_text(form["commitment"]),),
            roles=(_read_text(form["role"]),),
        )

    def _read_references(self, listed: bytes) -> tuple[Reference, ...]:
        found = []
        for uri, value in _EACH_REFERENCE.findall(listed):
            node = self._cache.ids.get(uri[1:].decode())
            if node is None:
                raise _Unusual
            digest = self._cache.request_digest(NodeSet(node), "sha256", C14nMethod.EXCLUSIVE)
            if digest != _decode(value):
                raise _Unusual
            transforms = (EXCLUSIVE_C14N,)
            found.append(Reference(uri.decode(), None, transforms, _SHA256, node, intact=True))
        if len(found) >= MAX_REFERENCES:  # one more names the properties
            raise _Unusual
        return tuple(found)

    def _read_timestamps(self, form: Form) -> tuple[XadesTimestamp, ...]:
        octets = b"<ds:SignatureValue%b%b" % (_DECLARE_DS, form["value_element"])
        tokens = _read_values(form["timestamp"])
        self._cache.work.pay_keeping(len(octets) * len(tokens))
        return tuple(XadesTimestamp(token, octets) for token in tokens)


_DECLARE_DS: Final = f' xmlns:ds="{DS}"'.encode()
_DECLARE_XADES: Final = f' xmlns:xades="{XADES}"'.encode()
_DECLARE_METHOD: Final = (b"<ds:DigestMethod ", b"<ds:DigestMethod%b " % _DECLARE_DS)
_DECLARE_VALUE: Final = (b"<ds:DigestValue>", b"<ds:DigestValue%b>" % _DECLARE_DS)
"""Alone, SignedProperties has no element around those of XML Signature that would declare their prefix."""


def _decode(text: bytes) -> bytes:
    octets = decode_plain_base64(text)
    if octets is None:
        raise _Unusual
    return octets


def _read_text(octets: bytes) -> str:
    """Return a text as the thorough reader takes it; not printable are all characters that XML does not have."""
    text = octets.decode()
    if not text.isprintable():
        raise _Unusual
    return text.strip()


def _read_values(listed: bytes | None) -> tuple[bytes, ...]:
    return () if listed is None else tuple(map(_decode, _EACH_VALUE.findall(listed)))


def _load_certificates(listed: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a list; an honest one is remembered, since a school's signers are the same."""
    return (_load_remembered if len(listed) <= _MAX_REMEMBERED else _load_all)(listed)


def _load_all(listed: bytes) -> tuple[Certificate, ...]:
    octets = _read_values(listed)
    if len(octets) > MAX_CERTIFICATES:
        raise _Unusual
    try:
        return tuple(map(load_certificate, octets))
    except TrustMaterialError:
        raise _Unusual from None


_load_remembered: Final = lru_cache(maxsize=1024)(_load_all)
