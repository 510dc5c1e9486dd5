"""Tasks take and give documents that stay opened, and refuse what changed between the two phases."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from keys_dev.services import Responder
from signing import pades, xades
from signing.batch import PreparedTask, SigningResult, SigningTask, attach_task, prepare_task
from signing.eligibility import SignerCheck
from signing.evidence import EvidenceCollector
from signing.pades import OpenPdf
from signing.signer import Pending, Signer, SigningIdentity
from tests.support.authority import build_authority, staff_identity
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.samples import HOMEROOM, PRINCIPAL, build_issue, build_transcript
from tests.support.signed_pdf import build_appearance
from transcript_core.clock import FixedClock
from transcript_core.errors import MalformedTranscript, SignatureMismatch, StaleDigest
from transcript_core.model import SchoolLevel
from transcript_core.policy import SignatureFormat, find_policy, list_slots
from transcript_core.render import render_first_revision
from transcript_core.xml import StoredDocument, build_document, build_info

AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
LEVEL = SchoolLevel.PRIMARY
XADES, PADES = SignatureFormat.XADES, SignatureFormat.PADES


@cache
def first_task() -> SigningTask:
    """The homeroom teacher's slot of an unsigned document."""
    transcript = build_transcript(LEVEL)
    issue, policy = build_issue(transcript), find_policy(LEVEL)
    slots = list_slots(transcript, issue, policy)
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    return SigningTask(
        key=transcript.serial,
        slot=slots[0],
        slots=slots,
        policy=policy,
        xml=build_document(transcript, issue),
        formats=(XADES, PADES),
        pdf=pdf,
        appearance=build_appearance(pdf, slots[0]),
    )


def next_task(task: SigningTask, xml: Any, pdf: Any) -> SigningTask:
    slot = task.slots[task.slots.index(task.slot) + 1]
    return replace(task, slot=slot, xml=xml, pdf=pdf, appearance=build_appearance(octets_of(first_task().pdf), slot))


def octets_of(document: object) -> bytes:
    assert isinstance(document, bytes)
    return document


@cache
def signers() -> tuple[Signer, ...]:
    people = [open_person(one[1], staff_identity(one[0]).removeprefix("CCCD:")) for one in (HOMEROOM, PRINCIPAL)]
    return (*people, open_seal())


@cache
def check_of(number: int) -> SignerCheck:
    certificate, pki, clock = signers()[number].certificate, development_pki(), FixedClock(AT)
    evidence = EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(certificate)
    authority = build_authority(LEVEL)
    return SignerCheck(certificate, authority=authority, trust=pki.trust_store(), evidence=evidence, at=AT)


def prepare(task: SigningTask, number: int = 0) -> PreparedTask:
    return prepare_task(task, SigningIdentity.of(signers()[number]), check=check_of(number), at=AT)


def sign(pendings: Mapping[SignatureFormat, Pending], number: int = 0) -> dict[SignatureFormat, bytes]:
    return {kind: signers()[number].sign_digests([pending.digest])[0] for kind, pending in pendings.items()}


def attach(prepared: PreparedTask, number: int = 0) -> SigningResult:
    identity = SigningIdentity.of(signers()[number])
    return attach_task(prepared, sign(prepared.pendings, number), identity=identity)


def test_three_people_sign_opened_documents_as_they_sign_octets() -> None:
    opened = plain = first_task()
    for number in range(3):
        results = [attach(prepare(task, number), number).formats for task in (opened, plain)]
        for kind in (XADES, PADES):
            one, other = (result[kind].opened for result in results)
            assert one is not None
            assert other is not None
            assert one.sha256 == other.sha256 == hashlib.sha256(other.octets).digest()
        if number < 2:
            opened = next_task(opened, results[0][XADES].opened, results[0][PADES].opened)
            plain = next_task(plain, results[1][XADES].document, results[1][PADES].document)
    assert isinstance(opened.xml, StoredDocument)
    assert isinstance(opened.pdf, OpenPdf)
    assert isinstance(plain.xml, bytes)


def test_nothing_is_opened_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    for kind in (StoredDocument, OpenPdf):
        make = kind.__init__

        def count(self: Any, octets: bytes, *, make: Any = make, name: str = kind.__name__) -> None:
            opened.append(name)
            make(self, octets)

        monkeypatch.setattr(kind, "__init__", count)
    task = first_task()
    for number in range(3):
        formats = attach(prepare(task, number), number).formats
        assert all(one.error is None for one in formats.values())
        if number < 2:
            task = next_task(task, formats[XADES].opened, formats[PADES].opened)
    assert sorted(opened) == ["OpenPdf", "StoredDocument"]


def test_a_value_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[bytes] = []
    for module in (xades.phases, pades.phases):
        check = module.check_value

        def count(pending: Pending, value: bytes, certificate: Any, *, check: Any = check) -> None:
            verified.append(value)
            check(pending, value, certificate)

        monkeypatch.setattr(module, "check_value", count)
    monkeypatch.setattr("signing.batch.tasks.check_value", count)
    prepared = prepare(first_task())
    values = sign(prepared.pendings)
    assert attach_task(prepared, values, identity=SigningIdentity.of(signers()[0])).signed
    assert sorted(verified) == sorted(values.values())


def changed(octets: bytes, mark: bytes) -> bytes:
    """Return octets with one bit turned behind a mark."""
    place = octets.index(mark) + len(mark)
    return octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]


@pytest.mark.parametrize("open_it", [lambda octets: octets, StoredDocument], ids=["octets", "opened"])
def test_an_xml_that_changed_meanwhile_stops_both_formats(open_it: Any) -> None:
    prepared = prepare(first_task())
    other = open_it(changed(octets_of(first_task().xml), b"<HO_VA_TEN>"))
    result = attach(replace(prepared, task=replace(prepared.task, xml=other)))
    assert [type(one.error) for one in result.formats.values()] == [StaleDigest] * 2


@pytest.mark.parametrize("open_it", [lambda octets: octets, OpenPdf], ids=["octets", "opened"])
def test_a_pdf_that_changed_meanwhile_stops_that_format_alone(open_it: Any) -> None:
    prepared = prepare(first_task())
    other = open_it(changed(octets_of(first_task().pdf), b"stream\n"))
    result = attach(replace(prepared, task=replace(prepared.task, pdf=other)))
    assert result.formats[XADES].error is None
    assert isinstance(result.formats[PADES].error, StaleDigest)


def test_each_error_names_document_and_slot() -> None:
    prepared = prepare(first_task())
    identity = SigningIdentity.of(signers()[0])
    wrong = {kind: value[:-1] for kind, value in sign(prepared.pendings).items()}
    foreign = sign(prepared.pendings, 1)
    where = f"document {first_task().slot.serial} version 1, slot {first_task().slot.slot_id}: "
    for values, told in ((wrong, "bytes instead of"), (foreign, "does not verify")):
        error = attach_task(prepared, values, identity=identity).formats[XADES].error
        assert isinstance(error, SignatureMismatch)
        assert str(error).startswith(where)
        assert told in str(error)


def test_a_file_that_cannot_be_opened_is_an_error_of_its_task() -> None:
    broken = replace(first_task(), pdf=b"%PDF-1.7\n")
    assert {type(one) for one in prepare(broken).errors.values()} == {MalformedTranscript}


def test_a_prepared_task_travels() -> None:
    prepared = prepare(first_task())
    travelled = pickle.loads(pickle.dumps(prepared))
    results = [attach(one).formats for one in (prepared, travelled)]
    assert results[0][XADES].document == results[1][XADES].document
    assert results[0][PADES].document == results[1][PADES].document
