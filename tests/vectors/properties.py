"""XAdES properties and the parts around them in files of others: hidden, doubled, missing, unsigned, weak, too many."""

from __future__ import annotations

import hashlib
from typing import Final

from tests.vectors.cases import UNANCHORED, Question, cannot_tell, fails, sound
from tests.vectors.detached import CONTENT, NAME, UNSEEN, beside, detached, enveloping
from tests.vectors.foreign import DS_URI, EXCLUSIVE, SIGNER, Ref, Wanted, encode, sign, write_transform
from tests.vectors.school import school
from transcript_core.limits import MAX_CERTIFICATES, MAX_WORK
from verify.formats.work import WRITING

asked: Final = Question.SIGNATURES
UNBOUND: Final = ("signature.form", "signature.certificate-reference")
"""What is open of a signature whose signed properties do not count."""

_SHA1: Final = f"{DS_URI}sha1"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


def replace_in(document: bytes, old: str, new: str) -> bytes:
    """Return the document with the first `old` replaced; it must be there."""
    assert old.encode() in document
    return document.replace(old.encode(), new.encode(), 1)


def with_evidence(markup: str) -> bytes:
    """Return a signature with another unsigned property."""
    return detached(properties_extra=markup)


@cannot_tell(
    "EN 319 132-1, 5.4: unknown unsigned properties are not believed", "signature.form", question=asked, files=beside
)
def unknown_property_of_others() -> bytes:
    return with_evidence("<xades:CompleteCertificateRefsV2></xades:CompleteCertificateRefsV2>")


@cannot_tell("CVE-2025-29775: a comment in SignedInfo", "signature.form", question=asked, files=beside)
def comment_in_signed_info() -> bytes:
    return replace_in(detached(), "<ds:SignedInfo>", "<ds:SignedInfo><!-- -->")


@cannot_tell("CVE-2025-29775: a comment in the signed properties", "signature.form", question=asked, files=beside)
def comment_in_the_signed_properties() -> bytes:
    return replace_in(detached(), "<xades:SigningTime>", "<xades:SigningTime><!-- -->")


@sound("what an Object carries may hold comments: they are digested or not, and never read", question=asked)
def comment_in_an_enveloped_object() -> bytes:
    return replace_in(enveloping(("o1", "<diem>8,4</diem>")), "<diem>8,4", "<diem>8,4<!-- -->")


@cannot_tell("EN 319 132-1, 5.2.9: one digest of the policy", "signature.form", question=asked, files=beside)
def doubled_digest_method_of_the_policy() -> bytes:
    method = f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
    value = f"<ds:DigestValue>{encode(bytes(32))}</ds:DigestValue>"
    policy = (
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId>"
        "<xades:SigPolicyId><xades:Identifier>urn:oid:2.25.1</xades:Identifier></xades:SigPolicyId>"
        f"<xades:SigPolicyHash>{method}{method}{value}</xades:SigPolicyHash>"
        "</xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>"
    )
    return detached(signed_extra=policy)


@cannot_tell("EN 319 132-1, 5.2.1: one signing time", "signature.form", question=asked, files=beside)
def two_signing_times() -> bytes:
    return detached(signed_extra="<xades:SigningTime>2020-01-01T00:00:00Z</xades:SigningTime>")


@cannot_tell(
    "EN 319 132-1, 4.3.1: a signature with properties has an Id", "signature.form", question=asked, files=beside
)
def signature_without_id() -> bytes:
    return replace_in(replace_in(detached(), ' Id="s1"', ""), 'Target="#s1"', 'Target="#"')


@cannot_tell(
    "EN 319 132-1, 4.3.1: Target is the signature that holds them",
    "signature.form",
    "signature.certificate-reference",
    "certificate.revocation",
    "certificate.path",
    question=asked,
    files=beside,
)
def target_of_another_signature() -> bytes:
    return detached(target="s2")


@cannot_tell("EN 319 132-1, 4.4: the reference says its Type", "signature.form", question=asked, files=beside)
def properties_reference_of_others_without_type() -> bytes:
    return detached(properties_type=None)


@fails("EN 319 132-1, 4.4: the properties are signed", *UNBOUND, "signature.references", question=asked, files=beside)
def properties_that_are_not_signed() -> bytes:
    """The Type stands at the reference to the file; the properties say whatever somebody likes."""
    wanted = Wanted(
        (Ref(NAME, CONTENT, type_uri="http://uri.etsi.org/01903#SignedProperties"),), properties_type="urn:x"
    )
    return sign(wanted).encode()


@cannot_tell(
    "EN 319 132-1, 4.3.1: an unsigned second set of properties",
    "signature.form",
    "signature.certificate-reference",
    "certificate.revocation",
    "certificate.path",
    question=asked,
    files=beside,
)
def second_set_of_properties() -> bytes:
    document = detached()
    start = document.index(b"<ds:Object><xades:QualifyingProperties")
    end = document.index(b"<xades:UnsignedProperties>")
    false = document[start:end].replace(b"2026-", b"2020-").replace(b' Id="s1-p"', b"")
    return document.replace(
        document[start:end], false + b"</xades:QualifyingProperties></ds:Object>" + document[start:end]
    )


@cannot_tell("EN 319 132-1, 5.2.2: what nobody signed names no certificate", *UNBOUND, question=asked, files=beside)
def properties_without_a_certificate() -> bytes:
    time = "<xades:SigningTime>2026-05-29T03:00:00Z</xades:SigningTime>"
    return detached(
        signed_properties=f"<xades:SignedSignatureProperties>{time}</xades:SignedSignatureProperties>", stamped=False
    )


@cannot_tell("EN 319 102-1, 5.2.3: another certificate is named", *UNBOUND, question=asked, files=beside)
def certificate_of_somebody_else_is_named() -> bytes:
    other = school().person("0161335155", "Phạm Hữu Hải").certificate
    digest = school().person(*SIGNER).certificate.sha256
    document = detached()
    properties = document[
        document.index(b"<xades:SigningCertificateV2>") : document.index(b"</xades:SigningCertificateV2>")
    ]
    named = properties.replace(encode(digest).encode(), encode(other.sha256).encode()).decode()
    time = "<xades:SigningTime>2026-05-29T03:00:00Z</xades:SigningTime>"
    inside = f"{time}{named}</xades:SigningCertificateV2>"
    return detached(signed_properties=f"<xades:SignedSignatureProperties>{inside}</xades:SignedSignatureProperties>")


@cannot_tell(
    "EN 319 132-1, 5.2.2: SHA-1 and stranger digests name no certificate", *UNBOUND, question=asked, files=beside
)
def certificate_named_by_an_unknown_digest() -> bytes:
    document = detached().decode()
    start, end = document.index("<xades:SignedSignatureProperties>"), document.index("</xades:SignedProperties>")
    return detached(signed_properties=document[start:end].replace(_SHA256, "urn:x"))


# Certificates and evidence


@cannot_tell("RFC 5280: a certificate that none is", "signature.form", question=asked, files=beside)
def unreadable_certificate_beside_the_signers() -> bytes:
    more = "</ds:X509Certificate><ds:X509Certificate>AAAA</ds:X509Certificate>"
    return replace_in(detached(), "</ds:X509Certificate>", more)


@cannot_tell("limits: MAX_CERTIFICATES", "signature.form", question=asked, files=beside)
def too_many_certificates() -> bytes:
    one = encode(school().person(*SIGNER).certificate.der)
    held = f"<xades:EncapsulatedX509Certificate>{one}</xades:EncapsulatedX509Certificate>" * (MAX_CERTIFICATES + 1)
    return with_evidence(f"<xades:CertificateValues>{held}</xades:CertificateValues>")


@cannot_tell("RFC 4648, 3.5: strict Base64", "signature.form", question=asked, files=beside)
def evidence_in_loose_base64() -> bytes:
    more = "</xades:EncapsulatedOCSPValue><xades:EncapsulatedOCSPValue>MA===</xades:EncapsulatedOCSPValue>"
    return replace_in(detached(), "</xades:EncapsulatedOCSPValue>", more)


@sound("XML Signature 1.1, 4.5.4: certificates stand in no order", question=asked, files=beside)
def certificate_of_somebody_else_comes_first() -> bytes:
    other = encode(school().person("0161335155", "Phạm Hữu Hải").certificate.der)
    own = encode(school().person(*SIGNER).certificate.der)
    held = "".join(f"<ds:X509Certificate>{one}</ds:X509Certificate>" for one in (other, own))
    return detached(key_info=f"<ds:X509Data>{held}</ds:X509Data>")


@fails("XML Signature 1.1, 4.5: one KeyInfo", "signature.form", question=asked, files=beside)
def two_key_infos() -> bytes:
    return replace_in(detached(), "<ds:KeyInfo>", "<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo>")


@cannot_tell(
    "RFC 4648, 3.5: a ruin in KeyInfo is told, though the certificate that is named is carried",
    "signature.form",
    question=asked,
    files=beside,
)
def key_info_in_loose_base64() -> bytes:
    own = encode(school().person(*SIGNER).certificate.der)
    return detached(key_info=f"<ds:X509Data><ds:X509Certificate>*{own}</ds:X509Certificate></ds:X509Data>")


_ELSEWHERE: Final = '<ds:RetrievalMethod URI="https://example.org/key.der"></ds:RetrievalMethod>'


@sound(
    "XML Signature 1.1, 4.5.3: nothing is retrieved, the certificate that is named is carried",
    question=asked,
    files=beside,
)
def key_info_points_elsewhere() -> bytes:
    return detached(key_info=_ELSEWHERE)


@sound(
    "EN 319 132-1, 5.2.2: the signed digest names the certificate, whatever KeyInfo says", question=asked, files=beside
)
def key_info_is_the_name_of_somebody_else() -> bytes:
    return detached(key_info="<ds:KeyName>Phạm Hữu Hải</ds:KeyName>")


@cannot_tell(
    "XML Signature 1.1, 4.5.3: nothing is retrieved (KeyInfo points elsewhere)",
    "signature.form",
    "signature.value",
    "signature.certificate-reference",
    *UNANCHORED,
    question=asked,
    files=beside,
)
def certificate_that_is_nowhere() -> bytes:
    own = encode(school().person(*SIGNER).certificate.der)
    held = f"<xades:EncapsulatedX509Certificate>{own}</xades:EncapsulatedX509Certificate>"
    return replace_in(key_info_points_elsewhere(), held, "")


# Algorithms


def _weakly_digested(hash_name: str, uri: str) -> bytes:
    weak = Ref(NAME, CONTENT).to_xml().replace(_SHA256, uri)
    digest = hashlib.new(hash_name, CONTENT, usedforsecurity=False).digest()
    weak = weak.replace(encode(hashlib.sha256(CONTENT).digest()), encode(digest))
    return sign(Wanted((_Written(weak),))).encode()


@cannot_tell("TT 15/2025 Annex I: no SHA-1", "signature.form", "signature.algorithms", question=asked, files=beside)
def sha1_digest_of_a_file() -> bytes:
    return _weakly_digested("sha1", _SHA1)


@cannot_tell("TT 15/2025 Annex I: no MD5", "signature.form", "signature.algorithms", question=asked, files=beside)
def md5_digest_of_a_file() -> bytes:
    return _weakly_digested("md5", "http://www.w3.org/2001/04/xmldsig-more#md5")


class _Written(Ref):
    """A reference that is written already."""

    def __init__(self, xml: str) -> None:
        object.__setattr__(self, "xml", xml)

    def to_xml(self) -> str:
        """Return it."""
        written: str = self.__dict__["xml"]
        return written


@fails(
    "CVE-2009-0217 family: HMAC in place of a signature",
    "signature.form",
    "signature.value",
    "signature.algorithms",
    question=asked,
    files=beside,
)
def hmac_in_a_file_of_others() -> bytes:
    method = school().person(*SIGNER).algorithm.xml_uri
    return replace_in(detached(), method, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


# Work


@cannot_tell(
    "XML Signature 1.1, 4.4.3.4: octets that are no XML are not canonicalised", *UNSEEN, question=asked, files=beside
)
def canonicalisation_of_a_text_file() -> bytes:
    return detached(Ref(NAME, CONTENT, (EXCLUSIVE,)))


@cannot_tell(
    "limits: MAX_WORK",
    "signature.form",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    question=asked,
)
def more_canonical_octets_than_honest_signatures_ask_for() -> bytes:
    text = "x" * 3_000_000
    holder = f'<ds:Object Id="o1">{text}</ds:Object>'
    octets = f'<ds:Object xmlns:ds="{DS_URI}" Id="o1">{text}</ds:Object>'.encode()
    refs = tuple(Ref("#o1", octets, (_with_prefix(number),)) for number in range(MAX_WORK // (WRITING * len(text)) + 1))
    return sign(Wanted(refs, objects=(holder,))).encode()


def _with_prefix(number: int) -> str:
    inside = f'<e:InclusiveNamespaces xmlns:e="{EXCLUSIVE}" PrefixList="p{number}"></e:InclusiveNamespaces>'
    return write_transform(EXCLUSIVE, inside)


@cannot_tell(
    "XML Signature without XAdES: nothing signed says who and when",
    "signature.form",
    "signature.certificate-reference",
    "certificate.revocation",
    "certificate.path",
    question=asked,
    files=beside,
)
def signature_without_properties() -> bytes:
    return detached(plain=True)
