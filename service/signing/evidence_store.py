"""Keeps what was fetched about a signer's certificate (TT 15/2025/TT-BKHCN), as files named by rows."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.tables import EvidenceRow
from service.store import DocumentStore
from service.transcripts.repository import DocumentKey
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.evidence import Evidence


def put_evidence(store: DocumentStore, evidence: Evidence) -> str:
    """Store `evidence` and return its file's digest; the same evidence is one file."""
    content = {
        "chain": [_text(certificate.der) for certificate in evidence.chain],
        "ocsps": [_text(answer) for answer in evidence.ocsps],
        "crls": [_text(crl) for crl in evidence.crls],
        "fetched_at": evidence.fetched_at.isoformat(),
    }
    return store.put(json.dumps(content, sort_keys=True).encode())


def get_evidence(store: DocumentStore, digest_hex: str) -> Evidence:
    """Return stored evidence.

    Raises:
        NotFound, Conflict: the file is gone or changed.
    """
    content = json.loads(store.get(digest_hex))
    return Evidence(
        chain=tuple(load_certificate(b64decode(one)) for one in content["chain"]),
        ocsps=tuple(b64decode(one) for one in content["ocsps"]),
        crls=tuple(b64decode(one) for one in content["crls"]),
        fetched_at=datetime.fromisoformat(content["fetched_at"]),
    )


def list_evidence_digests(session: Session, key: DocumentKey) -> list[str]:
    """Return the files of the evidence kept for the slots of one document, each once, sorted."""
    query = select(EvidenceRow.evidence_sha256).filter_by(serial=key.serial, version=key.version)
    return sorted(set(session.scalars(query)))


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
