"""Appends what proves the certificates of a PDF's signatures: chains, OCSP answers and CRLs.

Implements the document security store of ETSI EN 319 142-1, 5.4.2, without VRI (5.4.2.3 makes it optional; everything
in the store serves every signature).  The store is a section of its own, written before the seal signs, so that it
covers the evidence of everybody before it and of its own certificate.
"""

from __future__ import annotations

from collections.abc import Sequence

from signing.pades.section import build_end
from transcript_core.errors import MalformedTranscript
from transcript_core.pdf import Name, PdfFile, Ref, Stream, Value, read_pdf, write_value
from transcript_core.pki.evidence import Evidence
from transcript_core.render.prepared import read_prepared

_KINDS = ("Certs", "OCSPs", "CRLs")


def append_evidence(pdf: bytes, evidences: Sequence[Evidence]) -> bytes:
    """Return the file with the evidence in its security store; unchanged when it holds all of it already.

    A signer's own certificate is left out: it stands in the signature.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """
    file = read_pdf(pdf)
    if file.trouble is not None:
        raise file.trouble
    number, store = _read_store(file)
    stored = {_stream(file, item).raw for kind in _KINDS for item in _array(store.get(kind))}
    wanted = {
        "Certs": [certificate.der for one in evidences for certificate in one.chain[1:]],
        "OCSPs": [ocsp for one in evidences for ocsp in one.ocsps],
        "CRLs": [crl for one in evidences for crl in one.crls],
    }
    form = read_prepared(pdf)
    following = form.size + (number is None)
    bodies: dict[int, bytes] = {}
    for kind, values in wanted.items():
        entries = _array(store.get(kind))
        for der in values:
            if der not in stored:
                stored.add(der)
                entries.append(Ref(following))
                bodies[following] = b"<</Length %d>>\nstream\n%s\nendstream" % (len(der), der)
                following += 1
        if entries:
            store[kind] = entries
    if not bodies:
        return pdf
    bodies[form.size if number is None else number] = write_value(store)
    if number is None:
        catalog = file.get_object(form.root).value
        if not isinstance(catalog, dict):
            raise MalformedTranscript("the PDF's catalog is not a dictionary")
        bodies[form.root] = write_value({**catalog, "DSS": Ref(form.size)})
    offsets: dict[int, int] = {}
    pieces: list[bytes] = []
    at = len(pdf)
    for object_number in sorted(bodies):
        offsets[object_number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (object_number, bodies[object_number]))
        at += len(pieces[-1])
    return pdf + b"".join(pieces) + build_end(form, offsets, at)


def _read_store(file: PdfFile) -> tuple[int | None, dict[str, Value]]:
    """Return the store's object number, None when there is none yet, and its entries."""
    catalog = file.get_object(file.last.root).value
    reference = catalog.get("DSS") if isinstance(catalog, dict) else None
    if reference is None:
        return None, {"Type": Name("DSS")}
    store = file.resolve(reference)
    if not isinstance(reference, Ref) or not isinstance(store, dict):
        raise MalformedTranscript("the PDF's security store was not written by this program")
    return reference.number, dict(store)


def _array(value: Value) -> list[Value]:
    return list(value) if isinstance(value, list) else []


def _stream(file: PdfFile, value: Value) -> Stream:
    stream = file.resolve(value)
    if not isinstance(stream, Stream):
        raise MalformedTranscript("the PDF's security store refers to something that is not a stream")
    return stream
