"""Appends what proves the certificates of a PDF's signatures: chains, OCSP answers and CRLs.

Implements the document security store of ETSI EN 319 142-1, 5.4.2: the lists of the whole file (5.4.2.2) and, for each
signature, which of them prove it (VRI, 5.4.2.3).  The store is a section of its own.  One is written before the seal
signs, so that the seal covers the evidence of everybody before it and of its own certificate; a later one brings the
evidence of time-stamping authorities.  Nothing is ever taken out, and what a VRI entry says never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from signing.pades.increment import append_section
from signing.pades.relevance import find_relevant
from signing.pades.stored import StoredPdf, StoredSignature, get_reference, read_stored
from transcript_core.pdf import Name, Ref, Value, write_value
from transcript_core.pki.evidence import Evidence

_KINDS: Final = {"Certs": "Cert", "OCSPs": "OCSP", "CRLs": "CRL"}
"""Lists of the store, and what the same kind is called in an entry of VRI."""


def append_evidence(pdf: bytes, evidences: Sequence[Evidence]) -> bytes:
    """Return the file with the evidence in its security store; unchanged when it holds all of it already.

    A signer's own certificate is left out: it stands in the signature.  A signature gets its VRI entry when evidence
    of its own certificate is given, and the seal also when the store holds it from before; evidence of the authority
    that stamped it belongs into the same entry, so give both at once.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """
    return add_evidence(read_stored(pdf), evidences)


def add_evidence(stored: StoredPdf, evidences: Sequence[Evidence]) -> bytes:
    """Do what `append_evidence` does for a file that was read already."""
    writing = _Store(stored)
    for evidence in evidences:
        for kind, values in _sort_evidence(evidence).items():
            for der in values:
                writing.add(kind, der)
    for signature in stored.signatures:
        writing.add_vri(signature, evidences)
    return writing.append()


def _sort_evidence(evidence: Evidence) -> Mapping[str, Sequence[bytes]]:
    return {
        "Certs": [certificate.der for certificate in evidence.chain[1:]],
        "OCSPs": evidence.ocsps,
        "CRLs": evidence.crls,
    }


def _sort_given(signature: StoredSignature, evidences: Sequence[Evidence]) -> Mapping[str, Sequence[bytes]] | None:
    """Return the given pieces about the signature's certificates; None when its signer's are not among them."""
    found = [one for one in evidences if one.leaf.der in signature.contents]
    if not any(signature.is_signed_by(one.leaf) for one in found):
        return None
    return {kind: [der for one in found for der in _sort_evidence(one)[kind]] for kind in _KINDS}


class _Store:
    """The store as the next section will write it."""

    def __init__(self, stored: StoredPdf) -> None:
        self._stored = stored
        catalog = stored.get_dictionary(stored.form.root)
        self._catalog = None if "DSS" in catalog else catalog
        self._number = stored.form.size if self._catalog else get_reference(catalog["DSS"], "the security store")
        self._entries: dict[str, Value] = (
            {"Type": Name("DSS")} if self._catalog else stored.get_dictionary(self._number)
        )
        self._places = {
            (kind, stored.get_stream(item)): item for kind in _KINDS for item in _array(self._entries.get(kind))
        }
        self._streams: dict[int, bytes] = {}
        self._following = stored.form.size + (self._catalog is not None)
        vri = self._entries.get("VRI")
        self._vri: dict[str, Value] = dict(vri) if isinstance(vri, dict) else {}
        self._changed = False

    def add(self, kind: str, der: bytes) -> None:
        """Put a piece of evidence into one of the lists, unless it is there."""
        if (kind, der) in self._places:
            return
        self._places[kind, der] = Ref(self._following)
        self._streams[self._following] = der
        self._entries[kind] = [*_array(self._entries.get(kind)), Ref(self._following)]
        self._following += 1
        self._changed = True

    def add_vri(self, signature: StoredSignature, evidences: Sequence[Evidence]) -> None:
        """Say which pieces prove this signature, unless that is said or its signer's evidence is not known."""
        if signature.vri_key in self._vri:
            return
        pieces = _sort_given(signature, evidences)
        if pieces is None and not signature.is_document_timestamp:
            pieces = find_relevant(signature, self._list_pieces())
        if pieces is None:
            return
        entry = {name: self._find_places(kind, pieces[kind]) for kind, name in _KINDS.items() if pieces[kind]}
        self._vri[signature.vri_key] = dict(entry)
        self._changed = True

    def append(self) -> bytes:
        """Return the file with the section, or as it was when there is nothing to write."""
        if not self._changed:
            return self._stored.data
        if self._vri:
            self._entries["VRI"] = self._vri
        bodies = {
            number: b"<</Length %d>>\nstream\n%s\nendstream" % (len(der), der) for number, der in self._streams.items()
        }
        bodies[self._number] = write_value(self._entries)
        if self._catalog is not None:
            bodies[self._stored.form.root] = write_value({**self._catalog, "DSS": Ref(self._number)})
        return append_section(self._stored.data, self._stored.form, bodies)

    def _list_pieces(self) -> Mapping[str, Sequence[bytes]]:
        return {kind: [der for one, der in self._places if one == kind] for kind in _KINDS}

    def _find_places(self, kind: str, values: Iterable[bytes]) -> list[Value]:
        return [self._places[kind, der] for der in dict.fromkeys(values)]


def _array(value: Value) -> list[Value]:
    return list(value) if isinstance(value, list) else []
