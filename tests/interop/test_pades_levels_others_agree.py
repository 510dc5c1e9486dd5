"""Other software accepts every PAdES level, with every kind of seal key: pyHanko, pdfsig, OpenSSL.

pyHanko is asked for real EN 319 102-1 statuses (basic, with time, long-term) and for its analysis of revisions, which
those statuses leave out.  It has no network: the file's own security store must do.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from asn1crypto import crl, ocsp, parser
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate, AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.ades import ades_basic_validation, ades_lta_validation, ades_with_time_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv import ades_past, poe
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from signing import pades
from tests.interop.test_pades_others_agree import build_context, issued_pdf
from tests.support.pdf_levels import (
    EXTENDED_AT,
    RENEWED_AT,
    SEAL_ALGORITHMS,
    Levels,
    build_client,
    build_levels,
    collect_evidence,
    list_people,
    open_seal_with,
)
from tests.support.pdf_rules import check_pdf_a, check_pdf_ua
from tests.support.pki import development_pki, open_seal
from tests.support.signed_pdf import PDF_SIGNED_AT
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.evidence import Evidence

PDFSIG: Final = shutil.which("pdfsig")
OPENSSL: Final = shutil.which("openssl")
MINUTE: Final = timedelta(minutes=1)
RSA: Final = SignatureAlgorithm.RSA_PKCS1_SHA256


@pytest.fixture(params=SEAL_ALGORITHMS, ids=lambda one: one.value)
def levels(request: pytest.FixtureRequest) -> Levels:
    return build_levels(request.param)


def list_roots() -> list[Any]:
    return [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]


def build_spec(known: Sequence[Evidence] = ()) -> SignatureValidationSpec:
    """Return what pyHanko demands: revocation of everything, from the file and from `known` alone."""
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(list_roots()),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule)),
    )
    return SignatureValidationSpec(
        cert_validation_policy=certificates,
        ts_cert_validation_policy=certificates,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(
            known_ocsps=[
                container
                for one in known
                for der in one.ocsps
                for container in OCSPContainer.load_multi(ocsp.OCSPResponse.load(der))
            ],
            known_crls=[CRLContainer(crl.CertificateList.load(der)) for one in known for der in one.crls],
            # pyHanko looks for a CRL's issuer among the known certificates only, even when it is the anchor
            known_certs=[*(certificate.asn1 for one in known for certificate in one.chain), *list_roots()],
        ),
    )


@cache
def fetch_known() -> list[Evidence]:
    """Return what a validator would fetch on the day of signing."""
    seals = [open_seal_with(one) for one in (RSA, SignatureAlgorithm.ECDSA_P256_SHA256)]
    return collect_evidence(*list_people(), *seals)


@cache
def read_known(pdf: bytes) -> list[Evidence]:
    """Return what the file's store holds, as pyHanko finds it."""
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(pdf)))
    return [
        Evidence(
            chain=tuple(load_certificate(one.dump()) for one in store.load_certs()),
            ocsps=tuple(one.get_object().data for one in store.ocsps),
            crls=tuple(one.get_object().data for one in store.crls),
            fetched_at=EXTENDED_AT,
        )
    ]


def at_time(moment: datetime) -> ValidationTimingInfo:
    return ValidationTimingInfo(validation_time=moment, best_signature_time=moment, point_in_time_validation=False)


def list_signatures(pdf: bytes) -> tuple[list[Any], list[Any]]:
    """Return the signatures of a file and its document timestamps, read anew: pyHanko keeps state in them."""
    reader = PdfFileReader(io.BytesIO(pdf))
    return reader.embedded_regular_signatures, reader.embedded_timestamp_signatures


def list_digests(pdf: bytes) -> dict[str, tuple[bytes, int]]:
    """Return of each signature by its field's name what it covers: octets' digest and the end of its range."""
    regular, stamps = list_signatures(pdf)
    return {one.field_name: (one.compute_digest(), sum(list(one.byte_range)[2:])) for one in (*regular, *stamps)}


@pytest.fixture
def validate_long_term(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return pyHanko's long-term validation of a file's seal; without this it would ask the machine's clock."""

    def validate(pdf: bytes, moment: datetime) -> Any:
        class Frozen(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return moment.astimezone(tz)

        for module in (poe, ades_past):
            monkeypatch.setattr(module, "datetime", Frozen)
        seal = list_signatures(pdf)[0][-1]
        seal.compute_integrity_info()
        spec = PdfSignatureValidationSpec(build_spec())
        return asyncio.run(ades_lta_validation(seal, spec, timing_info=at_time(moment)))

    return validate


def test_basic_validation_passes_at_every_level(levels: Levels) -> None:
    fetched = collect_evidence(
        *list_people(), open_seal_with(RSA), open_seal_with(SignatureAlgorithm.ECDSA_P256_SHA256)
    )
    for pdf, known, moment in (
        (levels.bb, fetched, PDF_SIGNED_AT + MINUTE),
        (levels.bt, fetched, PDF_SIGNED_AT + MINUTE),
        (levels.blt, read_known(levels.blt), EXTENDED_AT + MINUTE),
        (levels.blta, read_known(levels.blta), EXTENDED_AT + MINUTE),
    ):
        for one in list_signatures(pdf)[0]:
            result = asyncio.run(
                ades_basic_validation(
                    one.signed_data,
                    build_spec(known),
                    timing_info=at_time(moment),
                    raw_digest=one.compute_digest(),
                )
            )
            assert result.ades_subindic is AdESPassed.OK, (one.field_name, result.failure_msg)


def test_validation_with_time_passes_for_the_seal(levels: Levels) -> None:
    """pyHanko demands a timestamp inside each signature; that the seal's covers the others is ours to conclude."""
    for pdf in (levels.bt, levels.blt, levels.blta):
        known = collect_evidence(
            *list_people(), open_seal_with(RSA), open_seal_with(SignatureAlgorithm.ECDSA_P256_SHA256)
        )
        person, _, seal = (
            asyncio.run(
                ades_with_time_validation(
                    one.signed_data,
                    build_spec(known),
                    timing_info=at_time(PDF_SIGNED_AT + MINUTE),
                    raw_digest=one.compute_digest(),
                )
            )
            for one in list_signatures(pdf)[0]
        )
        assert (seal.ades_subindic, seal.best_signature_time) == (AdESPassed.OK, PDF_SIGNED_AT)
        assert person.ades_subindic is AdESIndeterminate.SIG_CONSTRAINTS_FAILURE
        assert person.failure_msg == "No signature timestamp present"


def test_long_term_validation_passes_from_the_file_alone(
    levels: Levels, validate_long_term: Callable[..., Any]
) -> None:
    for pdf, moment in (
        (levels.blt, EXTENDED_AT + MINUTE),
        (levels.blta, EXTENDED_AT + MINUTE),
        (levels.renewed, RENEWED_AT + MINUTE),
    ):
        result = validate_long_term(pdf, moment)
        assert (result.ades_subindic, result.best_signature_time) == (AdESPassed.OK, PDF_SIGNED_AT)


def test_renewal_is_what_keeps_the_file_valid(validate_long_term: Callable[..., Any]) -> None:
    """Months later nothing else in the file says that its first document timestamp can still be believed."""
    levels = build_levels(RSA)
    stale = validate_long_term(levels.blta, RENEWED_AT + MINUTE)
    renewed = validate_long_term(levels.renewed, RENEWED_AT + MINUTE)
    assert stale.ades_subindic is AdESIndeterminate.NO_POE
    assert renewed.ades_subindic is AdESPassed.OK
    assert renewed.oldest_evidence_record_timestamp == EXTENDED_AT


def test_revision_analysis_sees_nothing_but_long_term_updates(levels: Levels) -> None:
    regular, stamps = list_signatures(levels.renewed)
    seal = validate_pdf_signature(regular[-1], build_context(), build_context())
    assert (seal.coverage, seal.modification_level) == (
        SignatureCoverageLevel.ENTIRE_REVISION,
        ModificationLevel.LTA_UPDATES,
    )
    assert seal.bottom_line
    assert seal.docmdp_ok
    first, last = (validate_pdf_timestamp(one, build_context()) for one in stamps)
    assert (first.intact, first.valid, first.trusted, first.coverage, first.modification_level) == (
        True,
        True,
        True,
        SignatureCoverageLevel.ENTIRE_REVISION,
        ModificationLevel.LTA_UPDATES,
    )
    assert (last.intact, last.trusted, last.coverage) == (True, True, SignatureCoverageLevel.ENTIRE_FILE)


@cache
def extended_full_pdf() -> bytes:
    """Return the full document of 19 signatures, its evidence stored before the seal, extended and renewed."""
    hour, age = EXTENDED_AT - PDF_SIGNED_AT, RENEWED_AT - PDF_SIGNED_AT
    evidence = collect_evidence(open_seal(), at=hour)
    extended = pades.extend(issued_pdf(), evidences=evidence, timestamps=build_client(hour))
    return pades.renew(extended, evidences=collect_evidence(at=age), timestamps=build_client(age))


def test_all_signatures_stay_valid_over_their_own_revisions() -> None:
    before, after = list_digests(issued_pdf()), list_digests(extended_full_pdf())
    assert len(before) == 19
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"dau-thoi-gian-1", "dau-thoi-gian-2"}
    for number, one in list(enumerate(list_signatures(extended_full_pdf())[0]))[::6]:  # its time grows as the square
        status = validate_pdf_signature(one, build_context(), build_context())
        assert status.bottom_line
        assert status.coverage is SignatureCoverageLevel.ENTIRE_REVISION
        expected = ModificationLevel.LTA_UPDATES if number == 18 else ModificationLevel.FORM_FILLING
        assert status.modification_level is expected


def test_rules_of_pdf_a_and_pdf_ua_hold_after_extension() -> None:
    assert check_pdf_a(extended_full_pdf()) == []
    assert check_pdf_ua(extended_full_pdf()) == []


def test_every_signature_has_its_entry_in_vri() -> None:
    reader = PdfFileReader(io.BytesIO(extended_full_pdf()))
    entries = reader.root["/DSS"]["/VRI"]
    named = {DocumentSecurityStore.sig_content_identifier(one.pkcs7_content) for one in reader.embedded_signatures}
    assert set(entries) == named - {
        DocumentSecurityStore.sig_content_identifier(reader.embedded_signatures[-1].pkcs7_content)  # nobody renewed it
    }
    assert all(entry["/OCSP"] and entry["/CRL"] for entry in entries.values())


@pytest.mark.skipif(PDFSIG is None, reason="pdfsig is not installed (apt-get install poppler-utils)")
@pytest.mark.parametrize(("build", "total"), [(issued_pdf, 1), (extended_full_pdf, 1)])
def test_pdfsig_finds_all_nineteen_valid(build: Callable[[], bytes], total: int, tmp_path: Path) -> None:
    """Of a document timestamp it says that it does not judge this kind."""
    assert PDFSIG is not None
    (tmp_path / "hocba.pdf").write_bytes(build())
    answer = run([PDFSIG, "-nocert", "hocba.pdf"], tmp_path)
    assert answer.stdout.count("Signature is Valid.") == 19
    assert answer.stdout.count("- Total document signed") == total


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (apt-get install openssl)")
def test_openssl_verifies_every_signature_and_every_token(levels: Levels, tmp_path: Path) -> None:
    regular, stamps = list_signatures(levels.renewed)
    for one in regular:
        verify_cms(levels.renewed, one, tmp_path)
    seal = regular[-1].signer_info
    token = next(
        attribute["values"][0].dump()
        for attribute in seal["unsigned_attrs"]
        if attribute["type"].native == "signature_time_stamp_token"
    )
    verify_token(token, seal["signature"].native, tmp_path)
    for one in stamps:
        verify_token(one.pkcs7_content[: parser.peek(one.pkcs7_content)], read_covered(levels.renewed, one), tmp_path)


def read_covered(pdf: bytes, one: Any) -> bytes:
    _, first, second, rest = one.byte_range
    return pdf[:first] + pdf[second : second + rest]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=folder)


def write_roots(folder: Path) -> list[str]:
    anchors = development_pki().trust_store().anchors
    (folder / "roots.pem").write_bytes(b"".join(anchor.certificate.pem for anchor in anchors))
    return ["-CAfile", "roots.pem", "-attime", str(int(PDF_SIGNED_AT.timestamp()))]


def verify_cms(pdf: bytes, one: Any, folder: Path) -> None:
    """Let OpenSSL verify a detached CMS object and its path."""
    assert OPENSSL is not None
    (folder / "cms.der").write_bytes(one.pkcs7_content)
    (folder / "content").write_bytes(read_covered(pdf, one))
    command = [OPENSSL, "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms.der", "-content", "content"]
    answer = run([*command, "-purpose", "any", *write_roots(folder), "-out", "out"], folder)
    assert answer.returncode == 0, answer.stderr


def verify_token(token: bytes, data: bytes, folder: Path) -> None:
    """Let OpenSSL verify a token over these octets, its path and its TSA's usage."""
    assert OPENSSL is not None
    (folder / "token.der").write_bytes(token)
    (folder / "data").write_bytes(data)
    command = [OPENSSL, "ts", "-verify", "-data", "data", "-in", "token.der", "-token_in"]
    answer = run([*command, *write_roots(folder)], folder)
    assert "Verification: OK" in answer.stdout, answer.stderr
