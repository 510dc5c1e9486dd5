"""An independent remote signing provider for tests, after the text of the CSC API: 2.0, and 1.0.4 where asked.

It shares no line with the client.  It holds a real key, and it is strict as the text is: every method but `info` wants
a token, activation data is bound to its hashes and to their number, codes are used once, PKCE is checked.  `Faults`
says in what it shall go wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from tests.support.signers import MemorySigner, make_signer
from transcript_core.pki.algorithms import SignatureAlgorithm

PIN: Final = "482913"
OTP: Final = "771204"
USER: Final = "hieu.truong"
PASSWORD: Final = "mật khẩu dài"
CLIENT: Final = "hocba-test"
CLIENT_SECRET: Final = "client secret of the tests"
REDIRECT: Final = "http://127.0.0.1:1/callback"
CREDENTIAL: Final = "GX0112348"
SECRETS: Final = (PIN, OTP, PASSWORD, CLIENT_SECRET)

_HASHES: Final[dict[str, HashAlgorithm]] = {"2.16.840.1.101.3.4.2.1": SHA256(), "2.16.840.1.101.3.4.2.2": SHA384()}
_ECDSA: Final = {"1.2.840.10045.4.3.2": SHA256(), "1.2.840.10045.4.3.3": SHA384()}
_RSA_SHA256: Final = "1.2.840.113549.1.1.11"
_RSA: Final = "1.2.840.113549.1.1.1"
_PSS: Final = "1.2.840.113549.1.1.10"
_ALGORITHMS: Final = {"rsa": [_RSA_SHA256, _RSA, _PSS], "ec": sorted(_ECDSA)}


@cache
def _make_holder(kind: str, number: int) -> MemorySigner:
    """Return a key with one certificate, the same at every call; also keys too weak for any algorithm."""
    algorithm = SignatureAlgorithm.RSA_PKCS1_SHA256 if kind.startswith("rsa") else None
    return make_signer(kind, number=number, algorithm=algorithm)


class Time:
    """The time of provider and client: it passes when somebody waits, and when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Faults:
    """In what the provider goes wrong; nothing unless a test says so."""

    fewer: int = 0  # signatures left out of an answer
    more: int = 0  # signatures too many
    permuted: bool = False
    other_scheme: bool = False  # PSS instead of PKCS#1 v1.5
    other_key: bool = False
    raw_ecdsa: bool = False  # r‖s instead of DER
    named_algorithm: str | None = None  # an answer that says what it signed with
    wrong_calls: frozenset[int] | None = None  # signHash calls, from 1, that go wrong so far; None: each
    answers: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)  # by method
    hang_s: dict[str, float] = field(default_factory=dict)  # by method, real seconds
    approval_polls: int = 0  # times that an approval is still underway
    signing_polls: int = 0  # times that asynchronous values are still being made
    call_takes_s: float = 0.0  # of the provider's time, for one signHash
    end_approvals_after: int | None = None  # signHash calls of one approval, then "SAD expired"
    silent_about_expiry: bool = False  # a bare 400 then
    busy_after: int | None = None  # values, then 503


@dataclass
class Approval:
    """Activation data that was given out."""

    hashes: Counter[str]
    left: int
    until: float
    calls: int = 0


@dataclass(frozen=True)
class Refused(Exception):
    """An error of the API."""

    status: int
    error: str
    description: str = ""


@dataclass
class Provider:
    """One account with one credential."""

    version: str = "2.0.0.2"
    kind: str = "rsa-2048"
    mode: str = "explicit"
    objects: list[dict[str, str]] = field(default_factory=list)  # 2.0; 1.0.4: see `pin`, `otp`
    expression: str | None = None
    pin: str = "false"  # presence, 1.0.4
    otp: str = "false"
    multisign: int = 5
    lifetime_s: int = 300  # of activation data
    token_lifetime_s: int = 3600
    auth_types: tuple[str, ...] = ("basic", "oauth2code", "oauth2client")
    extra_methods: tuple[str, ...] = ()
    issuer: bool = False  # info names oauth2Issuer instead of oauth2
    metadata_changes: dict[str, Any] = field(default_factory=dict)  # of the authorisation server
    time: Time = field(default_factory=Time)
    faults: Faults = field(default_factory=Faults)
    status: str = "enabled"
    certificate_status: str = "valid"
    key_length: int | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)  # Base64 hashes, in the order they were signed
    base_url: str = ""  # set by the server
    holder: MemorySigner | None = None  # the credential; None: one made for the kind of key
    signer_number: int = 0  # tells such keys apart
    other_credentials: tuple[str, ...] = ()  # listed, no more
    open_to_all: bool = False  # no token needed, as behind a private network

    def __post_init__(self) -> None:
        self.tokens: dict[str, float] = {}
        self.credential_tokens: dict[str, Approval] = {}
        self.refresh_tokens: set[str] = set()
        self.approvals: dict[str, Approval] = {}
        self.handles: dict[str, tuple[int, Approval]] = {}
        self.responses: dict[str, tuple[int, list[str]]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.pushed: dict[str, dict[str, str]] = {}
        self.wrong_pins = 0

    @property
    def signer(self) -> MemorySigner:
        return self.holder or _make_holder(self.kind, self.signer_number)

    @property
    def is_v1(self) -> bool:
        return self.version.startswith("1.")

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def drop_tokens(self) -> None:
        """End every access token, as a restart of the provider does."""
        self.tokens.clear()

    # -- the API ----------------------------------------------------------------------------------------------------

    def call(self, method: str, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any] | None]:
        """Return status and body of the answer to one method."""
        self.calls.append((method, body))
        handlers: dict[str, Callable[[dict[str, Any]], tuple[int, dict[str, Any] | None]]] = {
            "credentials/list": self._list,
            "credentials/info": self._info_of_credential,
            "credentials/authorize": self._authorize,
            "credentials/authorizeCheck": self._authorize_check,
            "credentials/extendTransaction": self._extend,
            "credentials/getChallenge": self._challenge,
            "credentials/sendOTP": lambda _: (204, None),
            "signatures/signPolling": self._poll,
            "auth/revoke": self._revoke,
        }
        if method == "info":
            return 200, self._info()
        if method == "auth/login":
            return 200, self._login(body, authorization)
        if method == "signatures/signHash":
            return self._sign_hash(body, authorization)
        if method not in handlers:
            raise Refused(501, "not_implemented")
        self._check_token(authorization)
        return handlers[method](body)

    def _info(self) -> dict[str, Any]:
        methods = ["auth/login", "auth/revoke", "credentials/list", "credentials/info", "signatures/signHash"]
        found = {
            "specs": self.version,
            "name": "Provider of the tests",
            "authType": list(self.auth_types),
            "methods": [*methods, *self.extra_methods],
            "asynchronousOperationMode": True,
        }
        return found | ({"oauth2Issuer": self.base_url} if self.issuer else {"oauth2": f"{self.base_url}/"})

    def _login(self, body: dict[str, Any], authorization: str) -> dict[str, Any]:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        refresh = body.get("refresh_token")
        if refresh is None and authorization != f"Basic {expected}":
            raise Refused(400, "authentication_error", f"wrong password for {authorization}")
        if refresh is not None and refresh not in self.refresh_tokens:
            raise Refused(400, "invalid_request", "Invalid refresh_token")
        return self.give_token(refreshable=True)

    def give_token(self, *, refreshable: bool) -> dict[str, Any]:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = self.time.now + self.token_lifetime_s
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": self.token_lifetime_s}
        if refreshable:
            answer["refresh_token"] = secrets.token_urlsafe(24)
            self.refresh_tokens.add(answer["refresh_token"])
        return answer

    def _check_token(self, authorization: str) -> None:
        token = authorization.removeprefix("Bearer ")
        if not self.open_to_all and self.time.now >= self.tokens.get(token, 0.0):
            raise Refused(401, "expired_token", "The access token is expired or has been revoked")

    def _revoke(self, body: dict[str, Any]) -> tuple[int, None]:
        self.refresh_tokens.discard(body["token"])
        self.tokens.clear()
        return 204, None

    def _list(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.is_v1 and "pageToken" not in body:
            return 200, {"credentialIDs": [], "nextPageToken": "2"}
        found: dict[str, Any] = {"credentialIDs": [CREDENTIAL, *self.other_credentials]}
        return 200, found | ({"nextPageToken": ""} if self.is_v1 else {})

    def _info_of_credential(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._check_credential(body)
        signer = self.signer
        chain = [signer.certificate, *signer.chain]
        family = "rsa" if isinstance(signer.key, rsa.RSAPrivateKey) else "ec"
        found: dict[str, Any] = {
            "key": {
                "status": self.status,
                "algo": _ALGORITHMS[family],
                "len": self.key_length or signer.key.key_size,
            },
            "cert": {
                "status": self.certificate_status,
                "certificates": [base64.b64encode(one.der).decode() for one in chain],
            },
            "SCAL": "2",
            "multisign": self.multisign,
        }
        if self.is_v1:
            pin = {"presence": self.pin, "format": "N", "label": "PIN"}
            otp = {"presence": self.otp, "type": "online", "format": "N", "label": "OTP"}
            return 200, {**found, "authMode": self.mode, "PIN": pin, "OTP": otp}
        auth: dict[str, Any] = {"mode": self.mode, "objects": self.objects}
        return 200, {**found, "auth": auth | ({"expression": self.expression} if self.expression else {})}

    @staticmethod
    def _check_credential(body: dict[str, Any]) -> None:
        if body.get("credentialID") != CREDENTIAL:
            raise Refused(400, "invalid_request", "Invalid parameter credentialID")

    def _read_hashes(self, body: dict[str, Any]) -> list[str]:
        if not self.is_v1 and body.get("hashAlgorithmOID") not in _HASHES:
            raise Refused(400, "invalid_request", "Invalid parameter hashAlgorithmOID")
        hashes = body["hash" if self.is_v1 else "hashes"]
        if not isinstance(hashes, list) or not hashes:
            raise Refused(400, "invalid_request", "Empty hash array")
        return hashes

    def _authorize(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._check_credential(body)
        if self.mode == "oauth2code":
            raise Refused(400, "invalid_request", "use OAuth 2.0")
        hashes, number = self._read_hashes(body), body["numSignatures"]
        if number != len(hashes) or number > self.multisign:
            raise Refused(400, "invalid_request", "Numbers of signatures is too high")
        self._check_factors(body)
        approval = self.approve(hashes)
        if self.faults.approval_polls:
            handle = secrets.token_urlsafe(8)
            self.handles[handle] = (self.faults.approval_polls, approval)
            return 202, {"handle": handle}
        return 200, self._give_sad(approval)

    def approve(self, hashes: list[str]) -> Approval:
        return Approval(Counter(hashes), len(hashes), self.time.now + self.lifetime_s)

    def _give_sad(self, approval: Approval) -> dict[str, Any]:
        sad = secrets.token_urlsafe(24)
        approval.until = self.time.now + self.lifetime_s
        self.approvals[sad] = approval
        return {"SAD": sad, "expiresIn": self.lifetime_s}

    def _check_factors(self, body: dict[str, Any]) -> None:
        if self.is_v1:
            wanted = {"PIN": PIN, "OTP": OTP}
            needed = [name for name, presence in (("PIN", self.pin), ("OTP", self.otp)) if presence == "true"]
            given = {name: body.get(name) for name in needed}
        else:
            wanted = {"PIN": PIN, "OTP": OTP, "APP": ""}
            given = {one["id"]: one.get("value", "") for one in body.get("authData", [])}
            needed = [one["id"] for one in self.objects] if self.expression is None else list(given)
        if any(given.get(name) != wanted[name] for name in needed):
            self.wrong_pins += 1
            raise Refused(400, "invalid_authentication_data", f"wrong: {json.dumps(given)}")

    def _authorize_check(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        polls, approval = self.handles.pop(body["handle"])
        if polls > 1:
            handle = secrets.token_urlsafe(8)
            self.handles[handle] = (polls - 1, approval)
            return 202, {"handle": handle}
        return 200, self._give_sad(approval)

    def _challenge(self, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        return (204, None) if body["authObjectID"] == "OTP" else (200, {"challenge": "Tên trường cũ?\x1b[2J"})

    def _extend(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        approval = self._find_approval(body["SAD"])
        if any(one not in approval.hashes for one in self._read_hashes(body)):
            raise Refused(400, "invalid_request", "Hash is not authorized by the SAD")
        del self.approvals[body["SAD"]]
        return 200, self._give_sad(approval)

    def _find_approval(self, sad: str) -> Approval:
        approval = self.approvals.get(sad) or self.credential_tokens.get(sad)
        if approval is None:
            raise Refused(400, "invalid_request", "Invalid parameter SAD")
        limit = self.faults.end_approvals_after
        if self.time.now >= approval.until or (limit is not None and approval.calls >= limit):
            raise Refused(400, "" if self.faults.silent_about_expiry else "invalid_request", "SAD expired")
        return approval

    def _sign_hash(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any]]:
        bearer = authorization.removeprefix("Bearer ")
        if bearer in self.credential_tokens:
            sad = bearer
        else:
            self._check_token(authorization)
            sad = body.get("SAD", "")
        self._check_credential(body)
        approval = self._find_approval(sad)
        hashes = self._read_hashes(body)
        if self.faults.busy_after is not None and len(self.signed) >= self.faults.busy_after:
            raise Refused(503, "temporarily_unavailable")
        if Counter(hashes) - approval.hashes or len(hashes) > approval.left:
            raise Refused(400, "invalid_request", "Hash is not authorized by the SAD")
        self.time.now += self.faults.call_takes_s
        approval.calls += 1
        approval.left -= len(hashes)
        approval.hashes -= Counter(hashes)
        values = [self._sign(base64.b64decode(one, validate=True), body) for one in hashes]
        self.signed += hashes
        texts = self._spoil([base64.b64encode(value).decode() for value in values])
        if body.get("operationMode") == "A":
            response = secrets.token_urlsafe(8)
            self.responses[response] = (self.faults.signing_polls, texts)
            return 200, {"responseID": response}
        named = self.faults.named_algorithm if self._goes_wrong else None
        return 200, {"signatures": texts} | ({} if named is None else {"signAlgo": named})

    @property
    def _goes_wrong(self) -> bool:
        return self.faults.wrong_calls is None or self.count("signatures/signHash") in self.faults.wrong_calls

    def _spoil(self, texts: list[str]) -> list[str]:
        if not self._goes_wrong:
            return texts
        kept = texts[: len(texts) - self.faults.fewer] + texts[:1] * self.faults.more
        return kept[1:] + kept[:1] if self.faults.permuted else kept

    def _poll(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        polls, texts = self.responses.pop(body["requestID"])
        if polls > 0:
            self.responses[body["requestID"]] = (polls - 1, texts)
            return 202, {"error": "accepted_request"}
        return 200, {"signatures": texts}

    def _sign(self, digest: bytes, body: dict[str, Any]) -> bytes:
        key = make_signer(self.kind, number=99).key if self.faults.other_key else self.signer.key
        name = body["signAlgo"]
        if isinstance(key, ec.EllipticCurvePrivateKey):
            der = key.sign(digest, ec.ECDSA(Prehashed(_ECDSA[name])))
            size = key.key_size // 8
            return b"".join(part.to_bytes(size) for part in decode_dss_signature(der)) if self.faults.raw_ecdsa else der
        named = _HASHES[body["hashAlgo" if self.is_v1 else "hashAlgorithmOID"]]
        kind = SHA256() if name == _RSA_SHA256 else named
        if name == _PSS and not body.get("signAlgoParams"):
            raise Refused(400, "invalid_request", "Missing (or invalid type) string parameter signAlgoParams")
        if (name == _PSS) is not self.faults.other_scheme:
            return key.sign(digest, padding.PSS(padding.MGF1(kind), kind.digest_size), Prehashed(kind))
        return key.sign(digest, padding.PKCS1v15(), Prehashed(kind))

    # -- the authorisation server -------------------------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.base_url,
            "authorization_endpoint": f"{self.base_url}/oauth2/authorize",
            "token_endpoint": f"{self.base_url}/oauth2/token",
            "pushed_authorization_request_endpoint": f"{self.base_url}/oauth2/pushed_authorize",
            **self.metadata_changes,
        }

    def push(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        self._check_client(form, authorization)
        reference = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(8)}"
        self.pushed[reference] = dict(form)
        return {"request_uri": reference, "expires_in": 90}

    def open_page(self, query: str) -> str:
        """Return where the person's browser is sent after the person agreed."""
        asked = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
        if "request_uri" in asked:
            assert set(asked) == {"client_id", "request_uri"}
            asked = self.pushed.pop(asked["request_uri"])
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, REDIRECT)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        return f"{REDIRECT}?{urlencode({'code': code, 'state': asked['state']}, quote_via=quote)}"

    def give(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """Answer at the token endpoint."""
        self.calls.append(("oauth2/token", dict(form)))
        self._check_client(form, authorization)
        kind = form["grant_type"]
        if kind == "client_credentials":
            return self.give_token(refreshable=False)
        if kind == "refresh_token":
            if form["refresh_token"] not in self.refresh_tokens:
                raise Refused(400, "invalid_grant", "Refresh token expired")
            return self.give_token(refreshable=False)
        asked = self.codes.pop(form["code"], None)
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if asked is None or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]:
            raise Refused(400, "invalid_grant", "Invalid parameter code")
        return self._give_for_code(asked, form)

    def _give_for_code(self, asked: Mapping[str, str], form: Mapping[str, str]) -> dict[str, Any]:
        if "authorization_details" in asked:
            assert form["authorization_details"] == asked["authorization_details"]
            (details,) = json.loads(asked["authorization_details"])
            assert (details["type"], details["credentialID"]) == ("credential", CREDENTIAL)
            assert details["hashAlgorithmOID"] in _HASHES
            return self._give_credential_token([one["hash"] for one in details["documentDigests"]])
        if asked.get("scope") == "credential":
            joined = asked["hash" if self.is_v1 else "hashes"].split(",")
            assert int(asked["numSignatures"]) == len(joined)
            octets = [base64.urlsafe_b64decode(one) for one in joined]
            return self._give_credential_token([base64.b64encode(one).decode() for one in octets])
        return self.give_token(refreshable=True)

    def _give_credential_token(self, hashes: list[str]) -> dict[str, Any]:
        token = secrets.token_urlsafe(24)
        self.credential_tokens[token] = self.approve(hashes)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s}

    def _check_client(self, form: Mapping[str, str], authorization: str) -> None:
        pair = f"{quote(CLIENT, safe='')}:{quote(CLIENT_SECRET, safe='')}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
        by_header = authorization == header
        if form.get("client_id") != CLIENT or not (by_header or form.get("client_secret") == CLIENT_SECRET):
            raise Refused(401, "invalid_client", "Invalid parameter client_secret")
