"""RFC 7512: what a URI says, and what must not be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signing.keystores.parsing import MAX_URI_CHARS
from signing.keystores.pkcs11.uri import Pkcs11Uri, parse_pkcs11_uri
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkcs11:", {}),
        ("PKCS11:", {}),
        ("pkcs11:?", {}),
        ("pkcs11:token=hocba", {"token": "hocba"}),
        ("pkcs11:token=", {"token": ""}),
        (
            "pkcs11:token=Software%20PKCS%2311;manufacturer=Snake%20Oil,%20Inc.",
            {"token": "Software PKCS#11", "manufacturer": "Snake Oil, Inc."},
        ),
        ("pkcs11:token=Th%E1%BA%BB;object=Kho%c3%a1", {"token": "Thẻ", "object": "Khoá"}),
        ("pkcs11:object=:[]@!$'()*+,=&~-._", {"object": ":[]@!$'()*+,=&~-._"}),
        ("pkcs11:id=%00%01%fe%FF", {"id": b"\x00\x01\xfe\xff"}),
        ("pkcs11:id=ab%63", {"id": b"abc"}),
        ("pkcs11:id=", {"id": b""}),
        ("pkcs11:serial=00aa%3B;model=SoftHSM%20v2", {"serial": "00aa;", "model": "SoftHSM v2"}),
        ("pkcs11:type=private", {"type": "private"}),
        ("pkcs11:type=cert", {"type": "cert"}),
        ("pkcs11:type=public", {"type": "public"}),
        ("pkcs11:slot-id=327", {"slot_id": 327}),
        ("pkcs11:slot-manufacturer=A;slot-description=B", {"slot_manufacturer": "A", "slot_description": "B"}),
        ("pkcs11:library-version=3", {"library_version": (3, 0)}),
        ("pkcs11:library-version=2.6", {"library_version": (2, 6)}),
        (
            "pkcs11:library-manufacturer=SoftHSM;library-description=PKCS%2311",
            {"library_manufacturer": "SoftHSM", "library_description": "PKCS#11"},
        ),
        ("pkcs11:?module-path=/usr/lib/x.so", {"module_path": Path("/usr/lib/x.so")}),
        ("pkcs11:?module-name=softhsm2", {"module_name": "softhsm2"}),
        ("pkcs11:?pin-source=file:/run/pin", {"pin_source": Path("/run/pin")}),
        ("pkcs11:?pin-source=file:///run/pin", {"pin_source": Path("/run/pin")}),
        ("pkcs11:?pin-source=/run/a%26b?c", {"pin_source": Path("/run/a&b?c")}),
        ("pkcs11:?vendor-thing=%41|x&other=1", {}),  # an unknown attribute of the query is passed over
        ("pkcs11:?hocba-certificate=/c.pem&hocba-sessions=8", {"certificate": Path("/c.pem"), "sessions": 8}),
        ("pkcs11:?hocba-algorithm=rsa-pss-sha256", {"algorithm": SignatureAlgorithm.RSA_PSS_SHA256}),
    ],
)
def test_what_a_uri_says(text: str, expected: dict[str, Any]) -> None:
    assert parse_pkcs11_uri(text) == Pkcs11Uri(**expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is named pkcs11:"),
        ("pkcs12:token=a", "is named pkcs11:"),
        ("pkcs11", "is named pkcs11:"),
        ("pkcs11:" + "token=a" * MAX_URI_CHARS, "is named pkcs11:"),
        ("pkcs11:token=Thẻ", "percent-encode"),
        ("pkcs11:token=a#b", "fragment"),
        ("pkcs11:token", "name=value"),
        ("pkcs11:=a", "name=value"),
        ("pkcs11:token=a;", "name=value"),
        ("pkcs11:;token=a", "name=value"),
        ("pkcs11:to ken=a", "name=value"),
        ("pkcs11:?&", "name=value"),
        ("pkcs11:token=a;token=a", "twice"),
        ("pkcs11:?module-name=a&module-name=b", "twice"),
        ("pkcs11:tokens=a", "tokens, which is not known"),
        ("pkcs11:vendor-x=a", "vendor-x, which is not known"),
        ("pkcs11:module-path=/a.so", "module-path, which is not known"),  # belongs into the query
        ("pkcs11:?hocba-session=2", "hocba-session, which is not known"),
        ("pkcs11:token=a%2", "percent sign"),
        ("pkcs11:token=a%zz", "percent sign"),
        ("pkcs11:token=a b", "%20"),
        ("pkcs11:token=a/b", "%2F"),
        ('pkcs11:object="a"', "%22"),
        ("pkcs11:token=%ff", "UTF-8"),
        ("pkcs11:object=a%00", "control character"),
        ("pkcs11:type=Private", "type is one of"),
        ("pkcs11:type=data", "cannot sign"),
        ("pkcs11:type=secret-key", "cannot sign"),
        ("pkcs11:slot-id=-1", "whole number"),
        ("pkcs11:slot-id=", "whole number"),
        ("pkcs11:slot-id=" + "9" * 21, "whole number"),
        ("pkcs11:library-version=2.", "library-version"),
        ("pkcs11:library-version=a", "library-version"),
        ("pkcs11:?module-path=lib.so", "absolute"),
        ("pkcs11:?module-path=//host/lib.so", "absolute"),
        ("pkcs11:?module-name=../evil", "bare name"),
        ("pkcs11:?module-name=", "bare name"),
        ("pkcs11:?pin-source=|/usr/bin/pinentry", "command"),
        ("pkcs11:?pin-source=%7Cpinentry", "command"),
        ("pkcs11:?pin-source=pin", "absolute"),
        ("pkcs11:?pin-source=file://host/pin", "absolute"),
        ("pkcs11:?hocba-sessions=0", "1 to"),
        ("pkcs11:?hocba-sessions=33", "1 to"),
        ("pkcs11:?hocba-sessions=x", "whole number"),
        ("pkcs11:?hocba-algorithm=md5", "known are rsa-pkcs1-sha256"),
    ],
)
def test_what_must_not_be_used(text: str, reason: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        parse_pkcs11_uri(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize("query", ["pin-value=93571", "module-name=a&pin-value=93571&pin-source=/run/pin"])
def test_a_pin_in_a_uri_is_refused_and_not_repeated(query: str) -> None:
    with pytest.raises(KeyUnavailable, match="does not belong into a URI") as caught:
        parse_pkcs11_uri(f"pkcs11:token=a?{query}")
    assert "93571" not in str(caught.value) + caught.value.text_vi
    assert "PIN" in caught.value.text_vi
