"""Asks time-stamping authorities for tokens.  Spec: RFC 3161, 2.4 and 3.4 (HTTP); SHA-256 and up.

Every answer is held against the request here: status, imprint, nonce, policy, the presence of the certificate that
was asked for, and its time against this machine's clock.  Reading and verifying the token itself is
`transcript_core.pki.timestamps`; how often an authority may be asked is counted by `timestamp_budget`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp

from signing.timestamp_budget import RequestLedger, TimestampAuthority
from transcript_core.clock import Clock, SystemClock
from transcript_core.errors import EvidenceUnavailable, TimestampRefused, TrustMaterialError
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.pki.certificates import Certificate, deduplicate
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.path import PathOutcome
from transcript_core.pki.timestamps import Timestamp, parse_timestamp, verify_timestamp
from transcript_core.pki.trust import TrustStore

COOL_DOWN: Final = timedelta(minutes=1)
"""How long an authority that could not be reached is left alone; one attempt may take FETCH_TIMEOUT_S."""

MAX_CLOCK_DIFFERENCE: Final = timedelta(minutes=5)
"""Between an authority's time and ours.  A signature with a token of another day never passes verification, so such a
token is refused; an authority's own clock is right to a second, that of a machine without NTP to minutes."""

_IMPRINT_BYTES: Final = 32
_HASHES: Final = {32: "sha256", 48: "sha384", 64: "sha512"}  # bytes of an imprint → its hash
_OVERDRAWN: Final = frozenset({403, 429})  # HTTP statuses by which an authority says that it was asked too often
_NONCE_BITS: Final = 64
_GRANTED: Final = frozenset({"granted", "granted_with_mods"})
_QUERY_TYPE: Final = "application/timestamp-query"


class _Response(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """TimeStampResp of RFC 3161, 2.4.2, whose token is absent when the authority refuses."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class TimestampClient:
    """Asks several authorities in turn until one gives a usable token.  Safe to share between threads.

    An authority that is out of budget is not asked; one that could not be reached, or whose clock is wrong, is left
    alone for COOL_DOWN, so that a batch does not wait for each of its documents.

    Args:
        authorities: the preferred first; an address alone stands for one without a budget.
        fetch: makes the requests.
        policy: dotted OID of the TSA policy to ask for where an authority names none; None leaves it to the authority.
        trust: tokens whose signature fails or that lead to none of its anchors are refused too; None: not looked at.
        ledger: where requests are written down; None: in memory.
        clock: the time by which budgets are counted, and against which that of every token is held.

    Raises:
        TimestampRefused: there is no authority to ask.
    """

    def __init__(
        self,
        authorities: Sequence[str | TimestampAuthority],
        fetch: Fetch,
        *,
        policy: str | None = None,
        trust: TrustStore | None = None,
        ledger: RequestLedger | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not authorities:
            raise TimestampRefused("no time-stamping authority is configured", reason="not-configured")
        self._authorities = tuple(TimestampAuthority(one) if isinstance(one, str) else one for one in authorities)
        self._fetch = fetch
        self._policy = policy
        self._trust = trust
        self._ledger = ledger or RequestLedger()
        self._clock = clock or SystemClock()
        self._resting: dict[str, datetime] = {}  # address → until when an authority of no use is left alone

    def request(self, imprint: bytes) -> bytes:
        """Return a token over `imprint`, DER of a CMS ContentInfo.

        Args:
            imprint: 32, 48 or 64 raw bytes of SHA-256, SHA-384 or SHA-512.

        Raises:
            TimestampRefused: no authority gave a token; `reasons` says what each did, `retry_at` when to ask again.
        """
        if len(imprint) not in _HASHES:
            raise TimestampRefused(f"an imprint has 32, 48 or 64 bytes, not {len(imprint)}", reason="bad-imprint")
        refusals: list[tuple[str, TimestampRefused]] = []
        for authority in self._authorities:
            try:
                return self._ask(authority, imprint)
            except TimestampRefused as refused:
                refusals.append((authority.url, refused))
        raise _sum_up(refusals)

    def list_certificates(self) -> tuple[Certificate, ...]:
        """Return the preferred authority's certificate and after it those it sends along, as its last token had them.

        Whoever keeps evidence of the authority wants them before the first document is prepared; when no token was
        ever received, one over random octets is asked for.

        Raises:
            TimestampRefused: as `request`.
        """
        known = self._find_certificates()
        if not known:
            self.request(secrets.token_bytes(_IMPRINT_BYTES))
            known = self._find_certificates()
        return known

    def _find_certificates(self) -> tuple[Certificate, ...]:
        found = (self._ledger.list_certificates(one.url) for one in self._authorities)
        return next((one for one in found if one), ())

    def _ask(self, authority: TimestampAuthority, imprint: bytes) -> bytes:
        self._take(authority)
        policy = authority.policy or self._policy
        nonce = secrets.randbits(_NONCE_BITS) | 1 << (_NONCE_BITS - 1)
        query = build_query(imprint, nonce, policy=policy)
        try:
            answer = self._fetch(authority.url, body=query, content_type=_QUERY_TYPE, max_bytes=MAX_TIMESTAMP_BYTES)
        except EvidenceUnavailable as error:
            raise self._note_outage(authority, error) from error
        stamp = check_answer(answer, imprint, nonce, policy=policy)
        self._check_time(authority, stamp)
        if self._trust is not None:
            _check_signature(stamp, imprint, self._trust)
        carried = (stamp.certificate, *stamp.certificates)
        self._ledger.remember(authority.url, deduplicate(one for one in carried if one is not None))
        return stamp.der

    def _take(self, authority: TimestampAuthority) -> None:
        """Take one request off the authority's budget.

        Raises:
            TimestampRefused: it is not to be asked now.
        """
        now = self._clock.now()
        resting = self._resting.get(authority.url, now)
        if resting > now:
            raise TimestampRefused(
                f"it was of no use a moment ago; not asked before {resting.isoformat()}",
                reason="resting",
                retry_at=resting,
            )
        until = self._ledger.take(authority, now)
        if until is not None:
            raise TimestampRefused(
                f"its budget of requests is used up until {until.isoformat()}", reason="out-of-budget", retry_at=until
            )

    def _check_time(self, authority: TimestampAuthority, stamp: Timestamp) -> None:
        """Refuse a token whose time is not now, and leave its authority alone for a while.

        Raises:
            TimestampRefused: one of the two clocks is wrong.
        """
        now = self._clock.now()
        if abs(stamp.time - now) <= MAX_CLOCK_DIFFERENCE:
            return
        self._resting[authority.url] = now + COOL_DOWN
        raise TimestampRefused(
            f"the token says {stamp.time.isoformat()} while it is {now.isoformat()} here; set the clock that is wrong",
            reason="other-time",
            retry_at=now + COOL_DOWN,
        )

    def _note_outage(self, authority: TimestampAuthority, error: EvidenceUnavailable) -> TimestampRefused:
        """Return the refusal, and remember when to ask again: what the authority said, else its declared block."""
        now = self._clock.now()
        if error.status in _OVERDRAWN or error.retry_after_s is not None:
            block = timedelta() if authority.budget is None else authority.budget.block
            until = now + max(block, timedelta(seconds=error.retry_after_s or 0), COOL_DOWN)
            self._ledger.block(authority.url, until)
            return TimestampRefused(str(error), reason="blocked", retry_at=until)
        self._resting[authority.url] = now + COOL_DOWN
        return TimestampRefused(str(error), reason="unreachable", retry_at=now + COOL_DOWN)


def _sum_up(refusals: Sequence[tuple[str, TimestampRefused]]) -> TimestampRefused:
    """Return one refusal for all authorities."""
    told = "; ".join(f"{url}: {refused}" for url, refused in refusals)
    kinds = {refused.reason for _, refused in refusals}
    moments = [refused.retry_at for _, refused in refusals if refused.retry_at is not None]
    return TimestampRefused(
        f"no time-stamping authority gave a token: {told}",
        reason=kinds.pop() if len(kinds) == 1 else "several",
        reasons=tuple((url, str(refused)) for url, refused in refusals),
        retry_at=min(moments) if len(moments) == len(refusals) else None,
    )


def name_refusal(where: str, refused: TimestampRefused) -> TimestampRefused:
    """Return the same refusal with the document and slot that it left without a timestamp."""
    return TimestampRefused(
        f"{where}: {refused}", reason=refused.reason, reasons=refused.reasons, retry_at=refused.retry_at
    )


def build_query(imprint: bytes, nonce: int, *, policy: str | None = None) -> bytes:
    """Return the DER of a TimeStampReq that asks for the authority's certificate.  Spec: RFC 3161, 2.4.1."""
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": _HASHES[len(imprint)]}),
            "hashed_message": imprint,
        },
        "nonce": nonce,
        "cert_req": True,
    }
    if policy is not None:
        fields["req_policy"] = policy
    query: bytes = tsp.TimeStampReq(fields).dump()
    return query


def check_answer(answer: bytes, imprint: bytes, nonce: int, *, policy: str | None = None) -> Timestamp:
    """Return the token of a TimeStampResp that answers exactly this request.  Spec: RFC 3161, 2.4.2.

    Raises:
        TimestampRefused: refused, unreadable, or for another request.
    """
    if len(answer) > MAX_TIMESTAMP_BYTES:
        raise TimestampRefused(f"the answer is longer than {MAX_TIMESTAMP_BYTES} bytes", reason="too-long")
    try:
        response = _Response.load(answer, strict=True)
        if response["status"]["status"].native not in _GRANTED:
            raise TimestampRefused(f"the authority refused: {_describe_refusal(response)}", reason="rejected")
        stamp = parse_timestamp(response["time_stamp_token"].dump())
    except (ValueError, TypeError, KeyError, AttributeError, TrustMaterialError) as error:
        raise TimestampRefused("the answer is not an RFC 3161 response with a token", reason="unreadable") from error
    difference = _find_difference(stamp, imprint, nonce, policy)
    if difference is not None:
        reason, problem = difference
        raise TimestampRefused(problem, reason=reason)
    return stamp


def _find_difference(stamp: Timestamp, imprint: bytes, nonce: int, policy: str | None) -> tuple[str, str] | None:
    """Return what of the token does not answer the request (stable reason, sentence), or None."""
    if (stamp.imprint_hash, stamp.imprint) != (_HASHES[len(imprint)], imprint):
        return "other-imprint", "the token is for another imprint"
    if stamp.nonce != nonce:
        return "other-nonce", "the token answers another request (nonce)"
    if policy is not None and stamp.policy != policy:
        return "other-policy", f"the token is under policy {stamp.policy}, not {policy}"
    if stamp.certificate is None:
        return "no-certificate", "the token lacks the authority's certificate"
    return None


def _check_signature(stamp: Timestamp, imprint: bytes, trust: TrustStore) -> None:
    """Whether the authority's certificate is revoked is not asked here: the verifier does, with its evidence."""
    result = verify_timestamp(stamp, imprint, trust=trust)
    if result.outcome is PathOutcome.INVALID or result.path is None or result.path.anchor is None:
        raise TimestampRefused(f"the token cannot be believed: {result.detail}", reason="not-believed")


def _describe_refusal(response: _Response) -> str:
    status = response["status"]
    failure = ", ".join(sorted(status["fail_info"].native or ()))
    texts = " ".join(str(text) for text in status["status_string"].native or ())
    return " ".join(part for part in (str(status["status"].native), failure, texts[:200]) if part)
