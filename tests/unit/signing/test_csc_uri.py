"""How a remote key is named, and which factors an approval asks for."""

from __future__ import annotations

import traceback

import pytest

from signing.keystores.csc.credential import Factor
from signing.keystores.csc.expression import choose_factors
from signing.keystores.csc.settings import ApiVersion, ServiceAuthorization, parse_csc_uri
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

HOST = "csc:https://sign.example.vn/csc/v2"


def test_a_full_name_says_everything() -> None:
    settings = parse_csc_uri(
        "CSC:https://sign.example.vn:8443/rssp/csc/v2/?credential=GX%2F01&auth=oauth2code&client-id=hocba&client=public"
        "&redirect=https://school.example.vn/back&version=2.0&mode=asynchronous&hashes-per-call=20"
        "&authorization-details=yes&algorithm=rsa-pss-sha256"
    )
    assert (settings.base_url, settings.host) == ("https://sign.example.vn:8443/rssp/csc/v2", "sign.example.vn:8443")
    assert (settings.credential, settings.authorization) == ("GX/01", ServiceAuthorization.CODE)
    assert (settings.client_id, settings.public_client, settings.version) == ("hocba", True, ApiVersion.V2)
    assert (settings.asynchronous, settings.hashes_per_call, settings.authorization_details) == (True, 20, True)
    assert settings.algorithm is SignatureAlgorithm.RSA_PSS_SHA256


def test_a_short_name_leaves_the_rest_to_the_service() -> None:
    settings = parse_csc_uri(HOST)
    assert (settings.credential, settings.version, settings.algorithm) == (None, None, None)
    assert settings.authorization is ServiceAuthorization.EXTERNAL


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080/csc/v1", "http://localhost/csc/v1", "http://[::1]/csc/v1"])
def test_loopback_needs_no_tls(address: str) -> None:
    assert parse_csc_uri(f"csc:{address}").base_url == address


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs12:/a.p12",
        "csc:",
        "csc:sign.example.vn",
        "csc:http://sign.example.vn/csc/v2",
        "csc:http://127.0.0.1.example.vn/csc/v2",
        "csc:ftp://sign.example.vn/",
        "csc:https://user:pin@sign.example.vn/csc/v2",
        "csc:https:///csc/v2",
        "csc:https://[::1/csc/v2",
        f"{HOST}#pin",
        f"{HOST}?credential=a b",
        f"{HOST}?credential=a&credential=b",
        f"{HOST}?credential=",
        f"{HOST}?credential=%ff",
        f"{HOST}?credential=%1b%5b2J",
        f"{HOST}?9183",
        f"{HOST}?pin=9183",
        f"{HOST}?auth=digest",
        f"{HOST}?auth=basic",
        f"{HOST}?auth=oauth2client",
        f"{HOST}?auth=oauth2code&client-id=a",
        f"{HOST}?auth=oauth2client&client-id=a&client=public",
        f"{HOST}?version=3",
        f"{HOST}?mode=sometimes",
        f"{HOST}?algorithm=rsa-md5",
        f"{HOST}?hashes-per-call=0",
        f"{HOST}?hashes-per-call=-1",
        f"{HOST}?hashes-per-call=10000000",
        f"{HOST}?hashes-per-call=²",
        f"{HOST}?credential={'a' * 5000}",
    ],
)
def test_what_names_no_key_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        parse_csc_uri(uri)
    shown = "".join(traceback.format_exception(caught.value, limit=0))
    assert "9183" not in shown
    assert "user:pin" not in shown


FACTORS = tuple(Factor("Password", name, name) for name in ("PIN", "OTP", "APP"))


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        (None, "PIN OTP APP"),
        ("PIN", "PIN"),
        ("PIN AND OTP", "PIN OTP"),
        ("PIN OR OTP", "PIN"),
        ("(APP) XOR (PIN AND OTP)", "APP"),
        ("PIN AND (OTP OR APP)", "PIN OTP"),
        ("OTP AND PIN OR APP", "OTP PIN"),
        ("PIN AND PIN", "PIN"),
    ],
)
def test_the_first_sufficient_factors_are_chosen(expression: str | None, chosen: str) -> None:
    assert " ".join(one.identifier for one in choose_factors(expression, FACTORS)) == chosen


@pytest.mark.parametrize("expression", ["", "PIN OTP", "PIN AND", "AND PIN", "(PIN", "PIN)", "FACE", "(" * 201, "( )"])
def test_an_expression_that_cannot_be_followed_is_refused(expression: str) -> None:
    with pytest.raises(KeyUnavailable):
        choose_factors(expression, FACTORS)
