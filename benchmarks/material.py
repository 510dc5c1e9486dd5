"""Documents, people and raw operations that the figures of signing share.

A lower secondary school's documents: 12 subjects and all 19 slots (16 teacher-and-subject, homeroom, principal, seal),
each with a serial, marks and comments of its own, in classes of 40.  The people are entitled by an authority list and
hold certificates of the development PKI, whose chain of two CA certificates stands in every KeyInfo and CMS.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from benchmarks.workplaces import FolderWorkplace
from keys_dev.profiles import KeyKind
from keys_dev.services import Responder
from signing.batch import SigningResult, SigningTask, Terms, sign_named
from signing.eligibility import SignerCheck
from signing.evidence import EvidenceCollector
from signing.pades import OpenPdf
from signing.signer import Signer, SigningIdentity
from tests.support.authority import SEAL_IDENTITY, build_authority, staff_identity
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.samples import build_issue, build_transcript
from transcript_core.authority import AuthorityList, OfficeEntry
from transcript_core.clock import FixedClock
from transcript_core.errors import TranscriptError
from transcript_core.identifiers import generate_serial
from transcript_core.model import Grade, SubjectResult, TermGrade, Transcript
from transcript_core.pki.trust import World
from transcript_core.policy import SignatureFormat, SigningPolicy, Slot, get_policy, list_slots
from transcript_core.render import (
    Appearance,
    build_person_appearance,
    build_seal_appearance,
    render_first_revision,
)
from transcript_core.xml import StoredDocument, build_document, build_info

AT: Final = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
BOTH: Final = (SignatureFormat.XADES, SignatureFormat.PADES)
RAW: Final = "raw RSA-2048 private operations"
CLASS_SIZE: Final = 40

_TERMS: Final[dict[bytes, Terms]] = {}
"""By the certificate's SHA-256: asking for revocation is not what is measured."""

ORGANISATION: Final = "Trường THCS Hoa Sen"

_NAMES: Final = ("Phan Ngọc Yến", "Nguyễn Hoàng Minh Khôi", "Lê Thị Bích Phượng", "Trần Đức Anh", "Đỗ Gia Hân")
_COMMENTS: Final = (
    "Nắm vững kiến thức, vận dụng linh hoạt",
    "Chăm chỉ, cần trình bày bài cẩn thận hơn",
    "Có cố gắng, cần luyện tập thêm ở nhà",
    "Tham gia đầy đủ, nhiệt tình",
)
_REMARKS: Final = (
    "Ngoan, hoà đồng, có ý thức xây dựng tập thể.",
    "Có tiến bộ trong học kì II, cần mạnh dạn phát biểu hơn trước lớp và giúp đỡ các bạn trong nhóm học tập.",
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as a store has it, or opened."""

    xml: bytes | StoredDocument
    pdf: bytes | OpenPdf
    slots: tuple[Slot, ...]

    @property
    def policy(self) -> SigningPolicy:
        """Return the policy of its level."""
        return get_policy(POLICY_ID)

    @property
    def octets(self) -> tuple[bytes, bytes]:
        """Return XML and PDF as a store keeps them."""
        xml = self.xml.octets if isinstance(self.xml, StoredDocument) else self.xml
        return xml, self.pdf.octets if isinstance(self.pdf, OpenPdf) else self.pdf

    def close(self) -> Stored:
        """Return it as a store has it."""
        return Stored(*self.octets, self.slots)


POLICY_ID: Final = build_transcript().policy_id


def vary_transcript(number: int) -> Transcript:
    """Return the `number`-th pupil's transcript; equal numbers give equal ones but for the serial."""
    chance = random.Random(number)  # invented marks, no secret
    base = build_transcript(serial=generate_serial())
    pupil = replace(base.pupil, name=chance.choice(_NAMES), pupil_code=f"01{number:08}")
    return replace(
        base,
        pupil=replace(pupil, register_number=f"{number}/THCS"),
        class_name=name_class(number // CLASS_SIZE),
        subjects=tuple(_vary_subject(subject, chance) for subject in base.subjects),
        homeroom_comment=chance.choice(_REMARKS),
    )


def name_class(number: int) -> str:
    """Return the name of the `number`-th class."""
    return f"7A{number + 1}"


def _vary_subject(subject: SubjectResult, chance: random.Random) -> SubjectResult:
    comment = chance.choice(_COMMENTS)
    if subject.year is None or subject.year.mark is None:
        return replace(subject, comment=comment)
    first, second = (Decimal(chance.randrange(50, 101)) / 10 for _ in range(2))
    year = ((first + 2 * second) / 3).quantize(Decimal("0.1"))
    return replace(
        subject,
        comment=comment,
        term_1=TermGrade(Grade(mark=first)),
        term_2=TermGrade(Grade(mark=second)),
        year=Grade(mark=year),
    )


def build_stored(number: int) -> Stored:
    """Return the `number`-th pupil's document, unsigned, picture included."""
    transcript = vary_transcript(number)
    issue = build_issue(transcript)
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    issue = build_issue(transcript, pdf=pdf)
    slots = list_slots(transcript, issue, get_policy(transcript.policy_id))
    return Stored(build_document(transcript, issue), pdf, slots)


@cache
def authority() -> AuthorityList:
    """Return the sample authority list with every office of a class held in 32 classes."""
    base = build_authority()
    spread = [replace(entry, offices=tuple(_spread(entry.offices))) for entry in base.staff]
    return replace(base, staff=tuple(spread))


def _spread(offices: Sequence[OfficeEntry]) -> Iterator[OfficeEntry]:
    for office in offices:
        if office.class_name is None:
            yield office
        else:
            yield from (replace(office, class_name=name_class(number)) for number in range(32))


@cache
def open_holder(slot_key: tuple[str | None, str], kind: KeyKind = "rsa-2048") -> Signer:
    """Return the signer of a slot, by staff code and name; the seal has no staff code."""
    staff_code, name = slot_key
    if staff_code is None:
        return open_seal(mst=SEAL_IDENTITY.removeprefix("MST:"))
    return open_person(name, staff_identity(staff_code).removeprefix("CCCD:"), algorithm=kind)


def signer_of(slot: Slot, kind: KeyKind = "rsa-2048") -> Signer:
    """Return the signer who is entitled to a slot."""
    return open_holder((slot.staff_code, slot.name), kind)


def check_of(signer: Signer) -> SignerCheck:
    """Return what is known of a signer: entitled, on a path to an anchor, not revoked."""
    pki, clock = development_pki(), FixedClock(AT)
    evidence = EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(signer.certificate)
    return SignerCheck(signer.certificate, authority=authority(), trust=pki.trust_store(), evidence=evidence, at=AT)


def terms_of(signer: Signer) -> Terms:
    """Return the terms of a batch of this signer; B-B, so without evidence in the signatures."""
    known = _TERMS.get(signer.certificate.sha256)
    if known is None:
        known = _TERMS[signer.certificate.sha256] = Terms(SigningIdentity.of(signer), check_of(signer), AT)
    return known


def draw_appearance(pdf: OpenPdf, slot: Slot) -> Appearance:
    """Return what the slot's field will show: a person's is made once, the seal's holds a QR code."""
    field = pdf.form.fields[slot.slot_id]
    if slot.staff_code is None:
        url = f"https://hocba.example/v/{slot.serial}/1#AbCdEfGhIjKlMnOp"
        return build_seal_appearance(field.width, field.height, school_name=slot.name, signed_at=AT, qr_url=url)
    return build_person_appearance(field.width, field.height, name=slot.name, title=slot.title, signed_at=AT)


def open_pdf(document: Stored) -> OpenPdf:
    """Return the PDF opened."""
    return document.pdf if isinstance(document.pdf, OpenPdf) else OpenPdf(document.pdf)


class Appearances:
    """Draws a person's appearance once for each size of field, and every seal's by itself."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, float, float], Appearance] = {}

    def draw(self, pdf: OpenPdf, slot: Slot) -> Appearance:
        """Return the slot's appearance."""
        if slot.staff_code is None:
            return draw_appearance(pdf, slot)
        field = pdf.form.fields[slot.slot_id]
        key = (slot.slot_id, field.width, field.height)
        if key not in self._known:
            self._known[key] = draw_appearance(pdf, slot)
        return self._known[key]


@dataclass(frozen=True, slots=True)
class SlotWorkplace:
    """Opens documents by their places in a list for one slot, and keeps their results in memory."""

    documents: Sequence[Stored]
    position: int
    formats: tuple[SignatureFormat, ...]
    appearances: Appearances = field(default_factory=Appearances)

    def open(self, name: int) -> SigningTask:
        """Return the task of a document; drawing what its field shows is a part of the work."""
        document = self.documents[name]
        slot = document.slots[self.position]
        pdf = open_pdf(document) if SignatureFormat.PADES in self.formats else None
        return SigningTask(
            key=str(name),
            slot=slot,
            slots=document.slots,
            policy=document.policy,
            xml=document.xml,
            formats=self.formats,
            pdf=pdf,
            appearance=None if pdf is None else self.appearances.draw(pdf, slot),
        )

    def keep(self, name: int, outcome: SigningResult | TranscriptError) -> SigningResult:  # noqa: ARG002
        """Return the result of a document, every format of which was signed.  Raises: TranscriptError, it was not."""
        if isinstance(outcome, TranscriptError):
            raise outcome
        for one in outcome.formats.values():
            if one.error is not None:
                raise one.error
        return outcome

    def flush(self) -> None:
        """Nothing was stored."""


class PassingWorkplace(SlotWorkplace):
    """Hands every signed document on, to the null device, and forgets it, as a batch does that stores its documents."""

    def keep(self, name: int, outcome: SigningResult | TranscriptError) -> SigningResult:
        """Write the documents out and return a result without them."""
        result = super().keep(name, outcome)
        with Path(os.devnull).open("wb", buffering=0) as out:
            for one in result.formats.values():
                assert one.opened is not None
                out.writelines(one.opened.pieces)
        return SigningResult(result.key, {})


def sign_position(
    documents: Sequence[Stored],
    position: int,
    formats: tuple[SignatureFormat, ...] = BOTH,
    *,
    terms: Terms | None = None,
) -> list[SigningResult]:
    """Sign one slot of all documents, through the engine as its users do, and return the results."""
    return _sign(SlotWorkplace(documents, position, formats), signer_of(documents[0].slots[position]), terms)


def sign_away(
    documents: Sequence[Stored], position: int, formats: tuple[SignatureFormat, ...], *, signer: Signer | None = None
) -> None:
    """Do the same, but write the signed documents out and keep nothing: what is measured."""
    _sign(PassingWorkplace(documents, position, formats), signer or signer_of(documents[0].slots[position]), None)


def _sign(workplace: SlotWorkplace, signer: Signer, terms: Terms | None) -> list[SigningResult]:
    return list(sign_named(range(len(workplace.documents)), workplace, signer, terms=terms or terms_of(signer)))


def advance(documents: Sequence[Stored], results: Sequence[SigningResult]) -> list[Stored]:
    """Return the documents as signed in both formats, opened as the engine left them."""
    advanced = []
    for document, result in zip(documents, results, strict=True):
        xml, pdf = (result.formats[kind].opened for kind in BOTH)
        assert isinstance(xml, StoredDocument)
        assert isinstance(pdf, OpenPdf)
        advanced.append(Stored(xml, pdf, document.slots))
    return advanced


def sign_up_to(documents: Sequence[Stored], position: int) -> list[Stored]:
    """Return the documents with all slots before `position` signed, as a store has them."""
    current = list(documents)
    for before in range(position):
        current = advance(current, sign_position(current, before))
    return [one.close() for one in current]


def load_private_key(slot: Slot, kind: KeyKind) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """Return the private key of a person's development certificate, for the libraries to compare with."""
    assert slot.staff_code is not None
    pki = development_pki()
    path = pki.issue_person(
        slot.name,
        staff_identity(slot.staff_code).removeprefix("CCCD:"),
        organisation=ORGANISATION,
        world=World.PUBLIC_DUTY,
        algorithm=kind,
    )
    key, _, _ = pkcs12.load_key_and_certificates(path.read_bytes(), pki.read_password(path).encode())
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def to_der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PKCS#8."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@cache
def _raw_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def work_raw(count: int) -> None:
    """Do `count` raw private operations with `cryptography`, in this thread."""
    key, scheme, prehashed, digest = _raw_key(), padding.PKCS1v15(), Prehashed(hashes.SHA256()), bytes(32)
    for _ in range(count):
        key.sign(digest, scheme, prehashed)


def work_raw_on_both_cores(count: int) -> None:
    """Do `count` raw private operations in two threads; `cryptography` works outside Python's lock."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work_raw, (count // 2, count - count // 2)))


def build_folder(folder: Path, count: int) -> tuple[FolderWorkplace, Signer]:
    """Write `count` unsigned documents to a folder; return the workplace of their first slot, and its signer."""
    documents = [build_stored(number) for number in range(count)]
    for number, document in enumerate(documents):
        for suffix, octets in zip(("xml", "pdf"), document.octets, strict=True):
            (folder / f"{number}.{suffix}").write_bytes(octets)
    appearances = Appearances()
    workplace = FolderWorkplace(
        folder=str(folder),
        files=count,
        slots=tuple(document.slots for document in documents),
        position=0,
        policy=documents[0].policy,
        appearances=tuple(appearances.draw(open_pdf(document), document.slots[0]) for document in documents),
        formats=BOTH,
    )
    return workplace, signer_of(documents[0].slots[0])
