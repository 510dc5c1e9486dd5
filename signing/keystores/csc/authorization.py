"""Approval of signatures: from a list of hashes to Signature Activation Data (SAD).

CSC API 1.0.4, 8.2, 11.6 to 11.8; 2.0, 8.2, 8.3 and 11.6 to 11.9.  An approval is always bound to its hashes and to
their number, also where the credential (SCAL 1) does not ask for it: nobody can use it for another document.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.keystores.csc.credential import HASH_OIDS, AuthorizationMode, Credential, Factor
from signing.keystores.csc.expression import choose_factors
from signing.keystores.csc.oauth import OAuthClient, describe_approval
from signing.keystores.csc.problems import one_line
from signing.keystores.csc.service import Service
from signing.keystores.csc.settings import ApiVersion
from signing.keystores.csc.tokens import DEFAULT_LIFETIME_S, EXPIRY_MARGIN_S, Monotonic
from signing.keystores.csc.transport import Answer
from signing.keystores.secrets import SecretSource
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

APPROVAL_TIMEOUT_S: Final = 300.0
"""Seconds that a person has to approve on a telephone or a page of the provider."""

_POLL_INTERVAL_S: Final = 2.0
"""Seconds between two questions whether the person has approved."""

_LABEL: Final = "Học bạ số"  # what a person sees where the provider asks for the approval; names no pupil

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How time passes: replaced in tests, never at work."""

    clock: Monotonic = time.monotonic
    sleep: Sleep = time.sleep


@dataclass(frozen=True, slots=True)
class Activation:
    """One approval that was given."""

    sad: str = field(repr=False)
    until: float  # monotonic seconds
    as_header: bool = False  # it stands in the Authorization header, not in the request (2.0, 11.10)

    def is_over(self, now: float) -> bool:
        """Return whether it has come, or is about to come, to its end."""
        return now >= self.until - EXPIRY_MARGIN_S


class Approver:
    """Obtains approvals for one credential."""

    def __init__(
        self,
        service: Service,
        algorithm: SignatureAlgorithm,
        secrets: SecretSource,
        oauth: OAuthClient | None,
        waiting: Waiting,
    ) -> None:
        """Ask for nothing yet.

        Args:
            service: where the credential is.
            algorithm: its hash is named with the hashes.
            secrets: of the credential's holder.
            oauth: for credentials that are approved at an authorisation server; None: there is none.
            waiting: how time passes.
        """
        self._service = service
        self._hash_oid = HASH_OIDS[algorithm.hash_name]
        self._secrets = secrets
        self._oauth = oauth
        self._waiting = waiting
        self._remembered: dict[str, str] = {}  # PINs that were accepted or not tried yet, by factor; see `forget`

    def approve(self, credential: Credential, digests: Sequence[bytes]) -> Activation:
        """Return an approval of exactly these digests.

        Raises:
            KeyUnavailable: denied, a wrong PIN or code, or not given in time.
        """
        if credential.mode is AuthorizationMode.CODE:
            return self._approve_by_code(credential, digests)
        body = {
            "credentialID": credential.identifier,
            "numSignatures": len(digests),
            "description": f"{_LABEL}: {len(digests)} chữ ký",
            **self.name_hashes(digests),
        }
        now = self._waiting.clock()
        body |= self._ask_factors(credential)
        try:
            answer = self._service.call("credentials/authorize", body, timeout_s=APPROVAL_TIMEOUT_S)
        except KeyUnavailable:
            self.forget()  # maybe because of the PIN, and a wrong one is never sent twice
            raise
        if answer.status == 202 and self._service.info.version is ApiVersion.V2:
            now, answer = self._await_approval(answer)
        return _read_activation(answer, now)

    def forget(self) -> None:
        """Forget every PIN."""
        self._remembered.clear()

    def extend(self, credential: Credential, activation: Activation, digests: Sequence[bytes]) -> Activation:
        """Return the approval's continuation for its next digests, where the service has such a step; else itself.

        Raises:
            KeyUnavailable: the service refuses it.
        """
        method = "credentials/extendTransaction"
        if activation.as_header or credential.mode is AuthorizationMode.CODE or not self._service.info.offers(method):
            return activation
        now = self._waiting.clock()
        body = {"credentialID": credential.identifier, "SAD": activation.sad, **self.name_hashes(digests)}
        return _read_activation(self._service.call(method, body), now)

    def name_hashes(self, digests: Sequence[bytes]) -> dict[str, object]:
        """Return the members that bind an approval to hashes; 1.0.4 does not name their algorithm."""
        hashes = encode_hashes(digests)
        if self._service.info.version is ApiVersion.V1:
            return {"hash": hashes}
        return {"hashes": hashes, "hashAlgorithmOID": self._hash_oid}

    def _ask_factors(self, credential: Credential) -> dict[str, object]:
        """Return what the person gave, in the words of the API's version."""
        if credential.mode is not AuthorizationMode.EXPLICIT:
            return {}
        if self._service.info.version is ApiVersion.V1:
            return {factor.kind: self._ask_pin_or_otp(credential, factor) for factor in credential.factors}
        chosen = choose_factors(credential.expression, credential.factors)
        return {"authData": [self._ask_factor(credential, factor) for factor in chosen]}

    def _ask_pin_or_otp(self, credential: Credential, factor: Factor) -> str:
        if factor.online:
            self._service.call("credentials/sendOTP", {"credentialID": credential.identifier})
        return self._ask(credential, factor)

    def _ask_factor(self, credential: Credential, factor: Factor) -> dict[str, str]:
        """Return one authentication object (2.0, 8.3.1)."""
        if factor.kind in {"PasswordOOB", "ChallengeResponseOOB"}:
            return {"id": factor.identifier}
        if factor.kind == "Password":
            return {"id": factor.identifier, "value": self._ask(credential, factor)}
        if factor.kind == "ChallengeResponse":
            return {"id": factor.identifier, "value": self._answer_challenge(credential, factor)}
        raise KeyUnavailable(f"{self._service.host}: the credential asks for a factor that is not supported")

    def _answer_challenge(self, credential: Credential, factor: Factor) -> str:
        """Fetch the challenge, or have it sent to the person, and ask for the response (2.0, 11.8)."""
        body = {"credentialID": credential.identifier, "authObjectID": factor.identifier}
        answer = self._service.call("credentials/getChallenge", body)
        return self._ask(credential, factor, answer.reader.get_text("challenge") if answer.status == 200 else "")

    def _ask(self, credential: Credential, factor: Factor, challenge: str = "") -> str:
        """Ask the person; how the question begins is ours, so that no service can name a secret of another kind.

        A PIN is asked once where the key's URI says so; a code that is good for one approval never.
        """
        if factor.identifier in self._remembered:
            return self._remembered[factor.identifier]
        kind = "Mã OTP" if factor.one_time else "PIN"
        shown = f"«{one_line(factor.label)}»" + (f", câu hỏi «{one_line(challenge)}»," if challenge else "")
        answer = self._secrets.ask(f"{kind} {shown} của chứng thư số {credential.name} tại {self._service.host}")
        if self._service.settings.remember_pin and not factor.one_time:
            self._remembered[factor.identifier] = answer
        return answer

    def _await_approval(self, answer: Answer) -> tuple[float, Answer]:
        """Ask until the person has approved elsewhere (2.0, 11.7)."""
        deadline = self._waiting.clock() + APPROVAL_TIMEOUT_S
        while answer.status == 202:
            if self._waiting.clock() >= deadline:
                raise KeyUnavailable(f"{self._service.host}: nobody approved in time; sign again and approve it")
            self._waiting.sleep(_POLL_INTERVAL_S)
            now = self._waiting.clock()
            answer = self._service.call("credentials/authorizeCheck", {"handle": answer.reader.get_text("handle")})
        return now, answer

    def _approve_by_code(self, credential: Credential, digests: Sequence[bytes]) -> Activation:
        """Let the person approve at the authorisation server; its token is the activation data (2.0, 8.4 and 11.10)."""
        if self._oauth is None:
            raise KeyUnavailable(
                f"{self._service.host}: the credential is approved at an authorisation server; "
                "name the client by client-id and redirect in the key's URI"
            )
        token = self._oauth.approve(self._describe(credential, digests), len(digests))
        alone = self._service.info.version is ApiVersion.V2 and not self._service.has_own_access
        until = token.until if token.until is not None else self._waiting.clock() + DEFAULT_LIFETIME_S
        return Activation(token.access, until, as_header=alone)

    def _describe(self, credential: Credential, digests: Sequence[bytes]) -> Mapping[str, str]:
        """Return the parameters of an authorisation request of scope `credential` (1.0.4, 8.3.2; 2.0, 8.4.2)."""
        if self._service.settings.authorization_details:
            hashes = encode_hashes(digests)
            return {"authorization_details": describe_approval(credential.identifier, hashes, self._hash_oid, _LABEL)}
        joined = ",".join(base64.urlsafe_b64encode(digest).decode() for digest in digests)
        named = {"scope": "credential", "credentialID": credential.identifier, "numSignatures": str(len(digests))}
        if self._service.info.version is ApiVersion.V1:
            return {**named, "hash": joined}
        return {**named, "hashes": joined, "hashAlgorithmOID": self._hash_oid}


def encode_hashes(digests: Sequence[bytes]) -> list[str]:
    """Return digests as the API carries them: Base64."""
    return [base64.b64encode(digest).decode() for digest in digests]


def _read_activation(answer: Answer, now: float) -> Activation:
    lifetime = answer.reader.find_number("expiresIn", at_least=1)
    return Activation(answer.reader.get_text("SAD"), now + (DEFAULT_LIFETIME_S if lifetime is None else lifetime))
