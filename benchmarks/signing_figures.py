"""Does the speed of signing follow the key?  Control: raw RSA-2048 private operations, and other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from benchmarks.harness import Figure, measure
from signing import pades, xades
from signing.signer import SigningIdentity
from tests.support.samples import build_issue, build_transcript
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signers import MemorySigner, make_signer
from transcript_core.model import SlotRole
from transcript_core.policy import get_policy, list_slots
from transcript_core.render.appearance import build_person_appearance
from transcript_core.render.forms import render_first_revision
from transcript_core.render.prepared import read_prepared
from transcript_core.xml import build_info

RAW = "raw RSA-2048 private operation"


def measure_all() -> Iterator[Figure]:
    """Yield the figures of signing."""
    signer = make_signer("rsa-2048")
    yield from _measure_xades(signer)
    yield from _measure_pades(signer)


def _raw(signer: MemorySigner) -> object:
    return signer.sign_digests([bytes(32)])


def _measure_xades(signer: MemorySigner) -> Iterator[Figure]:
    document, slots, policy = build_unsigned()
    identity = SigningIdentity.of(signer)

    def sign(target: bytes, number: int) -> bytes:
        pending = xades.prepare(target, slots[number], identity, at=SIGNED_AT, policy=policy)
        (value,) = signer.sign_digests([pending.digest])
        return xades.attach(target, pending, value, identity=identity)

    before_principal = next(number for number, slot in enumerate(slots) if slot.role is SlotRole.MANAGER)
    full = sign_slots(document, slots[:before_principal], policy, signer=signer)
    yield measure(
        "XAdES-B-B, a subject teacher's slot",
        lambda: sign(document, 0),
        control_name=RAW,
        control=lambda: _raw(signer),
        must_reach=0.20,
    )
    yield measure(
        "XAdES-B-B, the principal over a full document",
        lambda: sign(full, before_principal),
        control_name=RAW,
        control=lambda: _raw(signer),
        must_reach=0.15,
    )
    yield measure(
        "XAdES against signxml, same document and key",
        lambda: sign(document, 0),
        control_name="signxml XAdESSigner",
        control=lambda: _sign_with_signxml(document, signer),
        must_reach=2.0,
    )


def _sign_with_signxml(document: bytes, signer: MemorySigner) -> object:
    chain = [one.x509 for one in (signer.certificate, *signer.chain)]
    other = XAdESSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    return other.sign(etree.fromstring(document), key=signer.key, cert=chain, reference_uri="diem-TOAN")


def _measure_pades(signer: MemorySigner) -> Iterator[Figure]:
    transcript = build_transcript()
    issue = build_issue(transcript)
    policy = get_policy(transcript.policy_id)
    slot = list_slots(transcript, issue, policy)[0]
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    field = read_prepared(pdf).fields[slot.slot_id]
    appearance = build_person_appearance(
        field.width, field.height, name=slot.name, title=slot.title, signed_at=SIGNED_AT
    )
    identity = SigningIdentity.of(signer)

    def sign() -> bytes:
        pending = pades.prepare(pdf, slot, identity, at=SIGNED_AT, appearance=appearance, policy=policy)
        (value,) = signer.sign_digests([pending.digest])
        return pades.attach(pdf, pending, value, identity=identity)

    other = _build_pyhanko_signer(signer)
    meta = signers.PdfSignatureMetadata(
        field_name=slot.slot_id, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    yield measure(
        "PAdES-B-B with its appearance, first slot",
        sign,
        control_name=RAW,
        control=lambda: _raw(signer),
        must_reach=0.20,
    )
    yield measure(
        "PAdES against pyHanko's sign_pdf, same PDF and key",
        sign,
        control_name="pyHanko sign_pdf, SimpleSigner",
        control=lambda: signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), meta, signer=other),
        must_reach=40.0,
    )
    yield measure(
        "PDF of one transcript with 19 prepared fields",
        lambda: render_first_revision(transcript, issue, info_xml=build_info(transcript)),
        control_name=RAW,
        control=lambda: _raw(signer),
        must_reach=None,
    )


def _build_pyhanko_signer(signer: MemorySigner) -> signers.SimpleSigner:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    for one in (signer.certificate, *signer.chain):
        store.register(one.asn1)
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.SimpleSigner(
        signing_cert=signer.certificate.asn1,
        cert_registry=store,
        signing_key=asn1_keys.PrivateKeyInfo.load(key),
    )
