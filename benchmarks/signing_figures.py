"""Does the speed of signing follow the key?  Controls: raw RSA-2048 private operations, and other libraries.

The figures go through the engine as its users do (`sign_named`, one process, stored octets in, signed octets out); the
rows called "alone" show the same work without it: one document opened, prepared, signed and attached in one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Final

from asn1crypto import keys as asn1_keys
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from benchmarks.harness import Figure, Pace, Work
from benchmarks.material import (
    RAW,
    Stored,
    advance,
    build_stored,
    draw_appearance,
    load_private_key,
    open_pdf,
    sign_away,
    sign_position,
    sign_up_to,
    signer_of,
    terms_of,
    to_der,
    work_raw,
)
from keys_dev.profiles import KeyKind
from signing.batch import SigningTask, attach_task, prepare_task
from signing.signer import Signer
from transcript_core.policy import SignatureFormat
from transcript_core.xml import StoredDocument

DOCUMENTS: Final = 160
"""Documents of a batch: several chunks, so that the engine's overlap shows and its beginning and end count."""

XADES: Final = (SignatureFormat.XADES,)
PADES: Final = (SignatureFormat.PADES,)
_TEACHER: Final = 0
_PRINCIPAL: Final = 17
_SEAL: Final = 18


def measure_all(pace: Pace) -> Iterator[Figure]:
    """Yield the figures of signing."""
    unsigned = [build_stored(number) for number in range(DOCUMENTS // pace.shrink)]
    full = sign_up_to(unsigned, _PRINCIPAL)
    sealable = [one.close() for one in advance(full, sign_position(full, _PRINCIPAL))]
    rows = [
        ("XAdES-B-B, a subject teacher's slot", unsigned, _TEACHER, XADES, 0.80),
        ("XAdES-B-B, the principal's slot over a full document", full, _PRINCIPAL, XADES, 0.75),
        ("PAdES-B-B with its appearance, first slot", unsigned, _TEACHER, PADES, 0.80),
        ("PAdES-B-B with its appearance, last slot (seal, with QR code)", sealable, _SEAL, PADES, 0.80),
    ]
    for name, documents, position, formats, floor in rows:
        yield _against_raw(pace, name, _take_in(documents, formats), position, formats, floor)
    for name, documents, position, formats, _ in rows:
        yield _alone(pace, name, documents[0], position, formats)
    yield from _against_others(pace, unsigned)


def _take_in(documents: Sequence[Stored], formats: tuple[SignatureFormat, ...]) -> list[Stored]:
    """Return the documents as the batch takes them in: octets, but for a PDF alone its XML, which says who has signed,
    as the batch that signs both would have it open."""
    if formats == PADES:
        return [replace(one, xml=StoredDocument(one.octets[0])) for one in documents]
    return list(documents)


def _against_raw(
    pace: Pace,
    name: str,
    documents: Sequence[Stored],
    position: int,
    formats: tuple[SignatureFormat, ...],
    floor: float,
) -> Figure:
    count = len(documents)
    return pace.measure(
        name,
        lambda: sign_away(documents, position, formats),
        control_name=RAW,
        control=lambda: work_raw(count),
        must_reach=floor,
        items=count,
        control_items=count,
    )


def _alone(pace: Pace, name: str, document: Stored, position: int, formats: tuple[SignatureFormat, ...]) -> Figure:
    """Return what one signature costs in one thread, from octets to octets."""
    return pace.measure(
        f"    alone: {name}",
        _sign_alone(document, position, formats, signer_of(document.slots[position])),
        control_name=RAW,
        control=lambda: work_raw(1),
        must_reach=None,
    )


def _sign_alone(document: Stored, position: int, formats: tuple[SignatureFormat, ...], signer: Signer) -> Work:
    slot = document.slots[position]
    terms = terms_of(signer)
    task = SigningTask(
        key="",
        slot=slot,
        slots=document.slots,
        policy=document.policy,
        xml=document.octets[0],
        formats=formats,
        pdf=document.octets[1],
        appearance=draw_appearance(open_pdf(document), slot),
    )

    def sign() -> None:
        prepared = prepare_task(task, terms.identity, check=terms.check, at=terms.at)
        values = {kind: signer.sign_digests([one.digest])[0] for kind, one in prepared.pendings.items()}
        result = attach_task(prepared, values, identity=terms.identity)
        assert result.signed, result

    return sign


def _against_others(pace: Pace, documents: Sequence[Stored]) -> Iterator[Figure]:
    floors: tuple[tuple[KeyKind, str, float], ...] = (("rsa-2048", "RSA-2048", 2.5), ("p-256", "P-256", 6.0))
    for kind, shown, floor in floors:
        signer = signer_of(documents[0].slots[_TEACHER], kind)
        yield pace.measure(
            f"XAdES against signxml, same document and key, {shown}",
            lambda signer=signer: sign_away(documents, _TEACHER, XADES, signer=signer),  # type: ignore[misc]
            control_name="signxml XAdESSigner",
            control=_sign_with_signxml(documents[0], signer, kind),
            must_reach=floor,
            items=len(documents),
        )
    yield pace.measure(
        "PAdES against pyHanko, same PDF and key",
        lambda: sign_away(documents, _TEACHER, PADES),
        control_name="pyHanko sign_pdf, SimpleSigner",
        control=_sign_with_pyhanko(documents[0]),
        must_reach=80.0,
        items=len(documents),
    )


def _sign_with_signxml(document: Stored, signer: Signer, kind: KeyKind) -> Work:
    octets = document.octets[0]
    key = load_private_key(document.slots[_TEACHER], kind)
    method = SignatureMethod.RSA_SHA256 if kind == "rsa-2048" else SignatureMethod.ECDSA_SHA256
    chain = [one.x509 for one in (signer.certificate, *signer.chain)]
    other = XAdESSigner(
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    part = f"diem-{document.slots[_TEACHER].subject_code}"
    return lambda: etree.tostring(other.sign(etree.fromstring(octets), key=key, cert=chain, reference_uri=part))


def _sign_with_pyhanko(document: Stored) -> Work:
    octets, slot = document.octets[1], document.slots[_TEACHER]
    signer = signer_of(slot)
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    for one in (signer.certificate, *signer.chain):
        store.register(one.asn1)
    other = signers.SimpleSigner(
        signing_cert=signer.certificate.asn1,
        cert_registry=store,
        signing_key=asn1_keys.PrivateKeyInfo.load(to_der(load_private_key(slot, "rsa-2048"))),
    )
    meta = signers.PdfSignatureMetadata(
        field_name=slot.slot_id, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    return lambda: signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(octets)), meta, signer=other)
