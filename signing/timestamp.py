"""Asks time-stamping authorities for tokens.  Spec: RFC 3161, 2.4 and 3.4 (HTTP); SHA-256 only.

Every answer is held against the request here: status, imprint, nonce, policy and the presence of the certificate that
was asked for.  Reading and verifying the token itself is `transcript_core.pki.timestamps`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp

from transcript_core.errors import EvidenceUnavailable, TimestampRefused, TrustMaterialError
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.pki.certificates import Certificate, deduplicate
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.path import PathOutcome
from transcript_core.pki.timestamps import Timestamp, parse_timestamp, verify_timestamp
from transcript_core.pki.trust import TrustStore

_IMPRINT_BYTES: Final = 32
_NONCE_BITS: Final = 64
_GRANTED: Final = frozenset({"granted", "granted_with_mods"})
_QUERY_TYPE: Final = "application/timestamp-query"


class _Response(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """TimeStampResp of RFC 3161, 2.4.2, whose token is absent when the authority refuses."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class TimestampClient:
    """Asks several authorities in turn until one gives a usable token.

    Args:
        urls: addresses of the authorities, the preferred first.
        fetch: makes the requests.
        policy: dotted OID of the TSA policy to ask for; None leaves it to the authority.
        trust: tokens whose signature fails or that lead to none of its anchors are refused too; None: not looked at.

    Raises:
        TimestampRefused: there is no address to ask.
    """

    def __init__(
        self, urls: Sequence[str], fetch: Fetch, *, policy: str | None = None, trust: TrustStore | None = None
    ) -> None:
        if not urls:
            raise TimestampRefused("no time-stamping authority is configured")
        self._urls = tuple(urls)
        self._fetch = fetch
        self._policy = policy
        self._trust = trust
        self._certificates: tuple[Certificate, ...] = ()

    def request(self, imprint: bytes) -> bytes:
        """Return a token over `imprint`, DER of a CMS ContentInfo.

        Args:
            imprint: 32 raw bytes of SHA-256.

        Raises:
            TimestampRefused: every authority refused or answered something else; `reasons` says what each did.
        """
        if len(imprint) != _IMPRINT_BYTES:
            raise TimestampRefused(f"an imprint has {_IMPRINT_BYTES} bytes of SHA-256, not {len(imprint)}")
        reasons: list[tuple[str, str]] = []
        for url in self._urls:
            try:
                return self._ask(url, imprint)
            except (EvidenceUnavailable, TimestampRefused) as error:
                reasons.append((url, str(error)))
        told = "; ".join(f"{url}: {reason}" for url, reason in reasons)
        raise TimestampRefused(f"no time-stamping authority gave a token: {told}", reasons=tuple(reasons))

    def list_certificates(self) -> tuple[Certificate, ...]:
        """Return the authority's certificate and after it those it sends along, as its last token had them.

        Whoever keeps evidence of the authority needs them before the first document is prepared; when no token was
        received yet, one over random octets is asked for.

        Raises:
            TimestampRefused: as `request`.
        """
        if not self._certificates:
            self.request(secrets.token_bytes(_IMPRINT_BYTES))
        return self._certificates

    def _ask(self, url: str, imprint: bytes) -> bytes:
        nonce = secrets.randbits(_NONCE_BITS) | 1 << (_NONCE_BITS - 1)
        query = build_query(imprint, nonce, policy=self._policy)
        answer = self._fetch(url, body=query, content_type=_QUERY_TYPE, max_bytes=MAX_TIMESTAMP_BYTES)
        stamp = check_answer(answer, imprint, nonce, policy=self._policy)
        if self._trust is not None:
            _check_signature(stamp, imprint, self._trust)
        self._certificates = deduplicate(one for one in (stamp.certificate, *stamp.certificates) if one is not None)
        return stamp.der


def build_query(imprint: bytes, nonce: int, *, policy: str | None = None) -> bytes:
    """Return the DER of a TimeStampReq that asks for the authority's certificate.  Spec: RFC 3161, 2.4.1."""
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
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
        raise TimestampRefused(f"the answer is longer than {MAX_TIMESTAMP_BYTES} bytes")
    try:
        response = _Response.load(answer, strict=True)
        if response["status"]["status"].native not in _GRANTED:
            raise TimestampRefused(f"the authority refused: {_describe_refusal(response)}")
        stamp = parse_timestamp(response["time_stamp_token"].dump())
    except (ValueError, TypeError, KeyError, AttributeError, TrustMaterialError) as error:
        raise TimestampRefused("the answer is not an RFC 3161 response with a token") from error
    problem = _find_difference(stamp, imprint, nonce, policy)
    if problem is not None:
        raise TimestampRefused(problem)
    return stamp


def _find_difference(stamp: Timestamp, imprint: bytes, nonce: int, policy: str | None) -> str | None:
    """Return what of the token does not answer the request, or None."""
    if (stamp.imprint_hash, stamp.imprint) != ("sha256", imprint):
        return "the token is for another imprint"
    if stamp.nonce != nonce:
        return "the token answers another request (nonce)"
    if policy is not None and stamp.policy != policy:
        return f"the token is under policy {stamp.policy}, not {policy}"
    if stamp.certificate is None:
        return "the token lacks the authority's certificate"
    return None


def _check_signature(stamp: Timestamp, imprint: bytes, trust: TrustStore) -> None:
    """Whether the authority's certificate is revoked is not asked here: the verifier does, with its evidence."""
    result = verify_timestamp(stamp, imprint, trust=trust)
    if result.outcome is PathOutcome.INVALID or result.path is None or result.path.anchor is None:
        raise TimestampRefused(f"the token cannot be believed: {result.detail}")


def _describe_refusal(response: _Response) -> str:
    status = response["status"]
    failure = ", ".join(sorted(status["fail_info"].native or ()))
    texts = " ".join(str(text) for text in status["status_string"].native or ())
    return " ".join(part for part in (str(status["status"].native), failure, texts[:200]) if part)
