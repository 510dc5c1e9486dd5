"""EN 319 102-1, 5.3 to 5.6, as a table: what happened to a signature's certificates, and the answer that must follow.

Each story is one signature of 2026 with what it carries, asked about at some later time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.lasting import DAY, Holder, day, make_root, trust
from transcript_core.pki.algorithms import SignatureAlgorithm, algorithm_for
from transcript_core.pki.trust import TrustStore, TrustUse
from verify.examination import Context
from verify.policy import INSPECTION_POLICY
from verify.proofs import examine
from verify.report import Outcome, SignatureReport
from verify.report import SubIndication as Sub
from verify.signature import CarriedTimestamp, SignatureFacts, SignatureFormatName
from verify.signatures import report_signature

SIGNED = day(2026, 6)
STAMPED = SIGNED + DAY
VALUE = b"<ds:SignatureValue>"
PASSED = (Outcome.PASSED, None)


def unsure(sub: Sub) -> tuple[Outcome, Sub]:
    return Outcome.INDETERMINATE, sub


def refused(sub: Sub) -> tuple[Outcome, Sub]:
    return Outcome.FAILED, sub


@cache
def root() -> Holder:
    return make_root("Gốc", day(2020), day(2070))


@cache
def _ca(name: str, until: int, kind: str) -> Holder:
    return root().issue(name, day(2021), day(until), is_ca=True, kind=kind)


def ca(name: str = "CA", until: int = 2045, kind: str = "p-256") -> Holder:
    return _ca(name, until, kind)


@cache
def person(issuer: str = "CA", kind: str = "p-256", issuer_kind: str = "p-256", until: int = 2045) -> Holder:
    return ca(issuer, until, issuer_kind).issue("Người ký", day(2025), day(2028), kind=kind)


@cache
def tsa(name: str = "TSA", until: int = 2036) -> Holder:
    return ca(f"CA của {name}", 2065).issue_tsa(name, day(2025), day(until))


@dataclass(frozen=True)
class Signature:
    """What one signature carries."""

    signer: Holder
    claimed: datetime | None = SIGNED
    stamps: tuple[CarriedTimestamp, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    trust: TrustStore = field(default_factory=lambda: trust(root()))
    algorithm: SignatureAlgorithm | None = None
    last: Holder | None = None  # who gave the last timestamp

    def stamped(self, by: Holder, at: datetime) -> Signature:
        """Add a timestamp on the value, and behind it what its authority's status was."""
        stamp = CarriedTimestamp(by.stamp_octets(VALUE, at), VALUE)
        return replace(self, stamps=(*self.stamps, stamp), crls=(*self.crls, *by.prove(at).crls), last=by)

    def archived(self, by: Holder, at: datetime) -> Signature:
        """Add the last authority's status once more, a timestamp over everything, and its authority's status."""
        return self.with_crls(*self.last.prove(at).crls if self.last else ())._stamped_over_all(by, at)

    def _stamped_over_all(self, by: Holder, at: datetime) -> Signature:
        octets = VALUE + b"".join(self.list_objects())
        stamp = CarriedTimestamp(by.stamp_octets(octets, at), octets, archive=True, objects=self.list_objects())
        return replace(self, stamps=(*self.stamps, stamp), crls=(*self.crls, *by.prove(at).crls), last=by)

    def with_status(self, at: datetime) -> Signature:
        """Add what is fetched about the signer."""
        return replace(self, crls=(*self.crls, *self.signer.prove(at).crls))

    def with_crls(self, *crls: bytes) -> Signature:
        return replace(self, crls=(*self.crls, *crls))

    def with_ocsps(self, *ocsps: bytes) -> Signature:
        return replace(self, ocsps=(*self.ocsps, *ocsps))

    def list_objects(self) -> tuple[bytes, ...]:
        chain = (self.signer.certificate, *self.signer.chain)
        return (*(one.der for one in chain), *self.ocsps, *self.crls, *(one.token for one in self.stamps))

    def facts(self) -> SignatureFacts:
        chain = (self.signer.certificate, *self.signer.chain)
        return SignatureFacts(
            label="#1",
            format=SignatureFormatName.XADES,
            slot=None,
            references_intact=True,
            value_intact=True,
            certificate=chain[0],
            certificates=chain,
            certificate_is_bound=True,
            algorithm=self.algorithm or algorithm_for(chain[0]),
            signed_at=self.claimed,
            policy_id=None,
            policy_digest=None,
            commitments=(),
            timestamps=self.stamps,
            ocsps=self.ocsps,
            crls=self.crls,
            troubles=(),
            level=None,
            covers=(),
            covered_labels=frozenset(),
            covered_whole=frozenset(),
            embedded=chain,
        )

    def ask(self, at: datetime) -> SignatureReport:
        context = Context(self.trust, None, None, INSPECTION_POLICY, at)
        (examined,) = examine([self.facts()], [], context).signatures
        return report_signature(examined, context)


def plain(**settings: object) -> Signature:
    """Return a signature of level B-T with what was fetched about everybody when it was stamped."""
    return Signature(person(**settings)).stamped(tsa(), STAMPED).with_status(STAMPED)


def bare() -> Signature:
    """Return the same without a timestamp."""
    return Signature(person()).with_status(SIGNED)


@dataclass(frozen=True)
class Story:
    name: str
    clause: str
    build: Callable[[], Signature]
    at: datetime
    expected: tuple[Outcome, Sub | None]

    def __str__(self) -> str:
        return self.name


def revoked_person(moment: datetime, reason: str | None = None) -> bytes:
    return ca().crl(day(2027, 9), (person(), moment), reason=reason)


def revoked_ca(moment: datetime) -> bytes:
    return root().crl(day(2030), (ca(), moment))


def revoked_tsa(moment: datetime, told: datetime | None = None) -> bytes:
    issuer = tsa().parent
    assert issuer is not None
    return issuer.crl(told or day(2030), (tsa(), moment))


def renewed(years: Sequence[int], **settings: object) -> Signature:
    """Return the signature archived once by an authority that starts anew in each of these years."""
    signature = plain(**settings)
    for year in years:
        authority = ca("CA của TSA", 2065).issue_tsa(f"TSA {year}", day(year - 1), day(year + 11))
        signature = signature.archived(authority, day(year))
    return signature


def rsa_signer(*, archived_in: int | None) -> Signature:
    signature = Signature(person("CA RSA", kind="rsa-2048")).stamped(tsa(), STAMPED).with_status(STAMPED)
    return signature if archived_in is None else signature.archived(tsa(), day(archived_in))


def rsa_issuer(*, archived_in: int | None) -> Signature:
    signature = Signature(person("CA RSA cũ", issuer_kind="rsa-2048")).stamped(tsa(), STAMPED).with_status(STAMPED)
    return signature if archived_in is None else signature.archived(tsa(), day(archived_in))


def by_responder(responder: Holder, at: datetime = STAMPED) -> Signature:
    """Return the signature with an OCSP answer in place of the CA's list."""
    issuer = ca()
    signature = Signature(person()).stamped(tsa(), STAMPED).with_crls(root().crl(STAMPED))
    return signature.with_ocsps(issuer.ocsp(person(), at, by=responder))


def short_lived() -> Holder:
    return ca().issue_responder(day(2026), day(2026, 12))


STORIES = (
    # 5.3 basic signatures
    Story("good_now", "5.3.4", bare, SIGNED + DAY, PASSED),
    Story(
        "no_anchor",
        "5.2.6.4",
        lambda: replace(bare(), trust=trust(make_root("Khác", day(2020), day(2070)))),
        SIGNED + DAY,
        unsure(Sub.NO_CERTIFICATE_CHAIN_FOUND),
    ),
    Story("no_status", "5.2.6.4", lambda: Signature(person()), SIGNED + DAY, unsure(Sub.TRY_LATER)),
    Story("status_of_sixty_days_is_fresh", "5.2.5.4", bare, SIGNED + 59 * DAY, PASSED),
    Story("status_of_seventy_days_is_stale", "5.2.5.4", bare, SIGNED + 70 * DAY, unsure(Sub.TRY_LATER)),
    Story(
        "status_made_later_is_fresh",
        "5.2.5.4",
        lambda: bare().with_crls(ca().crl(day(2027)), root().crl(day(2027))),
        day(2027) + DAY,
        PASSED,
    ),
    Story(
        "expired_without_timestamp",
        "5.2.6.4",
        lambda: replace(bare(), claimed=None),
        day(2030),
        unsure(Sub.OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "expired_and_known_not_revoked",
        "5.2.6.4",
        lambda: replace(bare().with_crls(ca().crl(day(2027, 12, 31))), claimed=None),
        day(2028, 1, 20),
        unsure(Sub.OUT_OF_BOUNDS_NOT_REVOKED),
    ),
    Story(
        "signed_after_expiry_by_own_word",
        "5.3.4",
        lambda: replace(bare(), claimed=day(2029)),
        day(2030),
        refused(Sub.EXPIRED),
    ),
    Story(
        "revoked_without_timestamp",
        "5.2.6.4",
        lambda: bare().with_crls(revoked_person(day(2027))),
        day(2027, 9, 2),
        unsure(Sub.REVOKED_NO_POE),
    ),
    Story(
        "signed_after_revocation_by_own_word",
        "5.3.4",
        lambda: bare().with_crls(revoked_person(SIGNED - DAY)),
        day(2027, 9, 2),
        refused(Sub.REVOKED),
    ),
    Story(
        "on_hold",
        "5.2.6.4",
        lambda: bare().with_crls(revoked_person(SIGNED + DAY, "certificateHold")),
        day(2027, 9, 2),
        unsure(Sub.TRY_LATER),
    ),
    # 5.5 signatures with time
    Story("expired_with_timestamp", "5.5.4", plain, day(2030), PASSED),
    Story(
        "revoked_after_the_timestamp",
        "5.5.4",
        lambda: plain().with_crls(revoked_person(STAMPED + DAY)),
        day(2030),
        PASSED,
    ),
    Story(
        "revoked_between_claim_and_timestamp",
        "5.5.4",
        lambda: plain().with_crls(revoked_person(SIGNED + DAY / 2)),
        day(2030),
        unsure(Sub.REVOKED_NO_POE),
    ),
    Story(
        "revoked_before_the_timestamp_by_own_word",
        "5.5.4",
        lambda: plain().with_crls(revoked_person(SIGNED - DAY)),
        day(2030),
        refused(Sub.REVOKED),
    ),
    Story(
        "status_too_old_for_the_timestamp",
        "5.2.5.4",
        lambda: Signature(person()).with_status(SIGNED).stamped(tsa(), SIGNED + 90 * DAY),
        SIGNED + 91 * DAY,
        unsure(Sub.TRY_LATER),
    ),
    Story(
        "stamped_before_the_certificate",
        "5.5.4",
        lambda: (
            replace(Signature(person()), claimed=None)
            .stamped(ca("CA của TSA", 2065).issue_tsa("TSA sớm", day(2023), day(2036)), day(2024))
            .with_status(day(2026))
        ),
        day(2027),
        refused(Sub.NOT_YET_VALID),
    ),
    Story(
        "stamped_by_somebody_without_the_usage",
        "5.4.4",
        lambda: bare().stamped(ca().issue("Không phải TSA", day(2025), day(2036)), STAMPED),
        STAMPED + DAY,
        unsure(Sub.CHAIN_CONSTRAINTS_FAILURE),
    ),
    Story(
        "stamped_before_its_authority_had_a_certificate",
        "5.4.4",
        lambda: bare().stamped(ca("CA của TSA", 2065).issue_tsa("TSA muộn", day(2027), day(2036)), STAMPED),
        STAMPED + DAY,
        unsure(Sub.NOT_YET_VALID),
    ),
    Story(
        "timestamp_for_other_octets",
        "5.4.4",
        lambda: replace(plain(), stamps=(CarriedTimestamp(tsa().stamp_octets(b"other", STAMPED), VALUE),)),
        STAMPED + DAY,
        unsure(Sub.HASH_FAILURE),
    ),
    Story("timestamp_later_than_the_question", "5.4.4", plain, SIGNED + DAY / 2, unsure(Sub.NO_POE)),
    Story(
        "archive_older_than_the_signature_timestamp",
        "5.5.4",
        lambda: plain().archived(tsa(), STAMPED - 5 * DAY),
        day(2027),
        unsure(Sub.TIMESTAMP_ORDER_FAILURE),
    ),
    Story("authority_expired", "5.4.4", plain, day(2040), unsure(Sub.OUT_OF_BOUNDS_NO_POE)),
    Story(
        "authority_revoked_later",
        "5.4.4",
        lambda: plain().with_crls(revoked_tsa(STAMPED + 10 * DAY, STAMPED + 15 * DAY)),
        STAMPED + 20 * DAY,
        unsure(Sub.REVOKED_NO_POE),
    ),
    # 5.2.5 and 5.2.6: who may speak of revocation
    Story("ocsp_by_the_ca", "5.2.6.4", lambda: by_responder(ca()), day(2027), PASSED),
    Story(
        "ocsp_by_a_delegate",
        "5.2.6.4",
        lambda: by_responder(ca().issue_responder(day(2025), day(2035))),
        day(2027),
        PASSED,
    ),
    Story(
        "ocsp_by_a_delegate_without_the_usage",
        "RFC 6960, 4.2.2.2",
        lambda: by_responder(ca().issue_responder(day(2025), day(2035), usage=[ExtendedKeyUsageOID.CODE_SIGNING])),
        day(2027),
        unsure(Sub.TRY_LATER),
    ),
    Story(
        "ocsp_by_another_ca",
        "RFC 6960, 4.2.2.2",
        lambda: by_responder(ca("CA khác").issue_responder(day(2025), day(2035))),
        day(2027),
        unsure(Sub.TRY_LATER),
    ),
    Story(
        "ocsp_by_a_delegate_past_its_end",
        "5.2.6.4",
        lambda: by_responder(short_lived()),
        day(2027),
        unsure(Sub.REVOCATION_OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "ocsp_of_old_that_an_archive_timestamp_covers",
        "5.6.2.4",
        lambda: by_responder(short_lived()).archived(tsa(), day(2026, 7)),
        day(2027),
        PASSED,
    ),
    Story(
        "ocsp_of_old_that_was_covered_too_late",
        "5.6.2.2",
        lambda: by_responder(short_lived()).archived(tsa(), day(2027)),
        day(2027, 2),
        unsure(Sub.REVOCATION_OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "ocsp_of_long_before",
        "5.2.5.4",
        lambda: by_responder(ca(), SIGNED - 90 * DAY),
        day(2027),
        unsure(Sub.TRY_LATER),
    ),
    # 5.6 long-term availability
    Story(
        "ca_revoked_after_everything_without_archive",
        "5.5.4",
        lambda: plain().with_crls(revoked_ca(day(2029))),
        day(2030, 2),
        unsure(Sub.REVOKED_CA_NO_POE),
    ),
    Story(
        "ca_revoked_after_the_archive_timestamp",
        "5.6.2.4",
        lambda: plain().archived(tsa(), day(2026, 7)).with_crls(revoked_ca(day(2029))),
        day(2030, 2),
        PASSED,
    ),
    Story(
        "ca_revoked_before_the_archive_timestamp",
        "5.6.2.2",
        lambda: plain().archived(tsa(), day(2026, 7)).with_crls(revoked_ca(STAMPED - DAY / 4)),
        day(2030, 2),
        unsure(Sub.REVOKED_CA_NO_POE),
    ),
    Story(
        "ca_expired_without_archive",
        "5.5.4",
        lambda: plain(issuer="CA ngắn", until=2029),
        day(2030),
        unsure(Sub.OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "ca_expired_after_the_archive_timestamp",
        "5.6.2.4",
        lambda: plain(issuer="CA ngắn", until=2029).archived(tsa(), day(2026, 7)),
        day(2030),
        PASSED,
    ),
    Story(
        "ca_expired_before_the_archive_timestamp",
        "5.6.2.2",
        lambda: plain(issuer="CA ngắn", until=2029).archived(tsa(), day(2029, 6)),
        day(2030),
        unsure(Sub.OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "authority_revoked_after_the_next_timestamp",
        "5.6.2.4",
        lambda: renewed([2027]).with_crls(revoked_tsa(day(2029)), root().crl(day(2030))),
        day(2030, 2),
        PASSED,
    ),
    Story(
        "authority_revoked_before_the_next_timestamp",
        "5.6.2.4: what is left is the second timestamp, for which the signer's status is too old",
        lambda: renewed([2027]).with_crls(revoked_tsa(day(2026, 12)), root().crl(day(2030))),
        day(2030, 2),
        unsure(Sub.TRY_LATER),
    ),
    Story(
        "chain_of_archive_timestamps_that_holds",
        "5.6.3.4",
        lambda: renewed([2027, 2034, 2044]),
        day(2054),
        PASSED,
    ),
    Story(
        "chain_of_archive_timestamps_not_renewed",
        "5.6.3.4",
        lambda: renewed([2027, 2034]),
        day(2054),
        unsure(Sub.OUT_OF_BOUNDS_NO_POE),
    ),
    Story(
        "chain_of_archive_timestamps_renewed_too_late",
        "5.6.3.4",
        lambda: renewed([2027, 2048]),
        day(2054),
        unsure(Sub.OUT_OF_BOUNDS_NO_POE),
    ),
    # 5.2.8.4.2 algorithms with an end
    Story("key_of_2048_bits_in_its_time", "5.2.8.4.2", lambda: rsa_signer(archived_in=None), day(2030), PASSED),
    Story("key_of_2048_bits_proven_from_its_time", "5.5.4", lambda: rsa_signer(archived_in=None), day(2033), PASSED),
    Story(
        "key_of_2048_bits_without_proof",
        "5.2.8.4.2",
        lambda: Signature(
            ca("CA RSA").issue("Muộn", day(2029), day(2039), kind="rsa-2048"), claimed=day(2032)
        ).with_status(day(2032)),
        day(2032) + DAY,
        unsure(Sub.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    Story(
        "issuer_of_2048_bits_without_archive",
        "5.2.8.4.2",
        lambda: rsa_issuer(archived_in=None),
        day(2033),
        unsure(Sub.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    Story("issuer_of_2048_bits_archived_in_time", "5.6.2.2", lambda: rsa_issuer(archived_in=2027), day(2033), PASSED),
    Story(
        "issuer_of_2048_bits_archived_too_late",
        "5.6.2.2",
        lambda: rsa_issuer(archived_in=2031),
        day(2033),
        unsure(Sub.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    # trust with a history
    Story(
        "anchor_not_trusted_any_more_with_timestamp",
        "5.2.6.4",
        lambda: replace(plain(), trust=until(day(2029))),
        day(2030),
        PASSED,
    ),
    Story(
        "anchor_not_trusted_any_more_without_timestamp",
        "5.2.6.4",
        lambda: replace(bare(), trust=until(day(2026, 6, 3))),
        day(2026, 6, 20),
        unsure(Sub.NO_CERTIFICATE_CHAIN_FOUND_NO_POE),
    ),
)


def until(moment: datetime) -> TrustStore:
    """Return a store that trusts signers' root until `moment`, for signing; for timestamps without end."""
    (anchor,) = trust(root()).anchors
    signing = replace(anchor, trusted_to=moment, uses=frozenset({TrustUse.SIGNING}))
    return TrustStore((signing, replace(anchor, uses=frozenset({TrustUse.TIMESTAMPING}))))


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_story(story: Story) -> None:
    report = story.build().ask(story.at)
    assert (report.outcome, report.sub_indication) == story.expected


def test_best_signature_time_is_the_earliest_that_is_proven() -> None:
    assert plain().ask(day(2027)).proven_time == STAMPED
    assert renewed([2027, 2034, 2044]).ask(day(2050)).proven_time == STAMPED
    assert renewed([2027, 2034]).ask(day(2054)).proven_time is None
    assert bare().ask(SIGNED + timedelta(hours=1)).proven_time is None


def test_names_of_stories_are_unique_and_most_do_not_pass() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES)
    assert sum(story.expected != PASSED for story in STORIES) > len(STORIES) / 2
