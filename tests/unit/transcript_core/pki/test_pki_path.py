"""Path validation and revocation: every answer of EN 319 102-1 that we give, each with the input that causes it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys_dev.pki import DevelopmentPki, Subscriber
from keys_dev.profiles import Profile
from tests.support.pki import CREATED_AT, development_pki, make_pki, pki_at
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.path import PathOutcome, PathResult, Purpose, SubIndication, validate_path
from transcript_core.pki.revocation import RevocationStatus
from transcript_core.pki.trust import TrustStore, World, build_anchor

AT = datetime(2026, 5, 30, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def issue(pki: DevelopmentPki | None = None, **changes: object) -> Certificate:
    """Issue a certificate to somebody new, also for other processes that share the PKI: a test may revoke it."""
    pki = pki or development_pki()
    settings: dict[str, object] = {"world": World.PUBLIC_DUTY, "key_kind": "p-256", **changes}
    name = f"Người Thử {uuid.uuid4()}"
    subscriber = Subscriber(name, "CCCD:099000000001", "Trường thử", **settings)  # type: ignore[arg-type]
    return pki.read_certificate(pki.issue(subscriber))


def fetch_ocsp(certificate: Certificate, at: datetime = AT, pki: DevelopmentPki | None = None) -> bytes:
    """Ask the PKI's responder about a certificate."""
    pki = pki or development_pki()
    issuer = next(one for one in pki.trust_store().intermediates if one.subject == certificate.issuer)
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, hashes.SHA1()).build()
    body = request.public_bytes(Encoding.DER)
    return pki_at(at, pki)(certificate.ocsp_urls[0], body=body, max_bytes=100_000)


def fetch_crls(at: datetime = AT, pki: DevelopmentPki | None = None, *, roots_only: bool = False) -> list[bytes]:
    """Get the CRLs of the CAs."""
    pki = pki or development_pki()
    names = ["national-root", "public-duty-root", *([] if roots_only else ["national-ca", "public-duty-ca"])]
    return [pki_at(at, pki)(f"{pki.base_url}/crl/{name}.crl", max_bytes=1_000_000) for name in names]


def validate(certificate: Certificate, **changes: object) -> PathResult:
    """Validate with everything in order, but for `changes`."""
    usual: dict[str, object] = {"trust": development_pki().trust_store(), "at": AT, "crls": fetch_crls()}
    return validate_path(certificate, **{**usual, **changes})  # type: ignore[arg-type]


def answer(result: PathResult) -> tuple[PathOutcome, SubIndication | None]:
    """Return outcome and sub-indication."""
    return result.outcome, result.sub_indication


INDETERMINATE = PathOutcome.INDETERMINATE
VALID = (PathOutcome.VALID, None)


# Good ones


@pytest.mark.parametrize("world", list(World))
@pytest.mark.parametrize("key_kind", ["rsa-2048", "p-256"])
def test_good_certificate_is_valid_and_says_its_world(world: World, key_kind: str) -> None:
    result = validate(issue(world=world, key_kind=key_kind))
    assert answer(result) == VALID
    assert (result.world, result.development, result.revocation.status) == (world, True, RevocationStatus.GOOD)
    assert [one.is_ca for one in result.chain] == [False, True]


def test_ocsp_alone_is_enough_for_the_leaf() -> None:
    leaf = issue()
    assert answer(validate(leaf, ocsps=[fetch_ocsp(leaf)], crls=fetch_crls(roots_only=True))) == VALID


def test_intermediate_may_come_with_the_document() -> None:
    store = development_pki().trust_store()
    bare = TrustStore(store.anchors)
    assert answer(validate(issue(), trust=bare, extra=store.intermediates)) == VALID
    assert answer(validate(issue(), trust=bare)) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


# Paths and usage


def test_other_anchors_do_not_help(tmp_path: Path) -> None:
    other = make_pki(tmp_path).trust_store()
    result = validate(issue(), trust=other)
    assert answer(result) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    assert (result.world, result.development) == (None, False)


def test_carried_root_is_not_trusted(tmp_path: Path) -> None:
    foreign = make_pki(tmp_path)
    store = foreign.trust_store()
    extra = [*store.intermediates, *(anchor.certificate for anchor in store.anchors)]
    result = validate(issue(foreign), extra=extra, crls=fetch_crls(pki=foreign))
    assert answer(result) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


@pytest.mark.parametrize("purpose", [Purpose.SIGNING, Purpose.TIMESTAMPING])
def test_certificate_without_the_usage_is_refused(purpose: Purpose) -> None:
    result = validate(issue(profile=Profile.NO_SIGNING_USAGE), purpose=purpose)
    assert answer(result) == (INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_tsa_certificate_cannot_sign_documents_nor_a_ca() -> None:
    tsa = load_certificate(development_pki().read_key("tsa")[0])
    assert answer(validate(tsa, purpose=Purpose.TIMESTAMPING)) == VALID
    ca = development_pki().trust_store().intermediates[0]
    for certificate in (tsa, ca):
        assert answer(validate(certificate)) == (INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_a_person_cannot_issue_certificates() -> None:
    root = _Authority("Gốc")
    person = root.issue("Người", ca=False)
    victim = person.issue("Nạn nhân", ca=False)
    result = validate(victim.certificate, trust=root.trust(), extra=[person.certificate], crls=[])
    assert answer(result) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_path_length_and_name_constraints_hold() -> None:
    root = _Authority("Gốc")
    first = root.issue("Một", ca=True, path_length=0)
    second = first.issue("Hai", ca=True)
    leaf = second.issue("Người", ca=False)
    pool = [first.certificate, second.certificate]
    crls = [one.crl() for one in (root, first, second)]
    result = validate(leaf.certificate, trust=root.trust(), extra=pool, crls=crls)
    assert answer(result) == (INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_unknown_critical_extension_is_refused() -> None:
    root = _Authority("Gốc")
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    leaf = root.issue("Người", ca=False, critical=strange)
    result = validate(leaf.certificate, trust=root.trust(), crls=[root.crl()])
    assert answer(result) == (INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_weak_keys_and_hashes_are_refused() -> None:
    root = _Authority("Gốc")
    weak_key = root.issue("Khóa ngắn", ca=False, key=_weak_key())
    weak_hash = root.issue("SHA-1", ca=False, algorithm=hashes.SHA1())
    under_weak = _Authority("Gốc yếu", key=_weak_key()).issue("Người", ca=False)
    assert under_weak.parent is not None
    for one, trust in ((weak_key, root.trust()), (weak_hash, root.trust()), (under_weak, under_weak.parent.trust())):
        assert one.parent is not None
        result = validate(one.certificate, trust=trust, crls=[one.parent.crl()])
        assert answer(result) == (INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)


def test_forged_signature_by_a_ca_of_the_same_name_is_no_path() -> None:
    real, fake = _Authority("Gốc"), _Authority("Gốc")
    leaf = fake.issue("Người", ca=False)
    result = validate(leaf.certificate, trust=real.trust(), crls=[real.crl()])
    assert answer(result) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_mesh_of_certificates_ends_soon() -> None:
    """A dozen CAs that all certify each other make more paths than anybody can try."""
    authorities = [_Authority(f"Lưới {number}") for number in range(12)]
    mesh = [one.cross(other).certificate for one in authorities for other in authorities if one is not other]
    leaf = authorities[0].issue("Người", ca=False)
    start = time.process_time()
    result = validate(leaf.certificate, extra=mesh[:120], crls=[])
    assert answer(result) == (INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    assert time.process_time() - start < 2.0


# Time


def test_validity_periods_without_knowledge_of_the_time_of_signing() -> None:
    expired = issue(valid_from=CREATED_AT - 300 * DAY, valid_to=CREATED_AT)
    early = issue(valid_from=AT + DAY, valid_to=AT + 30 * DAY)
    for certificate in (expired, early):
        assert answer(validate(certificate)) == (INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE)


def test_validity_periods_with_a_known_time_of_signing() -> None:
    expired = issue(valid_from=CREATED_AT - 300 * DAY, valid_to=CREATED_AT)
    early = issue(valid_from=AT + DAY, valid_to=AT + 30 * DAY)
    assert answer(validate(expired, signed_after=AT)) == (PathOutcome.INVALID, SubIndication.EXPIRED)
    assert answer(validate(early, signed_after=AT)) == (PathOutcome.INVALID, SubIndication.NOT_YET_VALID)
    before = CREATED_AT - DAY
    assert answer(validate(expired, at=before, signed_after=before, crls=fetch_crls(before))) == VALID


def test_anchor_out_of_date_is_indeterminate() -> None:
    root = _Authority("Gốc", until=AT - DAY)
    leaf = root.issue("Người", ca=False)
    result = validate(leaf.certificate, trust=root.trust(), crls=[root.crl()])
    assert answer(result) == (INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE)
    assert "Gốc" in result.detail


# Revocation


def test_unknown_revocation_is_never_valid() -> None:
    leaf = issue()
    for crls in ([], fetch_crls(roots_only=True)):
        result = validate(leaf, crls=crls)
        assert answer(result) == (INDETERMINATE, SubIndication.TRY_LATER)
        assert result.revocation.status is RevocationStatus.UNKNOWN
    only_leaf = validate(leaf, crls=[], ocsps=[fetch_ocsp(leaf)])
    assert answer(only_leaf) == (INDETERMINATE, SubIndication.TRY_LATER)
    assert only_leaf.revocation.status is RevocationStatus.GOOD


def test_stale_data_does_not_count_unless_allowed() -> None:
    leaf = issue()
    data = {"ocsps": [fetch_ocsp(leaf)], "crls": fetch_crls(), "at": AT + 8 * DAY}
    assert answer(validate(leaf, **data)) == (INDETERMINATE, SubIndication.TRY_LATER)
    assert answer(validate(leaf, **data, max_age=9 * DAY)) == VALID


def test_data_made_after_the_moment_counts() -> None:
    leaf = issue()
    later = AT + 100 * DAY
    assert answer(validate(leaf, ocsps=[fetch_ocsp(leaf, later)], crls=fetch_crls(later))) == VALID


def test_data_made_after_expiry_says_nothing() -> None:
    """A CA may drop expired certificates from its list."""
    leaf = issue(valid_to=AT + DAY)
    assert answer(validate(leaf, crls=fetch_crls(AT + 2 * DAY))) == (INDETERMINATE, SubIndication.TRY_LATER)


@pytest.mark.parametrize("by", ["ocsp", "crl", "both"])
def test_revocation_flips_good_to_revoked(by: str) -> None:
    leaf = issue()

    def look(at: datetime) -> PathResult:
        ocsps = [] if by == "crl" else [fetch_ocsp(leaf, at)]
        return validate(leaf, at=at, ocsps=ocsps, crls=fetch_crls(at, roots_only=by == "ocsp"))

    assert answer(look(AT)) == VALID
    development_pki().revoke(leaf, at=AT + DAY, reason="key_compromise")
    assert answer(look(AT)) == VALID
    result = look(AT + 2 * DAY)
    assert answer(result) == (INDETERMINATE, SubIndication.REVOKED_NO_POE)
    assert (result.revocation.revoked_at, result.revocation.reason) == (AT + DAY, "keyCompromise")


def test_time_of_signing_decides_between_revoked_and_good() -> None:
    leaf = issue()
    development_pki().revoke(leaf, at=AT, reason="superseded")
    later = fetch_crls(AT + 2 * DAY)
    assert answer(validate(leaf, at=AT - timedelta(hours=1), crls=later)) == VALID
    after = validate(leaf, at=AT + DAY, signed_after=AT + timedelta(hours=1), crls=later)
    assert answer(after) == (PathOutcome.INVALID, SubIndication.REVOKED)
    around = validate(leaf, at=AT + DAY, signed_after=AT - timedelta(hours=1), crls=later)
    assert answer(around) == (INDETERMINATE, SubIndication.REVOKED_NO_POE)


def test_one_revoked_answer_outweighs_good_ones() -> None:
    """A good OCSP answer kept from before the revocation must not hide the CRL that tells it, in either order."""
    leaf = issue()
    good = [fetch_ocsp(leaf)]
    development_pki().revoke(leaf, at=AT + timedelta(hours=1))
    later = AT + timedelta(hours=2)
    revoked = fetch_ocsp(leaf, later)
    for ocsps, crls in (
        (good, fetch_crls(later)),
        ([*good, revoked], fetch_crls(roots_only=True)),
        ([revoked, *good], fetch_crls()),
    ):
        assert answer(validate(leaf, at=later, ocsps=ocsps, crls=crls))[1] is SubIndication.REVOKED_NO_POE


def test_revoked_ca_makes_everything_below_doubtful(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    leaf = issue(pki)
    ca = next(one for one in pki.trust_store().intermediates if one.subject == leaf.issuer)
    pki.revoke(ca, at=AT - DAY)
    result = validate(leaf, trust=pki.trust_store(), crls=fetch_crls(pki=pki))
    assert answer(result) == (INDETERMINATE, SubIndication.REVOKED_CA_NO_POE)


def test_ocsp_answer_about_another_certificate_says_nothing() -> None:
    leaf, other = issue(), issue()
    result = validate(leaf, ocsps=[fetch_ocsp(other)], crls=fetch_crls(roots_only=True))
    assert answer(result) == (INDETERMINATE, SubIndication.TRY_LATER)


def test_responder_that_does_not_know_the_certificate_says_nothing(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    leaf = issue(pki)
    next((tmp_path / "issued" / "public-duty-ca").glob(f"{leaf.serial:x}.pem")).unlink()
    result = validate(
        leaf, trust=pki.trust_store(), ocsps=[fetch_ocsp(leaf, pki=pki)], crls=fetch_crls(pki=pki, roots_only=True)
    )
    assert answer(result) == (INDETERMINATE, SubIndication.TRY_LATER)


def test_ocsp_answer_by_a_stranger_says_nothing(tmp_path: Path) -> None:
    """Another PKI's responder, a signer's own certificate, and a responder without the usage."""
    leaf = issue()
    foreign = _Authority("Gốc lạ")
    stranger = foreign.issue("OCSP", ca=False, usage=[ExtendedKeyUsageOID.OCSP_SIGNING])
    issuer = next(one for one in development_pki().trust_store().intermediates if one.subject == leaf.issuer)
    forged = _build_ocsp(leaf, issuer, stranger)
    result = validate(leaf, ocsps=[forged], crls=fetch_crls(roots_only=True))
    assert answer(result) == (INDETERMINATE, SubIndication.TRY_LATER)
    assert "did not entitle" in result.detail


@pytest.mark.parametrize(
    ("usage", "in_date", "counts"),
    [
        ([ExtendedKeyUsageOID.OCSP_SIGNING], True, True),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], True, False),
        (None, True, False),
        ([ExtendedKeyUsageOID.OCSP_SIGNING], False, False),
    ],
)
def test_delegated_responder_needs_the_usage_and_to_be_in_date(
    usage: list[x509.ObjectIdentifier] | None, in_date: bool, counts: bool
) -> None:
    root = _Authority("Gốc")
    leaf = root.issue("Người", ca=False)
    until = AT + 300 * DAY if in_date else AT - DAY
    responder = root.issue("OCSP", ca=False, usage=usage, until=until, no_check=True)
    answer_der = _build_ocsp(leaf.certificate, root.certificate, responder)
    result = validate(leaf.certificate, trust=root.trust(), ocsps=[answer_der], crls=[])
    assert answer(result) == (VALID if counts else (INDETERMINATE, SubIndication.TRY_LATER))


def test_responder_that_may_be_revoked_needs_a_crl() -> None:
    root = _Authority("Gốc")
    leaf = root.issue("Người", ca=False)
    responder = root.issue("OCSP", ca=False, usage=[ExtendedKeyUsageOID.OCSP_SIGNING])
    ocsps = [_build_ocsp(leaf.certificate, root.certificate, responder)]
    assert validate(leaf.certificate, trust=root.trust(), ocsps=ocsps, crls=[]).sub_indication == "TRY_LATER"
    assert answer(validate(leaf.certificate, trust=root.trust(), ocsps=ocsps, crls=[root.crl()])) == VALID


def test_ca_may_answer_itself() -> None:
    root = _Authority("Gốc")
    leaf = root.issue("Người", ca=False)
    answer_der = _build_ocsp(leaf.certificate, root.certificate, root)
    assert answer(validate(leaf.certificate, trust=root.trust(), ocsps=[answer_der], crls=[])) == VALID


@pytest.mark.parametrize("position", [40, -40])
def test_changed_revocation_data_says_nothing(position: int) -> None:
    leaf = issue()
    for kind in ("ocsps", "crls"):
        pieces = [fetch_ocsp(leaf)] if kind == "ocsps" else fetch_crls()
        changed = [piece[:position] + bytes([piece[position] ^ 1]) + piece[position + 1 :] for piece in pieces]
        data = {"ocsps": [], "crls": fetch_crls(roots_only=True), kind: changed}
        assert answer(validate(leaf, **data)) == (INDETERMINATE, SubIndication.TRY_LATER)


def test_rubbish_is_passed_over() -> None:
    leaf = issue()
    rubbish = [b"", b"\x00", b"\x30\x80", b"0" * 70_000, fetch_crls()[0][:-1]]
    assert answer(validate(leaf, ocsps=rubbish, crls=[*rubbish, *fetch_crls()])) == VALID


@pytest.mark.parametrize(
    ("point", "counts"),
    [
        ({}, True),
        ({"only_contains_user_certs": True}, True),
        ({"only_contains_ca_certs": True}, False),
        ({"indirect_crl": True}, False),
        ({"only_some_reasons": frozenset([x509.ReasonFlags.key_compromise])}, False),
        ({"full_name": [x509.UniformResourceIdentifier("http://khac.example/crl")]}, False),
        ({"delta": True}, False),
    ],
)
def test_only_complete_crls_about_this_kind_count(point: dict[str, object], counts: bool) -> None:
    root = _Authority("Gốc")
    leaf = root.issue("Người", ca=False)
    result = validate(leaf.certificate, trust=root.trust(), crls=[root.crl(**point)])  # type: ignore[arg-type]
    assert (answer(result) == VALID) is counts


def test_crl_by_a_ca_of_the_same_name_says_nothing() -> None:
    root, fake = _Authority("Gốc"), _Authority("Gốc")
    leaf = root.issue("Người", ca=False)
    result = validate(leaf.certificate, trust=root.trust(), crls=[fake.crl()])
    assert answer(result) == (INDETERMINATE, SubIndication.TRY_LATER)


# Speed and surroundings


def test_works_inside_an_event_loop_and_in_threads() -> None:
    leaf = issue()
    crls = fetch_crls()

    async def inside() -> PathResult:
        return validate(leaf, crls=crls, at=AT + timedelta(minutes=1))

    assert answer(asyncio.run(inside())) == VALID
    with ThreadPoolExecutor(4) as pool:
        moments = [AT + timedelta(seconds=number) for number in range(12)]
        results = list(pool.map(lambda at: answer(validate(leaf, crls=crls, at=at)), moments))
    assert results == [VALID] * 12


def test_nineteen_certificates_take_little_time() -> None:
    leaves = [issue() for _ in range(19)]
    ocsps = [fetch_ocsp(leaf) for leaf in leaves]
    crls = fetch_crls()
    trust = development_pki().trust_store()
    start = time.process_time()
    results = [validate_path(leaf, trust=trust, at=AT, ocsps=ocsps, crls=crls) for leaf in leaves]
    took = time.process_time() - start
    assert [answer(one) for one in results] == [VALID] * 19
    assert took < 0.5, took  # about 0.05 s on two quiet cores


# A small PKI of one's own, for certificates that the development PKI does not make


@cache
def _weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


class _Authority:
    def __init__(
        self,
        name: str,
        *,
        parent: _Authority | None = None,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
        ca: bool = True,
        path_length: int | None = None,
        algorithm: hashes.HashAlgorithm | None = None,
        critical: x509.ExtensionType | None = None,
        usage: Sequence[x509.ObjectIdentifier] | None = None,
        until: datetime | None = None,
        no_check: bool = False,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.parent = parent
        issuer = parent or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(AT - 300 * DAY)
            .not_valid_after(until or AT + 300 * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        if critical is not None:
            builder = builder.add_extension(critical, critical=True)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        if no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        if isinstance(algorithm, hashes.SHA1):
            self.x509 = _sign_with_sha1(builder, issuer)
        else:
            self.x509 = builder.sign(issuer.key, hashes.SHA256())
        self.certificate = load_certificate(self.x509.public_bytes(Encoding.DER))

    def issue(self, name: str, **settings: object) -> _Authority:
        return _Authority(name, parent=self, **settings)  # type: ignore[arg-type]

    def cross(self, other: _Authority) -> _Authority:
        return _Authority(_text(other.name), parent=self, key=other.key)

    def trust(self) -> TrustStore:
        return TrustStore((build_anchor(self.certificate, World.NATIONAL),))

    def crl(self, *, delta: bool = False, **point: object) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(AT - timedelta(hours=1))
            .next_update(AT + DAY)
        )
        if delta:
            builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
        if point:
            usual: dict[str, object] = {
                "full_name": None,
                "relative_name": None,
                "only_contains_user_certs": False,
                "only_contains_ca_certs": False,
                "only_some_reasons": None,
                "indirect_crl": False,
                "only_contains_attribute_certs": False,
            }
            extension = x509.IssuingDistributionPoint(**{**usual, **point})  # type: ignore[arg-type]
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _text(name: x509.Name) -> str:
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _sign_with_sha1(builder: x509.CertificateBuilder, issuer: _Authority) -> x509.Certificate:
    """Make a certificate with ecdsa-with-SHA1, by hand: no library signs that any more."""
    from asn1crypto import x509 as asn1  # noqa: PLC0415

    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    made = asn1.Certificate.load(builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER))
    made["tbs_certificate"]["signature"] = {"algorithm": "sha1_ecdsa"}
    made["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    made["signature_value"] = issuer.key.sign(made["tbs_certificate"].dump(), ec.ECDSA(hashes.SHA1()))
    return x509.load_der_x509_certificate(made.dump())


def _build_ocsp(leaf: Certificate, issuer: Certificate, signer: _Authority) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.x509, issuer.x509, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, AT, AT + DAY, None, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.x509).certificates([signer.x509])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)
