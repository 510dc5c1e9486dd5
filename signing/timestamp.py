"""Asks time-stamping authorities for tokens.  Spec: RFC 3161, 2.4 and 3.4 (HTTP); SHA-256 only.

Every answer is held against the request here: status, imprint, nonce, policy and the presence of the certificate that
was asked for.  Whether the authority is trusted is decided by `transcript_core.pki.timestamps.verify_timestamp`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from asn1crypto import algos, cms, tsp

from transcript_core.errors import EvidenceUnavailable, TimestampRefused
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.pki.fetch import Fetch

_IMPRINT_BYTES: Final = 32
_NONCE_BITS: Final = 64
_GRANTED: Final = frozenset({"granted", "granted_with_mods"})
_QUERY_TYPE: Final = "application/timestamp-query"


class TimestampClient:
    """Asks several authorities in turn until one gives a usable token.

    Args:
        urls: addresses of the authorities, the preferred first.
        fetch: makes the requests.
        policy: dotted OID of the TSA policy to ask for; None leaves it to the authority.

    Raises:
        TimestampRefused: there is no address to ask.
    """

    def __init__(self, urls: Sequence[str], fetch: Fetch, *, policy: str | None = None) -> None:
        if not urls:
            raise TimestampRefused("no time-stamping authority is configured")
        self._urls = tuple(urls)
        self._fetch = fetch
        self._policy = policy

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

    def _ask(self, url: str, imprint: bytes) -> bytes:
        nonce = secrets.randbits(_NONCE_BITS) | 1 << (_NONCE_BITS - 1)
        query = build_query(imprint, nonce, policy=self._policy)
        answer = self._fetch(url, body=query, content_type=_QUERY_TYPE, max_bytes=MAX_TIMESTAMP_BYTES)
        return check_answer(answer, imprint, nonce, policy=self._policy)


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


def check_answer(answer: bytes, imprint: bytes, nonce: int, *, policy: str | None = None) -> bytes:
    """Return the token of a TimeStampResp that answers exactly this request.  Spec: RFC 3161, 2.4.2.

    Raises:
        TimestampRefused: refused, unreadable, or for another request.
    """
    if len(answer) > MAX_TIMESTAMP_BYTES:
        raise TimestampRefused(f"the answer is longer than {MAX_TIMESTAMP_BYTES} bytes")
    try:
        response = tsp.TimeStampResp.load(answer, strict=True)
        status = response["status"]["status"].native
        if status not in _GRANTED:
            raise TimestampRefused(f"the authority refused: {_describe_refusal(response)}")
        token = response["time_stamp_token"]
        info = _read_info(token)
        problem = _find_difference(token, info, imprint, nonce, policy)
        if problem:
            raise TimestampRefused(problem)
        der: bytes = token.dump()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TimestampRefused("the answer is not an RFC 3161 response") from error
    return der


def _read_info(token: cms.ContentInfo) -> tsp.TSTInfo:
    if token["content_type"].native != "signed_data":
        raise TimestampRefused("the token is not CMS signed data")
    content = token["content"]["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise TimestampRefused("the token holds something else than a TSTInfo")
    return content["content"].parsed


def _find_difference(
    token: cms.ContentInfo, info: tsp.TSTInfo, imprint: bytes, nonce: int, policy: str | None
) -> str | None:
    """Return what of the token does not answer the request, or None."""
    signed = info["message_imprint"]
    if (signed["hash_algorithm"]["algorithm"].native, signed["hashed_message"].native) != ("sha256", imprint):
        return "the token is for another imprint"
    if info["nonce"].native != nonce:
        return "the token answers another request (nonce)"
    if policy is not None and info["policy"].dotted != policy:
        return f"the token is under policy {info['policy'].dotted}, not {policy}"
    if not token["content"]["certificates"]:
        return "the token lacks the authority's certificate"
    return None


def _describe_refusal(response: tsp.TimeStampResp) -> str:
    status = response["status"]
    failure = ", ".join(sorted(status["fail_info"].native or ()))
    texts = " ".join(str(text) for text in status["status_string"].native or ())
    return " ".join(part for part in (str(status["status"].native), failure, texts[:200]) if part)
