"""Other software agrees about trust lists: xmlsec1 and signxml accept our signature and refuse an edited list."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from tests.support.trust_lists import operator, sample_list, sign


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed")
def test_xmlsec1_accepts_our_list_and_refuses_it_edited(tmp_path: Path) -> None:
    trusted = tmp_path / "operator.pem"
    trusted.write_bytes(operator().pem)
    signed = sign(sample_list())
    for content, expected in ((signed, 0), (signed.replace(b"Number>7<", b"Number>8<"), 1)):
        path = tmp_path / "list.xml"
        path.write_bytes(content)
        command = ["xmlsec1", "--verify", "--trusted-pem", str(trusted), "--id-attr:Id"]
        target = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"
        ran = subprocess.run([*command, target, str(path)], capture_output=True, text=True, check=False)
        assert (ran.returncode != 0) == bool(expected), ran.stderr


def test_signxml_accepts_our_list() -> None:
    results = XAdESVerifier().verify(
        sign(sample_list()),
        x509_cert=operator().x509,
        expect_config=XAdESSignatureConfiguration(expect_references=2, require_x509=True),
        expect_signature_policy=None,
    )
    assert results[0].signed_xml is not None
    assert results[0].signed_xml.tag.endswith("}TrustServiceStatusList")
