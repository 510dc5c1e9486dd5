"""A remote signing service by the API's texts 2.0 and 1.0.4: every way to an approval, and what may go wrong."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from signing.keystores.csc import CscSigner, open_csc
from signing.keystores.csc.authorization import Waiting
from signing.keystores.uri import open_key
from tests.support.csc_provider import CLIENT, CREDENTIAL, REDIRECT, SECRETS, USER, Faults, Provider
from tests.support.csc_server import Person, name_key, serving_provider
from tests.support.csc_values import check_values, describe, make_digests
from transcript_core.errors import KeyUnavailable, SignatureMismatch
from transcript_core.pki.algorithms import SignatureAlgorithm, verify_digest

BASIC = ("auth=basic", f"user={USER}")
BY_CLIENT = ("auth=oauth2client", f"client-id={CLIENT}")
BY_CODE = ("auth=oauth2code", f"client-id={CLIENT}", f"redirect={REDIRECT}")
PIN_FACTOR = {"type": "Password", "id": "PIN", "label": "PIN"}
Open = Callable[..., CscSigner]


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def serve() -> Iterator[Callable[[Provider], Provider]]:
    with ExitStack() as stack:
        yield lambda provider: stack.enter_context(serving_provider(provider))


@pytest.fixture
def opened(serve: Callable[[Provider], Provider], person: Person) -> Iterator[Callable[..., CscSigner]]:
    """Open the key of a provider that is served meanwhile."""
    with ExitStack() as stack:

        def _open(provider: Provider, *parameters: str) -> CscSigner:
            if not provider.base_url:
                serve(provider)
            waiting = Waiting(provider.time.clock, provider.time.sleep)
            return stack.enter_context(closing(open_csc(name_key(provider, *parameters), person, waiting=waiting)))

        yield _open


@pytest.mark.parametrize("version", ["2.0.0.2", "1.0.4.0"])
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa-2048", SignatureAlgorithm.RSA_PKCS1_SHA256),
        ("p-256", SignatureAlgorithm.ECDSA_P256_SHA256),
        ("p-384", SignatureAlgorithm.ECDSA_P384_SHA384),
    ],
)
def test_lists_are_signed_each_under_one_approval(
    opened: Open, version: str, kind: str, algorithm: SignatureAlgorithm
) -> None:
    provider = Provider(version=version, kind=kind)
    signer = opened(provider, *BASIC)
    assert (signer.certificate, signer.algorithm) == (provider.signer.certificate, algorithm)
    assert (signer.chain, signer.list_size) == (provider.signer.chain, 5)
    check_values(signer, 12)
    assert provider.count("credentials/authorize") == 3
    assert provider.count("signatures/signHash") == 3
    assert len(provider.signed) == len(set(provider.signed)) == 12


def test_pss_names_its_parameters(opened: Open) -> None:
    check_values(opened(Provider(), *BASIC, "algorithm=rsa-pss-sha256"), 2)


def test_raw_values_of_ecdsa_are_taken_as_they_are(opened: Open) -> None:
    check_values(opened(Provider(kind="p-256", faults=Faults(raw_ecdsa=True)), *BASIC), 3)


def test_pin_and_code_of_version_1(opened: Open, person: Person) -> None:
    provider = Provider(version="1.0.4.0", pin="true", otp="true", extra_methods=("credentials/sendOTP",))
    check_values(opened(provider, *BASIC), 2)
    (body,) = [body for name, body in provider.calls if name == "credentials/authorize"]
    assert (body["PIN"], body["OTP"], body["numSignatures"]) == ("482913", "771204", 2)
    assert provider.count("credentials/sendOTP") == 1
    assert [" ".join(purpose.split(" ")[:2]) for purpose in person.asked] == ["Mật khẩu", "PIN «PIN»", "Mã OTP"]


def test_factors_of_version_2(opened: Open, person: Person) -> None:
    code = {"type": "ChallengeResponse", "id": "OTP", "label": "OTP"}
    provider = Provider(
        objects=[PIN_FACTOR, code, {"type": "PasswordOOB", "id": "APP"}], expression="PIN AND OTP AND APP"
    )
    check_values(opened(provider, *BASIC), 1)
    (body,) = [body for name, body in provider.calls if name == "credentials/authorize"]
    assert body["authData"] == [{"id": "PIN", "value": "482913"}, {"id": "OTP", "value": "771204"}, {"id": "APP"}]
    assert body["hashAlgorithmOID"] == "2.16.840.1.101.3.4.2.1"


def test_a_challenge_is_shown_as_one_line(opened: Open, person: Person) -> None:
    question = {"type": "ChallengeResponse", "id": "APP", "label": "Câu hỏi"}
    provider = Provider(objects=[question])
    with pytest.raises(KeyUnavailable, match="not accepted"):
        opened(provider, *BASIC).sign_digests(make_digests(1))
    assert "Mã OTP «Câu hỏi», câu hỏi «Tên trường cũ? [2J»" in person.asked[-1]


@pytest.mark.parametrize(
    ("factor", "beginning"),
    [
        ({"type": "Password", "id": "PIN", "label": "Mật khẩu của tệp khoá"}, "PIN «Mật khẩu của tệp khoá» của"),
        ({"type": "Password", "id": "PIN", "label": "Mật khẩu", "generator": "totp"}, "Mã OTP «Mật khẩu» của"),
        ({"type": "Password", "id": "PIN", "label": "Mobile OTP"}, "Mã OTP «Mobile OTP» của"),
        ({"type": "ChallengeResponse", "id": "PIN", "label": "PIN"}, "Mã OTP «PIN», câu hỏi «"),
    ],
)
def test_a_service_cannot_ask_for_a_secret_of_another_kind(
    opened: Open, person: Person, factor: dict[str, str], beginning: str
) -> None:
    person.answers = {"của chứng thư số": "482913"}
    opened(Provider(objects=[factor]), *BASIC).sign_digests(make_digests(1))
    assert person.asked[-1].startswith(beginning)


def test_a_factor_of_another_kind_is_refused(opened: Open) -> None:
    with pytest.raises(KeyUnavailable, match="factor that is not supported"):
        opened(Provider(objects=[{"type": "Fingerprint", "id": "F"}]), *BASIC).sign_digests(make_digests(1))


def test_an_approval_on_the_telephone_is_waited_for(opened: Open) -> None:
    provider = Provider(objects=[{"type": "PasswordOOB", "id": "APP"}], faults=Faults(approval_polls=3))
    check_values(opened(provider, *BASIC), 2)
    assert provider.count("credentials/authorizeCheck") == 3


def test_an_approval_that_nobody_gives_ends_the_wait(opened: Open) -> None:
    provider = Provider(faults=Faults(approval_polls=10_000))
    with pytest.raises(KeyUnavailable, match="nobody approved in time"):
        opened(provider, *BASIC).sign_digests(make_digests(1))


@pytest.mark.parametrize(
    ("version", "parameters"),
    [("2.0.0.2", ()), ("2.0.0.2", ("authorization-details=yes",)), ("1.0.4.0", ())],
    ids=["scope", "details", "scope of 1.0.4"],
)
@pytest.mark.parametrize("pushed", [(), ("oauth2/pushed_authorize",)], ids=["address", "pushed"])
def test_an_approval_at_the_authorisation_server(
    opened: Open, version: str, parameters: tuple[str, ...], pushed: tuple[str, ...]
) -> None:
    provider = Provider(version=version, mode="oauth2code", extra_methods=pushed)
    check_values(opened(provider, *BY_CODE, *parameters), 7)
    assert provider.count("credentials/authorize") == 0
    assert len(provider.credential_tokens) == 2


def test_an_approval_can_be_the_only_authorisation(opened: Open) -> None:
    provider = Provider(mode="oauth2code", open_to_all=True)
    check_values(opened(provider, f"client-id={CLIENT}", f"redirect={REDIRECT}"), 2)
    assert all("SAD" not in body for name, body in provider.calls if name == "signatures/signHash")


def test_values_made_in_the_background_are_waited_for(opened: Open) -> None:
    provider = Provider(faults=Faults(signing_polls=4))
    check_values(opened(provider, *BASIC, "mode=asynchronous"), 3)
    assert provider.count("signatures/signPolling") == 5


def test_values_that_are_never_made_end_the_wait(opened: Open) -> None:
    provider = Provider(faults=Faults(signing_polls=10_000))
    with pytest.raises(KeyUnavailable, match="not made in time"):
        opened(provider, *BASIC, "mode=asynchronous").sign_digests(make_digests(3))


# -- authorisation of the service ------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [BASIC, BY_CLIENT, BY_CODE], ids=["basic", "client", "code"])
@pytest.mark.parametrize("issuer", [False, True])
def test_every_way_to_a_token(opened: Open, parameters: tuple[str, ...], issuer: bool) -> None:
    check_values(opened(Provider(issuer=issuer), *parameters), 2)


@pytest.mark.parametrize("parameters", [BASIC, BY_CLIENT, BY_CODE], ids=["basic", "client", "code"])
def test_a_token_that_ends_in_the_middle_is_renewed_without_asking(
    opened: Open, person: Person, parameters: tuple[str, ...]
) -> None:
    provider = Provider()
    signer = opened(provider, *parameters)
    check_values(signer, 3)
    asked = list(person.asked)
    provider.drop_tokens()
    check_values(signer, 3)
    provider.time.now += provider.token_lifetime_s
    check_values(signer, 3)
    assert person.asked == asked
    assert provider.count("credentials/authorize") >= 3


def test_a_login_starts_anew_when_the_refresh_token_is_refused(opened: Open, person: Person) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    provider.drop_tokens()
    provider.refresh_tokens.clear()
    check_values(signer, 1)
    assert len(person.asked) == 2


def test_a_token_from_outside_is_asked_for_again_when_it_is_refused(
    opened: Open, serve: Callable[[Provider], Provider], person: Person
) -> None:
    provider = serve(Provider())
    person.answers = {"access token": provider.give_token(refreshable=False)["access_token"]}
    signer = opened(provider, "auth=token")
    provider.drop_tokens()
    person.answers = {"access token": provider.give_token(refreshable=False)["access_token"]}
    check_values(signer, 1)
    assert len(person.asked) == 2


def test_the_token_is_given_back_at_the_end(opened: Open) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    signer.close()
    signer.close()
    assert (provider.tokens, provider.refresh_tokens, provider.count("auth/revoke")) == ({}, set(), 1)
    with pytest.raises(KeyUnavailable, match="closed"):
        signer.sign_digests(make_digests(1))


@pytest.mark.parametrize(
    "answer",
    [
        "the code is 12",
        f"{REDIRECT}?code=a&state=other",
        f"{REDIRECT}?code=a",
        "http://127.0.0.1:1/elsewhere?code=a&state=other",
    ],
)
def test_an_address_of_another_login_is_refused(
    serve: Callable[[Provider], Provider], person: Person, answer: str
) -> None:
    person.answers = {"đăng nhập": answer}
    with pytest.raises(KeyUnavailable, match="not the address at which this login ended"):
        open_csc(name_key(serve(Provider()), *BY_CODE), person)


def test_of_several_credentials_one_is_to_be_named(serve: Callable[[Provider], Provider], person: Person) -> None:
    provider = serve(Provider(other_credentials=("HX0224685", "đỏ\x1b[2J")))
    uri = name_key(provider, *BASIC).replace(f"credential={CREDENTIAL}&", "")
    with pytest.raises(KeyUnavailable, match=rf"3 credentials; .*: {CREDENTIAL}, HX0224685, đỏ \[2J$"):
        open_csc(uri, person)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "https://elsewhere.example"}, "another issuer"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "without TLS"),
        ({"pushed_authorization_request_endpoint": "http://elsewhere.example/push"}, "without TLS"),
        ({"authorization_endpoint": "https://elsewhere.example/\x1b[2J"}, "without TLS"),
        ({"token_endpoint": None}, "no token_endpoint"),
    ],
)
def test_an_authorisation_server_that_cannot_be_trusted(
    serve: Callable[[Provider], Provider], person: Person, changes: dict[str, Any], message: str
) -> None:
    provider = serve(Provider(issuer=True, metadata_changes=changes))
    with pytest.raises(KeyUnavailable, match=message):
        open_csc(name_key(provider, *BY_CLIENT), person)
    assert person.asked == []


def test_a_client_with_a_secret_in_the_header(opened: Open) -> None:
    """An issuer that does not list client_secret_post takes HTTP Basic (RFC 8414, 2)."""
    provider = Provider(issuer=True)
    check_values(opened(provider, *BY_CLIENT), 1)
    assert all("client_secret" not in form for name, form in provider.calls if name == "oauth2/token")
    named = Provider(issuer=True, metadata_changes={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    check_values(opened(named, *BY_CLIENT), 1)
    assert all("client_secret" in form for name, form in named.calls if name == "oauth2/token")


def test_an_approval_too_long_for_an_address_is_told(opened: Open) -> None:
    provider = Provider(mode="oauth2code", multisign=500)
    with pytest.raises(KeyUnavailable, match="too long for an address"):
        opened(provider, *BY_CODE).sign_digests(make_digests(256))
    pushed = Provider(mode="oauth2code", multisign=500, kind="p-256", extra_methods=("oauth2/pushed_authorize",))
    check_values(opened(pushed, *BY_CODE), 256)


def test_the_only_credential_needs_no_name(serve: Callable[[Provider], Provider], person: Person) -> None:
    for version in ("1.0.4.0", "2.0.0.2"):
        provider = serve(Provider(version=version))
        uri = name_key(provider, *BASIC).replace(f"credential={CREDENTIAL}&", "")
        with closing(open_key(uri, person)) as signer:
            assert signer.certificate == provider.signer.certificate


# -- approvals that end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [False, True], ids=["says so", "bare 400"])
@pytest.mark.parametrize("version", ["2.0.0.2", "1.0.4.0"])
def test_an_approval_that_ends_in_the_middle_is_given_again_for_what_is_left(
    opened: Open, person: Person, version: str, silent: bool
) -> None:
    faults = Faults(end_approvals_after=2, silent_about_expiry=silent)
    provider = Provider(version=version, multisign=10, objects=[PIN_FACTOR], pin="true", faults=faults)
    signer = opened(provider, *BASIC, "hashes-per-call=2")
    check_values(signer, 10)
    bodies = [body for name, body in provider.calls if name == "credentials/authorize"]
    assert [body["numSignatures"] for body in bodies] == [10, 6, 2]
    assert len([purpose for purpose in person.asked if purpose.startswith("PIN")]) == 3
    assert len(provider.signed) == len(set(provider.signed)) == 10


def test_an_approval_whose_time_is_over_is_not_used(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(multisign=10, lifetime_s=30)
    signer = opened(provider, *BASIC, "hashes-per-call=2")
    sign = provider.call

    def _slow(method: str, body: dict[str, Any], authorization: str) -> Any:
        answer = sign(method, body, authorization)
        provider.time.now += 15.0 if method == "signatures/signHash" else 0.0
        return answer

    monkeypatch.setattr(provider, "call", _slow)
    check_values(signer, 8)
    assert provider.count("credentials/authorize") == 2
    assert provider.count("signatures/signHash") == 4


def test_a_transaction_is_extended_call_by_call_where_the_service_has_that(opened: Open) -> None:
    provider = Provider(multisign=10, extra_methods=("credentials/extendTransaction",))
    check_values(opened(provider, *BASIC, "hashes-per-call=4"), 10)
    assert provider.count("credentials/authorize") == 1
    assert provider.count("credentials/extendTransaction") == 2


def test_approvals_that_end_before_they_serve_are_given_up(opened: Open) -> None:
    provider = Provider(faults=Faults(end_approvals_after=0))
    with pytest.raises(KeyUnavailable, match="signHash was refused"):
        opened(provider, *BASIC).sign_digests(make_digests(2))
    assert provider.count("credentials/authorize") == 4
    assert provider.signed == []


def test_a_wrong_pin_is_tried_once(opened: Open, person: Person) -> None:
    person.answers = {"PIN «": "000000"}
    provider = Provider(objects=[PIN_FACTOR])
    with pytest.raises(KeyUnavailable, match="may lock the credential") as caught:
        opened(provider, *BASIC).sign_digests(make_digests(2))
    assert provider.wrong_pins == 1
    assert "000000" not in describe(caught.value)
    assert "PIN" in caught.value.text_vi


def test_a_pin_is_asked_for_each_approval_unless_the_uri_says_otherwise(opened: Open, person: Person) -> None:
    signer = opened(Provider(objects=[PIN_FACTOR], multisign=2), *BASIC)
    signer.sign_digests(make_digests(6))
    assert sum("PIN «" in one for one in person.asked) == 3
    person.asked.clear()
    remembering = opened(Provider(objects=[PIN_FACTOR], multisign=2), *BASIC, "remember-pin=yes")
    remembering.sign_digests(make_digests(6))
    check_values(remembering, 2)
    assert sum("PIN «" in one for one in person.asked) == 1


def test_a_one_time_code_is_never_remembered(opened: Open, person: Person) -> None:
    code = {"type": "Password", "id": "OTP", "label": "OTP", "generator": "totp"}
    provider = Provider(objects=[PIN_FACTOR, code], expression="PIN AND OTP", multisign=2)
    opened(provider, *BASIC, "remember-pin=yes").sign_digests(make_digests(6))
    assert sum("PIN «" in one for one in person.asked) == 1
    assert sum("OTP «" in one for one in person.asked) == 3


def test_a_remembered_pin_that_is_refused_is_forgotten(opened: Open, person: Person) -> None:
    person.answers = {"PIN «": "000000"}
    provider = Provider(objects=[PIN_FACTOR])
    signer = opened(provider, *BASIC, "remember-pin=yes")
    with pytest.raises(KeyUnavailable, match="may lock the credential"):
        signer.sign_digests(make_digests(2))
    assert provider.wrong_pins == 1
    person.answers = {}
    check_values(signer, 2)
    assert sum("PIN «" in one for one in person.asked) == 2
    signer.close()
    assert "482913" not in repr(vars(signer._approver))


# -- answers that cannot be used -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (Faults(fewer=1), "2 signatures for 3 hashes"),
        (Faults(fewer=3), "0 signatures for 3 hashes"),
        (Faults(more=1), "4 signatures for 3 hashes"),
        (Faults(named_algorithm="1.2.840.113549.1.1.5"), "another algorithm"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_whole(opened: Open, faults: Faults, message: str) -> None:
    faults.wrong_calls = frozenset({1})
    signer = opened(Provider(faults=faults), *BASIC)
    with pytest.raises(SignatureMismatch, match=message):
        signer.sign_digests(make_digests(3))
    check_values(signer, 3)


@pytest.mark.parametrize("faults", [Faults(permuted=True), Faults(other_scheme=True), Faults(other_key=True)])
def test_values_for_other_digests_or_keys_are_handed_on_as_they_are(opened: Open, faults: Faults) -> None:
    """Never put in order: whoever attaches them refuses each by its document's name."""
    signer = opened(Provider(faults=faults), *BASIC)
    digests = make_digests(3)
    values = signer.sign_digests(digests)
    assert not any(
        verify_digest(signer.certificate, signer.algorithm, digest, value)
        for digest, value in zip(digests, values, strict=True)
    )


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (302, {"Location": "https://elsewhere.example/"}, b"", "never followed"),
        (307, {"Location": "https://elsewhere.example/"}, b"", "never followed"),
        (200, {"Content-Type": "text/html"}, b"<html>", "no JSON"),
        (200, JSON, b"[]", "no sound JSON object"),
        (200, JSON, b'{"signatures":["YQ=="],"signatures":["Yg=="]}', "no sound JSON object"),
        (200, JSON, b'{"signatures":[NaN]}', "no sound JSON object"),
        (200, JSON, b'{"signatures":["\xff"]}', "no sound JSON object"),
        (200, JSON, b'{"signatures":[1]}', "no list of at most 1 texts"),
        (200, JSON, b'{"signatures":["' + b"A" * 9_000_000 + b'"]}', "longer than"),
        (200, JSON | {"Content-Encoding": "gzip"}, b"\x1f\x8b", "compressed"),
        (400, JSON, b"[" * 100_000, r"refused \(400\)"),
        (403, JSON, b'{"error":"' + b"x" * 100_000 + b'"}', r"refused \(403\)"),
        (429, {}, b"slow down", "continue the batch later"),
        (500, {"Content-Type": "text/html"}, b"<html>", r"refused \(500\)"),
        (503, JSON, b'{"error":"temporarily_unavailable"}', "overloaded or down"),
    ],
)
def test_an_answer_that_is_none(opened: Open, status: int, headers: dict[str, str], body: bytes, message: str) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    provider.faults.answers["signatures/signHash"] = lambda: (status, headers, body)
    with pytest.raises(KeyUnavailable, match=message):
        signer.sign_digests(make_digests(1))
    provider.faults.answers.clear()
    check_values(signer, 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "0 signatures for 1 hashes"),
        (b"{}", "0 signatures for 1 hashes"),
        (b'{"signatures":"YQ=="}', "0 signatures for 1 hashes"),
        (b'{"signatures":["Y Q"]}', "no Base64"),
        (b'{"signatures":[""]}', "a length that no signature has"),
        (b'{"signatures":["' + b"QUJD" * 500 + b'"]}', "a length that no signature has"),
    ],
)
def test_values_that_are_none_are_refused_and_the_key_is_still_there(opened: Open, body: bytes, message: str) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    provider.faults.answers["signatures/signHash"] = lambda: (200, JSON, body)
    with pytest.raises(SignatureMismatch, match=message):
        signer.sign_digests(make_digests(1))
    provider.faults.answers.clear()
    check_values(signer, 1)


def test_a_service_that_does_not_answer(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    monkeypatch.setattr("signing.keystores.csc.values._SIGN_TIMEOUT_S", 0.1)
    monkeypatch.setattr("signing.keystores.csc.values._SIGN_TIMEOUT_PER_HASH_S", 0.0)
    provider.faults.hang_s["signatures/signHash"] = 5.0
    with pytest.raises(KeyUnavailable, match="no usable answer") as caught:
        signer.sign_digests(make_digests(1))
    assert provider.count("signatures/signHash") == 0
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (Provider(status="disabled"), "disabled"),
        (Provider(certificate_status="expired"), "expired, revoked or suspended"),
        (Provider(certificate_status="suspended"), "expired, revoked or suspended"),
        (Provider(key_length=4096), "do not belong together"),
        (Provider(kind="rsa-1024"), "too weak"),
        (Provider(mode="implicit"), "not supported"),
        (Provider(version="0.1.7.9"), "version of the API"),
        (Provider(version="3.0.0.0"), "version of the API"),
        (Provider(auth_types=("oauth2code",)), "does not offer auth=basic; it offers oauth2code"),
    ],
)
def test_a_credential_or_service_that_cannot_be_used(
    serve: Callable[[Provider], Provider], person: Person, provider: Provider, message: str
) -> None:
    with pytest.raises(KeyUnavailable, match=message):
        open_csc(name_key(serve(provider), *BASIC), person)
    provider.base_url = ""


@pytest.mark.parametrize(
    ("version", "parameter", "message"),
    [
        ("2.0.0.2", "version=1.0.4", "not the version in the key's URI"),
        ("1.0.4.0", "authorization-details=yes", "has no authorization-details"),
        ("1.0.4.0", "mode=asynchronous", "does not sign asynchronously"),
        ("2.0.0.2", "algorithm=ecdsa-p256-sha256", "does not offer ecdsa-p256-sha256"),
    ],
)
def test_a_name_that_asks_for_what_is_not_there(
    serve: Callable[[Provider], Provider], person: Person, version: str, parameter: str, message: str
) -> None:
    with pytest.raises(KeyUnavailable, match=message):
        open_csc(name_key(serve(Provider(version=version)), *BASIC, parameter), person)


def test_a_certificate_that_changes_is_noticed_before_anybody_approves(opened: Open, person: Person) -> None:
    provider = Provider(objects=[PIN_FACTOR])
    signer = opened(provider, *BASIC)
    check_values(signer, 1)
    provider.signer_number = 1
    provider.time.now += 61.0
    asked = len(person.asked)
    with pytest.raises(KeyUnavailable, match="another certificate than at the beginning"):
        signer.sign_digests(make_digests(1))
    assert (len(person.asked), provider.count("credentials/authorize")) == (asked, 1)


def test_a_key_that_is_disabled_in_the_middle_is_noticed(opened: Open) -> None:
    provider = Provider()
    signer = opened(provider, *BASIC)
    provider.status = "disabled"
    provider.time.now += 61.0
    with pytest.raises(KeyUnavailable, match="disabled"):
        signer.sign_digests(make_digests(1))


def test_a_digest_of_another_length_is_refused_before_it_is_sent(opened: Open) -> None:
    provider = Provider()
    with pytest.raises(KeyUnavailable, match="digests of 32 bytes"):
        opened(provider, *BASIC).sign_digests([bytes(32), bytes(20)])
    assert provider.count("credentials/authorize") == 0


def test_nothing_to_sign_asks_nobody(opened: Open) -> None:
    provider = Provider()
    assert opened(provider, *BASIC).sign_digests([]) == []
    assert provider.count("credentials/authorize") == 0


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown_or_travels(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = Provider(version="1.0.4.0", pin="true", otp="true")
    signer = opened(provider, *BY_CLIENT)
    check_values(signer, 2)
    secrets = (*SECRETS, *provider.tokens, *provider.approvals)
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    shown = repr(signer) + caplog.text
    for fault in ("signatures/signHash", "credentials/authorize"):
        provider.faults.answers[fault] = lambda: (400, JSON, b'{"error":"no","error_description":"482913 771204"}')
        with pytest.raises(KeyUnavailable) as caught:
            signer.sign_digests(make_digests(1))
        shown += describe(caught.value) + repr(pickle.loads(pickle.dumps(caught.value)))
        provider.faults.answers.clear()
    secrets = (*secrets, *provider.tokens, *provider.approvals)
    assert [one for one in secrets if one in shown] == []
