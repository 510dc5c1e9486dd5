"""Fetches what proves a certificate good at the moment of signing: its chain and its revocation status.

Spec: RFC 5280, 4.2.2.1 (caIssuers) and 6.3 (CRL), RFC 6960 (OCSP, nonce of RFC 9654), TT 15/2025/TT-BKHCN (signing
software checks before signing and keeps certificate, CRL and status).  The answers are judged by
`transcript_core.pki.revocation`; here they are fetched.  Nothing is left out silently: either there is a complete
answer, "revoked" included, or `EvidenceUnavailable` names the servers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain as chained
from itertools import pairwise
from threading import Lock
from typing import Final, TypeAlias

from asn1crypto import cms
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ExtensionNotFound, OCSPNonce, ocsp

from transcript_core.clock import Clock
from transcript_core.errors import EvidenceUnavailable, TrustMaterialError
from transcript_core.limits import (
    EVIDENCE_CACHE_S,
    MAX_CERTIFICATE_BYTES,
    MAX_CERTIFICATES,
    MAX_CRL_BYTES,
    MAX_OCSP_BYTES,
)
from transcript_core.pki.certificates import Certificate, load_certificate, load_certificates
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.revocation import RevocationStatus, check_revocation, read_revocation_data
from transcript_core.pki.trust import TrustStore

_MAX_CHAIN: Final = 8
"""Certificates between a person's and the anchor, the person's included; three are usual."""

_MAX_CACHED: Final = 4_096
"""Answers kept in memory; a CRL in each of them would be the worst case, OCSP answers have about 2 KiB."""

_NONCE_BYTES: Final = 32
_OCSP_TYPE: Final = "application/ocsp-request"
_Troubles: TypeAlias = list[tuple[str, str]]  # (address, what was wrong with its answer), as they come


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the servers said about one certificate."""

    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    fetched_at: datetime


class EvidenceCollector:
    """Collects evidence; answers are used again for EVIDENCE_CACHE_S.  Safe to share between threads.

    Args:
        fetch: makes the requests.
        trust: the anchors where chains end, and intermediates known beforehand.
        clock: the time at which answers must be fresh.
        fetch_unproven: makes those to addresses in certificates that lead to no anchor yet, which anybody may have
            written (`signing.http.fetch_public`); None: `fetch`.
    """

    def __init__(self, fetch: Fetch, trust: TrustStore, clock: Clock, *, fetch_unproven: Fetch | None = None) -> None:
        self._fetch = fetch
        self._fetch_unproven = fetch_unproven or fetch
        self._trust = trust
        self._clock = clock
        self._cache: dict[bytes, _Answers] = {}
        self._lock = Lock()

    def collect(self, certificate: Certificate, *, chain: Sequence[Certificate] = ()) -> Evidence:
        """Return chain and fresh revocation status of `certificate`, which may say that it is revoked.

        Args:
            chain: CA certificates that came with it, in any order.

        Raises:
            EvidenceUnavailable: no path to an anchor can be built, or no server gave a usable status; `servers` says
                which were asked and what was wrong.
        """
        now = self._clock.now()
        path = self._build_path(certificate, chain)
        answers = [self._get_answers(subject, issuer, now) for subject, issuer in pairwise(path)]
        return Evidence(
            chain=path[:-1] or path,
            ocsps=_unique(der for one in answers for der in one.ocsps),
            crls=_unique(der for one in answers for der in one.crls),
            fetched_at=min((one.fetched_at for one in answers), default=now),
        )

    def _build_path(self, leaf: Certificate, given: Sequence[Certificate]) -> tuple[Certificate, ...]:
        """Return the certificates from `leaf` upwards, and last the anchor."""
        path = [leaf]
        troubles: _Troubles = []
        known = [*(anchor.certificate for anchor in self._trust.anchors), *given, *self._trust.intermediates]
        while self._trust.find_anchor(path[-1]) is None:
            issuer = _find_issuer(path[-1], known) or _find_issuer(path[-1], self._fetch_issuers(path[-1], troubles))
            if issuer is None or issuer in path or len(path) >= _MAX_CHAIN:
                problem = (
                    f"no path from {leaf.subject} to a trust anchor; the certificate of {path[-1].issuer} is missing"
                )
                raise _unavailable(problem, troubles)
            path.append(issuer)
        return tuple(path)

    def _get_answers(self, certificate: Certificate, issuer: Certificate, now: datetime) -> _Answers:
        with self._lock:
            kept = self._cache.get(certificate.sha256)
        if kept is not None and timedelta() <= now - kept.fetched_at < timedelta(seconds=EVIDENCE_CACHE_S):
            return kept
        answers = self._ask(certificate, issuer, now)
        with self._lock:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            self._cache[certificate.sha256] = answers
        return answers

    def _ask(self, certificate: Certificate, issuer: Certificate, now: datetime) -> _Answers:
        """Return the first answer that tells whether `certificate` is revoked: OCSP by preference, else a CRL."""
        troubles: _Troubles = []
        sources = chained(
            ((url, _Answers((der,), (), now)) for url, der in self._ask_responders(certificate, issuer, troubles)),
            ((url, _Answers((), (der,), now)) for url, der in self._fetch_crls(certificate, troubles)),
        )
        for url, answers in sources:
            data = read_revocation_data(answers.ocsps, answers.crls)
            verdict = check_revocation(certificate, issuer, data, at=now)
            if verdict.status is not RevocationStatus.UNKNOWN:
                return answers
            troubles.append((url, verdict.detail))
        raise _unavailable(f"whether {certificate.subject} is revoked is not known", troubles)

    def _ask_responders(
        self, certificate: Certificate, issuer: Certificate, troubles: _Troubles
    ) -> Iterator[tuple[str, bytes]]:
        for url in certificate.ocsp_urls:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            try:
                request = _build_ocsp_request(certificate, issuer, nonce)
                answer = self._fetch(url, body=request, content_type=_OCSP_TYPE, max_bytes=MAX_OCSP_BYTES)
            except EvidenceUnavailable as error:
                troubles.append((url, str(error)))
                continue
            problem = _find_ocsp_problem(answer, certificate, nonce)
            if problem is None:
                yield url, answer
            else:
                troubles.append((url, problem))

    def _fetch_crls(self, certificate: Certificate, troubles: _Troubles) -> Iterator[tuple[str, bytes]]:
        for url in certificate.crl_urls:
            try:
                yield url, self._fetch(url, max_bytes=MAX_CRL_BYTES)
            except EvidenceUnavailable as error:
                troubles.append((url, str(error)))

    def _fetch_issuers(self, certificate: Certificate, troubles: _Troubles) -> tuple[Certificate, ...]:
        found: list[Certificate] = []
        for url in certificate.ca_issuers_urls:
            try:
                answer = self._fetch_unproven(url, max_bytes=MAX_CERTIFICATES * MAX_CERTIFICATE_BYTES)
                found.extend(_read_issuers(answer))
            except (EvidenceUnavailable, TrustMaterialError) as error:
                troubles.append((url, str(error)))
        return tuple(found)


def _find_issuer(certificate: Certificate, candidates: Iterable[Certificate]) -> Certificate | None:
    """Return the candidate whose name and key issued `certificate`."""
    for candidate in candidates:
        if not candidate.is_ca or candidate.subject != certificate.issuer:
            continue
        try:
            certificate.x509.verify_directly_issued_by(candidate.x509)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            continue
        return candidate
    return None


def _read_issuers(answer: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a caIssuers answer: one in DER, PEM, or certs-only CMS (RFC 5280, 4.2.2.1)."""
    try:
        return load_certificates(answer)
    except TrustMaterialError:
        try:
            content = cms.ContentInfo.load(answer, strict=True)
            if content["content_type"].native != "signed_data":
                raise TrustMaterialError("neither a certificate nor a list of certificates") from None
            listed = [choice.chosen.dump() for choice in content["content"]["certificates"]]
        except (ValueError, TypeError, KeyError) as error:
            raise TrustMaterialError("neither a certificate nor a list of certificates") from error
    return tuple(load_certificate(der) for der in listed[:MAX_CERTIFICATES])


def _build_ocsp_request(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    # SHA-1 only names the issuer in the request; it is what every responder understands (RFC 6960, 4.3).
    name_hash = hashes.SHA1()  # noqa: S303
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, name_hash)
    return builder.add_extension(OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def _find_ocsp_problem(answer: bytes, certificate: Certificate, nonce: bytes) -> str | None:
    """Return why this answer is not one to this request, or None.  A missing nonce is allowed: RFC 6960, 4.4.1."""
    try:
        response = ocsp.load_der_ocsp_response(answer)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return f"the responder refused: {response.response_status.name.lower()}"
        if certificate.serial not in [single.serial_number for single in response.responses]:
            return "the answer is about another certificate"
        try:
            echoed = response.extensions.get_extension_for_class(OCSPNonce).value.nonce
        except ExtensionNotFound:
            return None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "the answer is not an OCSP response"
    return None if echoed == nonce else "the answer is to another request (nonce)"


def _unique(values: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(values))


def _unavailable(problem: str, troubles: Sequence[tuple[str, str]]) -> EvidenceUnavailable:
    told = "; ".join(reason if url in reason else f"{url}: {reason}" for url, reason in troubles)
    return EvidenceUnavailable(f"{problem} ({told or 'no server is named for it'})", servers=tuple(troubles))
