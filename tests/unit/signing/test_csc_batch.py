"""A batch over a remote signing service: approvals that end and a service that goes away lose and repeat nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from keys_dev.services import Responder
from signing.batch import SigningResult, SigningTask, sign_batch
from signing.eligibility import SignerCheck
from signing.evidence import EvidenceCollector
from signing.keystores.csc import CscSigner, open_csc
from signing.keystores.csc.authorization import Waiting
from tests.support.authority import build_authority, staff_identity
from tests.support.csc_provider import USER, Faults, Provider
from tests.support.csc_server import Person, name_key, serving_provider
from tests.support.pki import development_pki, open_person
from tests.support.samples import HOMEROOM, build_issue, build_transcript
from tests.support.signed_pdf import build_appearance
from tests.support.signers import MemorySigner
from transcript_core.clock import FixedClock
from transcript_core.errors import KeyUnavailable, SignatureMismatch
from transcript_core.model import SchoolLevel
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.trust import World
from transcript_core.policy import SignatureFormat, find_policy, list_slots
from transcript_core.render import render_first_revision
from transcript_core.xml import build_document, build_info, list_signed_slots

AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
LEVEL = SchoolLevel.PRIMARY
BOTH = (SignatureFormat.XADES, SignatureFormat.PADES)
SERIALS = tuple(f"01J9ZK3T5V7X9ABCDEFGHJKMN{number}" for number in range(1, 7))
PIN_FACTOR = {"type": "Password", "id": "PIN", "label": "PIN"}
BASIC = ("auth=basic", f"user={USER}")


@cache
def homeroom_key() -> MemorySigner:
    """Return the homeroom teacher's key as a provider holds it."""
    pki = development_pki()
    cccd = staff_identity(HOMEROOM[0]).removeprefix("CCCD:")
    path = pki.issue_person(
        HOMEROOM[1], cccd, organisation="Trường THCS Hoa Sen", world=World.PUBLIC_DUTY, algorithm="p-256"
    )
    key = pkcs12.load_pkcs12(path.read_bytes(), pki.read_password(path).encode()).key
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    opened = open_person(HOMEROOM[1], cccd, algorithm="p-256")
    return MemorySigner(opened.certificate, opened.chain, opened.algorithm, key)


@cache
def list_tasks() -> tuple[SigningTask, ...]:
    """Return the homeroom slot of six documents, in both formats."""
    policy = find_policy(LEVEL)
    tasks = []
    for serial in SERIALS:
        transcript = build_transcript(LEVEL, serial=serial)
        issue = build_issue(transcript)
        pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
        slots = list_slots(transcript, issue, policy)
        xml, appearance = build_document(transcript, issue), build_appearance(pdf, slots[0])
        tasks.append(SigningTask(serial, slots[0], slots, policy, xml, BOTH, pdf, appearance))
    return tuple(tasks)


@cache
def evidence_of(certificate: Certificate) -> Evidence:
    pki, clock = development_pki(), FixedClock(AT)
    return EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(certificate)


@contextmanager
def opened(provider: Provider, *parameters: str) -> Iterator[CscSigner]:
    provider.holder = homeroom_key()
    with serving_provider(provider):
        waiting = Waiting(provider.time.clock, provider.time.sleep)
        with closing(open_csc(name_key(provider, *BASIC, *parameters), Person(), waiting=waiting)) as signer:
            yield signer


def sign(signer: CscSigner, tasks: tuple[SigningTask, ...], **details: Any) -> list[SigningResult]:
    evidence = evidence_of(signer.certificate)
    check = SignerCheck(
        signer.certificate,
        authority=build_authority(LEVEL),
        trust=development_pki().trust_store(),
        evidence=evidence,
        at=AT,
    )
    return list(sign_batch(tasks, signer, check=check, at=AT, evidence=evidence, **details))


def check_signed_once(results: list[SigningResult], provider: Provider) -> None:
    """Fail unless both formats of every document hold one signature, and no hash was signed twice."""
    assert [result.key for result in results if result.signed] == list(SERIALS)
    for result in results:
        xml, pdf = (result.formats[kind].document for kind in BOTH)
        assert xml is not None
        assert pdf is not None
        assert list_signed_slots(xml) == {"gvcn"}
        assert pdf.count(b"/ByteRange") == 1
    assert len(provider.signed) == len(set(provider.signed)) == 2 * len(SERIALS)


@pytest.mark.parametrize("silent", [False, True], ids=["says so", "bare 400"])
def test_approvals_that_end_in_the_middle_sign_every_document_once(silent: bool) -> None:
    faults = Faults(end_approvals_after=1, silent_about_expiry=silent)
    provider = Provider(multisign=5, objects=[PIN_FACTOR], faults=faults)
    with opened(provider, "hashes-per-call=2") as signer:
        check_signed_once(sign(signer, list_tasks()), provider)
    assert provider.count("credentials/authorize") > 12 // 5 + 1


def test_a_token_that_ends_between_lists_signs_every_document_once() -> None:
    provider = Provider(multisign=2)
    with opened(provider) as signer:
        results = sign(signer, list_tasks()[:3])
        provider.drop_tokens()
        results += sign(signer, list_tasks()[3:])
    check_signed_once(results, provider)


def test_a_service_that_goes_away_leaves_the_rest_for_later() -> None:
    provider = Provider(multisign=4, faults=Faults(busy_after=4))
    with opened(provider) as signer:
        first = sign(signer, list_tasks(), list_size=2)
        left = [task for task, result in zip(list_tasks(), first, strict=True) if not result.signed]
        assert [task.key for task in left] == list(SERIALS[2:])
        errors = [result.formats[kind].error for result in first[2:] for kind in BOTH]
        assert all(isinstance(error, KeyUnavailable) for error in errors)
        provider.faults.busy_after = None
        second = sign(signer, tuple(left), list_size=2)
    check_signed_once([*first[:2], *second], provider)


def test_values_in_another_order_are_refused_by_each_document_s_name() -> None:
    provider = Provider(multisign=50, faults=Faults(permuted=True))
    with opened(provider) as signer:
        results = sign(signer, list_tasks()[:3])
    for result in results:
        for one in result.formats.values():
            assert isinstance(one.error, SignatureMismatch)
            assert result.key in str(one.error)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (Faults(named_algorithm="1.2.840.113549.1.1.5"), "another algorithm"),
        (Faults(fewer=1), "3 signatures for 4 hashes"),
        (Faults(more=1), "5 signatures for 4 hashes"),
    ],
    ids=["another algorithm", "fewer", "more"],
)
def test_a_list_that_is_answered_wrongly_is_refused_alone(faults: Faults, said: str) -> None:
    """The second of three lists: its documents are named, the others are signed, and the next run signs the rest."""
    faults.wrong_calls = frozenset({2})
    provider = Provider(multisign=4, faults=faults)
    with opened(provider) as signer:
        first = sign(signer, list_tasks(), list_size=2)
        left = [task for task, result in zip(list_tasks(), first, strict=True) if not result.signed]
        assert len(left) == 2
        for result in first:
            for one in result.formats.values():
                if result.key in {task.key for task in left}:
                    assert isinstance(one.error, SignatureMismatch)
                    assert f"document {result.key} version 1, slot gvcn: 127.0.0.1" in str(one.error)
                    assert said in str(one.error)
        second = sign(signer, tuple(left), list_size=2)
    assert sorted(one.key for one in (*first, *second) if one.signed) == list(SERIALS)
    assert provider.count("signatures/signHash") == 4


def test_another_certificate_in_the_middle_ends_the_batch() -> None:
    provider = Provider(kind="p-256", multisign=4)
    with opened(provider) as signer:
        assert all(result.signed for result in sign(signer, list_tasks()[:2]))
        provider.holder = None
        provider.time.now += 61.0
        results = sign(signer, list_tasks()[2:])
    errors = {str(one.error) for result in results for one in result.formats.values()}
    assert len(errors) == 1
    assert "another certificate than at the beginning" in errors.pop()
    assert len(provider.signed) == 4
