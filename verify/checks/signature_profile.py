"""Signatures in a transcript have the one form that transcripts are written in, and no freedom that hides things.

Exclusive C14N as the only transform of every reference, the same method for SignedInfo, one Object with the properties
and nothing else, SigningCertificateV2.  Spec: `docs/schema.md`, signatures; EN 319 132-1, 6.3.  Deviation: much of
what XML Signature allows is refused; files of others are judged by `hocba inspect` instead.
"""

from __future__ import annotations

import re
from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, failed, judge_each
from verify.examination import Context, Examination
from verify.formats.encoding import list_children
from verify.formats.names import EXCLUSIVE_C14N, ds
from verify.formats.problems import SignatureProblem
from verify.formats.xades_types import XadesSignature
from verify.formats.xades_unsigned import XADES, XADES_141
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signature.profile"
RULE: Final = Rule(
    NAME, "Mọi chữ ký theo đúng khuôn dạng của học bạ số.", "Every signature has the one form of transcripts."
)
_SHORT_POINTER: Final = re.compile(r"#[A-Za-z_][A-Za-z0-9_.-]*")
_TIMESTAMPS: Final = (f"{{{XADES}}}SignatureTimeStamp", f"{{{XADES_141}}}ArchiveTimeStamp")
_TIMESTAMP_SHAPE: Final = [ds("CanonicalizationMethod"), f"{{{XADES}}}EncapsulatedTimeStamp"]
_SHAPE: Final = [ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"), ds("Object")]


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no signature uses a freedom of the standard that transcripts do not need."""
    return judge_each(RULE, examination.signatures, judge if examination.is_transcript_file else _leave_out)


def _leave_out(signature: ExaminedSignature) -> Verdict:  # noqa: ARG001
    return NOT_APPLICABLE


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signature is of our form; what may stand in a PDF is told by `pdf.revisions`."""
    xades = signature.facts.xades
    if xades is None:
        return _judge_certificate_reference(signature)
    if xades.usual_octets is not None:
        return PASSED
    for is_right, text_vi, text_en in (
        (
            _has_our_shape(xades),
            "các phần của chữ ký không theo khuôn dạng",
            "the signature's parts are not of our form",
        ),
        (_has_our_methods(xades), "phép biến đổi không được phép dùng", "a transform that is not allowed here"),
        (_has_certificate_v2(xades), "thiếu SigningCertificateV2", "SigningCertificateV2 is missing"),
    ):
        if not is_right:
            return failed(text_vi, text_en, SubIndication.SIG_CONSTRAINTS_FAILURE)
    return PASSED


def _judge_certificate_reference(signature: ExaminedSignature) -> Verdict:
    """PDF and JSON: the signed attributes or headers name the certificate."""
    if signature.facts.certificate_is_bound:
        return PASSED
    return failed(
        "chứng thư không được ký cùng", "the certificate is not signed along", SubIndication.SIG_CONSTRAINTS_FAILURE
    )


def _has_our_shape(xades: XadesSignature) -> bool:
    children = list_children(xades.element)
    return [child.tag for child in children] == _SHAPE and len(children[-1]) == 1 and _has_our_properties(xades)


def _has_our_properties(xades: XadesSignature) -> bool:
    """Return whether the unsigned properties are bare: no attribute, no text beside their values, our method only.

    A timestamp is a method and one token, nothing else.
    """
    for stamp in xades.element.iter(*_TIMESTAMPS):
        if [child.tag for child in list_children(stamp)] != _TIMESTAMP_SHAPE:
            return False
    for holder in xades.element.iter(f"{{{XADES}}}UnsignedProperties"):
        for element in holder.iter():
            wanted = {"Algorithm": EXCLUSIVE_C14N} if element.tag == ds("CanonicalizationMethod") else {}
            if dict(element.items()) != wanted or element.tail or (len(element) and element.text):
                return False
    return True


def _has_our_methods(xades: XadesSignature) -> bool:
    if xades.signed_info_method != EXCLUSIVE_C14N or SignatureProblem.NO_PROPERTIES_TYPE in xades.problems:
        return False
    prefix_lists = xades.element.iter(f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces")
    if next(prefix_lists, None) is not None:
        return False
    return all(
        reference.transforms == (EXCLUSIVE_C14N,) and _SHORT_POINTER.fullmatch(reference.uri)
        for reference in xades.references
    )


def _has_certificate_v2(xades: XadesSignature) -> bool:
    return xades.properties is not None and xades.properties.has_certificate_v2
