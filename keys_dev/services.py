"""The development PKI's services: time stamps (RFC 3161), OCSP (RFC 6960), CRLs (RFC 5280, 5) and CA certificates.

certomancer builds and signs every answer; this module routes a request to it and tells it what is issued and revoked.
No socket is opened: `server.py` serves a `Responder` over HTTP, and `Responder` itself is a `Fetch` for tests.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

from asn1crypto import core, crl, ocsp, tsp, x509
from certomancer.crypto_utils import load_private_key
from certomancer.services import (
    CRLBuilder,
    RevocationInfoInterface,
    SimpleOCSPResponder,
    TimeStamper,
    choose_signed_digest,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from keys_dev.pki import DevelopmentPki, list_ca_names
from transcript_core.clock import Clock, SystemClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.pki.certificates import load_certificate

OCSP_VALIDITY: Final = timedelta(hours=24)
"""How long an OCSP answer counts as fresh."""

CRL_VALIDITY: Final = timedelta(days=7)
"""How long a CRL counts as fresh."""

TSA_POLICY: Final = "2.25.172184017359270912741085732860719482350"
"""Policy that the TSA's tokens name; without meaning outside development."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int  # HTTP
    content_type: str
    body: bytes


@dataclass(frozen=True)
class _Holder:
    """Certificate of a CA or a service, in the terms of certomancer; the key too, for a service."""

    certificate: x509.Certificate
    key: Any = None  # asn1crypto PrivateKeyInfo

    @cached_property
    def algorithm(self) -> Any:
        """Return the SignedDigestAlgorithm that the key signs with."""
        return choose_signed_digest("sha256", self.certificate.public_key)


class Responder:
    """Answers for one PKI at the time its clock tells.  Also a `transcript_core.pki.fetch.Fetch` without sockets."""

    def __init__(self, pki: DevelopmentPki, clock: Clock | None = None) -> None:
        """Answer for `pki`; without a clock at the machine's time."""
        self._pki = pki
        self._clock = clock or SystemClock()
        self._holders: dict[str, _Holder] = {}
        self._crls: dict[str, tuple[object, bytes]] = {}

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        """Answer a request to one of this PKI's own addresses.  Raises: EvidenceUnavailable, as `Fetch` says."""
        del content_type  # the address alone says what is asked
        if not url.startswith(f"{self._pki.base_url}/"):
            raise EvidenceUnavailable(f"{url}: not an address of the development PKI")
        answer = self.answer(url.removeprefix(self._pki.base_url), body)
        if answer.status != 200 or len(answer.body) > max_bytes:
            raise EvidenceUnavailable(f"{url}: answered {answer.status} with {len(answer.body)} bytes")
        return answer.body

    def answer(self, path: str, body: bytes | None) -> Answer:
        """Return the answer to a request; nonsense gets 400 and an unknown address 404, never an exception.

        Args:
            path: of the URL, with its leading slash.
            body: of a POST; None for a GET.
        """
        service, _, rest = path.removeprefix("/").partition("/")
        handlers: dict[str, Callable[[str, bytes | None], Answer]] = {
            "tsa": self._timestamp,
            "ocsp": self._ocsp,
            "crl": self._crl,
            "ca": self._ca_certificate,
        }
        handler = handlers.get(service)
        if handler is None:
            return _refuse(404)
        try:
            return handler(rest, body)
        except (ValueError, TypeError, KeyError, binascii.Error):
            return _refuse(400)

    def _timestamp(self, rest: str, body: bytes | None) -> Answer:
        if rest or body is None:
            return _refuse(404)
        request = tsp.TimeStampReq.load(body, strict=True)
        request.native  # noqa: B018  (lazy parser: nonsense must show now)
        holder = self._holder("tsa")
        issuer = self._holder("national-ca").certificate
        stamper = TimeStamper(
            holder.certificate,
            holder.key,
            certs_to_embed=[issuer],
            fixed_dt=self._clock.now(),
            policy=tsp.ObjectIdentifier(TSA_POLICY),
        )
        response = stamper.request_tsa_response(request)
        return Answer(200, "application/timestamp-reply", response.dump())

    def _ocsp(self, rest: str, body: bytes | None) -> Answer:
        ca, _, encoded = rest.partition("/")
        if ca not in list_ca_names() or ca.endswith("-root"):
            return _refuse(404)
        data = base64.b64decode(unquote(encoded), validate=True) if body is None else body
        request = ocsp.OCSPRequest.load(data, strict=True)
        request.native  # noqa: B018
        holder = self._holder(f"ocsp-{ca}")
        now = self._clock.now()
        responder = SimpleOCSPResponder(
            responder_cert=holder.certificate,
            responder_key=holder.key,
            signature_algo=holder.algorithm,
            at_time=now,
            revinfo_interface=_Status(self._pki, ca, self._holder(ca).certificate),
            validity=OCSP_VALIDITY,
        )
        return Answer(200, "application/ocsp-response", responder.build_ocsp_response(request).dump())

    def _crl(self, rest: str, body: bytes | None) -> Answer:
        ca = rest.removesuffix(".crl")
        if body is not None or rest == ca or ca not in list_ca_names():
            return _refuse(404)
        state = (self._clock.now(), tuple(self._pki.list_revoked(ca)))
        known = self._crls.get(ca)
        if known is None or known[0] != state:
            known = (state, self._build_crl(ca, state[0]))
            self._crls[ca] = known
        return Answer(200, "application/pkix-crl", known[1])

    def _build_crl(self, ca: str, now: datetime) -> bytes:
        holder = self._holder(ca)
        builder = _CrlBuilder(
            issuer_name=holder.certificate.subject,
            issuer_key=self._pki.load_ca_key(ca),
            signature_algo=holder.algorithm,
            authority_key_identifier=core.OctetString(holder.certificate.key_identifier),
        )
        revoked = [
            builder.format_revoked_cert(one.serial, crl.CRLReason(one.reason), one.at)
            for one in self._pki.list_revoked(ca)
            if one.at <= now
        ]
        number = int(now.timestamp())
        return bytes(builder.build_crl(number, now, now + CRL_VALIDITY, revoked).dump())

    def _ca_certificate(self, rest: str, body: bytes | None) -> Answer:
        ca = rest.removesuffix(".crt")
        if body is not None or rest == ca or ca not in list_ca_names():
            return _refuse(404)
        return Answer(200, "application/pkix-cert", self._holder(ca).certificate.dump())

    def _holder(self, name: str) -> _Holder:
        if name not in self._holders:
            certificate, key = self._pki.read_key(name)
            parsed = load_certificate(certificate).asn1
            is_ca = name in list_ca_names()
            self._holders[name] = _Holder(parsed) if is_ca else _Holder(parsed, load_private_key(key, None)[0])
        return self._holders[name]


class _CrlBuilder(CRLBuilder):
    """certomancer parses and checks the private key for each signature; CAs have slow RSA keys, so keep them open."""

    def sign_crl(self, tbs_crl: crl.TbsCertList) -> crl.CertificateList:
        signature = self.issuer_key.sign(tbs_crl.dump(), padding.PKCS1v15(), hashes.SHA256())
        fields = {"tbs_cert_list": tbs_crl, "signature_algorithm": self.signature_algo, "signature": signature}
        return crl.CertificateList(fields)


class _Status(RevocationInfoInterface):
    """Tells certomancer's OCSP responder what one CA issued and revoked."""

    def __init__(self, pki: DevelopmentPki, ca: str, certificate: x509.Certificate) -> None:
        self._pki = pki
        self._ca = ca
        self._certificate = certificate

    def get_issuer_cert(self) -> x509.Certificate:
        return self._certificate

    def check_revocation_status(self, cid: ocsp.CertId, at_time: datetime) -> tuple[Any, list[Any]]:
        serial = cid["serial_number"].native
        revocation = self._pki.find_revocation(self._ca, serial)
        if revocation is not None and revocation.at <= at_time:
            info = ocsp.RevokedInfo({"revocation_time": revocation.at, "revocation_reason": revocation.reason})
            return ocsp.CertStatus("revoked", info), []
        name = "good" if self._pki.is_issued(self._ca, serial) else "unknown"
        return ocsp.CertStatus(name), []


def _refuse(status: int) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", b"")
