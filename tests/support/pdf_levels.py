"""A sealed PDF at every PAdES level, by keys of the development PKI, and what a validator is told in the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from keys_dev.pki import DevelopmentPki
from keys_dev.profiles import KeyKind
from signing import pades
from signing.evidence import EvidenceCollector
from signing.keystores.pkcs12 import FileSigner, open_pkcs12
from signing.signer import Signer, SigningIdentity
from signing.timestamp import TimestampClient
from tests.support.pki import development_pki, open_person, pki_at
from tests.support.signed_pdf import PDF_SIGNED_AT, build_appearance, sign_slot, unsigned_pdf
from transcript_core.clock import FixedClock
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.trust import World
from transcript_core.policy import SignatureLevel

EXTENDED_AT: Final = PDF_SIGNED_AT + timedelta(hours=1)
"""When evidence of the seal's timestamp is fetched and the document timestamp made."""

RENEWED_AT: Final = PDF_SIGNED_AT + timedelta(days=300)

SEAL_ALGORITHMS: Final = (
    SignatureAlgorithm.RSA_PKCS1_SHA256,
    SignatureAlgorithm.RSA_PSS_SHA256,
    SignatureAlgorithm.ECDSA_P256_SHA256,
)


@dataclass(frozen=True)
class Levels:
    """One document as it grows; each begins with the octets of the one before, but B-T fills B-B's room."""

    bb: bytes
    bt: bytes
    blt: bytes
    blta: bytes
    renewed: bytes


def list_people() -> list[Signer]:
    """Return the two teachers who sign: RSA and P-256."""
    return [open_person(), open_person("Vũ Thu Hiền", "001080000102", algorithm="p-256")]


def open_seal_with(algorithm: SignatureAlgorithm) -> FileSigner:
    """Return a seal of the shared PKI that signs with this algorithm."""
    pki = development_pki()
    kind: KeyKind = "p-256" if algorithm is SignatureAlgorithm.ECDSA_P256_SHA256 else "rsa-2048"
    path = pki.issue_seal("Trường THCS Hoa Sen", "0101234567", world=World.PUBLIC_DUTY, algorithm=kind)
    return open_pkcs12(path, pki.read_password(path), algorithm=algorithm)


def build_client(at: timedelta = timedelta(0), pki: DevelopmentPki | None = None) -> TimestampClient:
    """Return a client of a PKI's TSA as it answers that long after PDF_SIGNED_AT."""
    pki = pki or development_pki()
    moment = PDF_SIGNED_AT + at
    return TimestampClient([pki.tsa_url], pki_at(moment, pki), clock=FixedClock(moment))


def collect_evidence(
    *signers: Signer, at: timedelta = timedelta(0), pki: DevelopmentPki | None = None
) -> list[Evidence]:
    """Return evidence of these signers and last of the TSA, fetched that long after PDF_SIGNED_AT."""
    pki = pki or development_pki()
    moment = PDF_SIGNED_AT + at
    collector = EvidenceCollector(pki_at(moment, pki), pki.trust_store(), FixedClock(moment))
    tsa, *others = build_client(at, pki).list_certificates()
    named = [(one.certificate, one.chain) for one in signers]
    return [collector.collect(certificate, chain=chain) for certificate, chain in [*named, (tsa, tuple(others))]]


@cache
def build_levels(algorithm: SignatureAlgorithm) -> Levels:
    """Return a document signed by two people and by the seal with this algorithm, at every level.

    Nothing is stored before the seal signs, so that each level is reached by its own step.
    """
    people = list_people()
    seal = open_seal_with(algorithm)
    pdf, slots, policy = unsigned_pdf()
    for signer, slot in zip(people, slots, strict=False):
        pdf = sign_slot(pdf, slot, signer, policy)
    pending = pades.prepare(
        pdf,
        slots[-1],
        SigningIdentity.of(seal),
        at=PDF_SIGNED_AT,
        appearance=build_appearance(pdf, slots[-1]),
        policy=policy,
    )
    (value,) = seal.sign_digests([pending.digest])
    bb = pades.attach(pdf, pending, value, identity=SigningIdentity.of(seal))
    return raise_levels(bb, people, seal)


def raise_levels(bb: bytes, people: Sequence[Signer], seal: Signer) -> Levels:
    """Return the sealed document at every level from the one it has."""
    bt = pades.extend(bb, evidences=(), timestamps=build_client(), level=SignatureLevel.B_T)
    hour = EXTENDED_AT - PDF_SIGNED_AT
    later = collect_evidence(*people, seal, at=hour)
    blt = pades.extend(bt, evidences=later, timestamps=None, level=SignatureLevel.B_LT)
    blta = pades.extend(blt, evidences=later, timestamps=build_client(hour))
    age = RENEWED_AT - PDF_SIGNED_AT
    renewed = pades.renew(blta, evidences=collect_evidence(at=age), timestamps=build_client(age))
    return Levels(bb, bt, blt, blta, renewed)
