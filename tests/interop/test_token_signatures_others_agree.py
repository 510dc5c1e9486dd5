"""Documents signed with a key on a token are accepted by xmlsec1, pyHanko and pdfsig, with every kind of key."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from keys_dev.softhsm import SoftToken
from signing.keystores.pkcs11 import open_pkcs11
from tests.support.pki import development_pki
from tests.support.signed import build_unsigned, sign_slots
from tests.support.signed_pdf import PDF_SIGNED_AT, sign_slot, unsigned_pdf
from tests.support.softhsm import P256, P384, RSA, Pin, bare_uri, make_token, needs_softhsm, plugged_in

pytestmark = needs_softhsm

XMLSEC1: Final = shutil.which("xmlsec1")
PDFSIG: Final = shutil.which("pdfsig")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    with plugged_in(make_token(tmp_path_factory.mktemp("token") / "token")) as made:
        yield made


@pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
@pytest.mark.parametrize("entry_id", [RSA, P256, P384])
def test_xmlsec1_accepts_a_token_s_xades_signature(token: SoftToken, entry_id: str, tmp_path: Path) -> None:
    document, slots, policy = build_unsigned()
    with closing(open_pkcs11(bare_uri(token, entry_id), Pin(token))) as signer:
        signed = sign_slots(document, slots[:1], policy, signer=signer)
    assert XMLSEC1 is not None
    (tmp_path / "hocba.xml").write_bytes(signed)
    command = [XMLSEC1, "--verify", "--verification-gmt-time", "2026-06-01 00:00:00", *list_id_options(signed)]
    for root in sorted(development_pki().anchors_dir.glob("*/*-root.pem")):
        command += ["--trusted-pem", str(root)]
    done = subprocess.run(
        [*command, str(tmp_path / "hocba.xml")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stdout + done.stderr


def list_id_options(document: bytes) -> list[str]:
    """Return what tells xmlsec1 which attributes are Ids: it reads no schema."""
    namespaces = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
    named = re.findall(r'<(?:(\w+):)?(\w+)(?: xmlns:\w+="[^"]*")* Id="', document.decode())
    options = []
    for prefix, name in sorted(set(named)):
        options += ["--id-attr:Id", f"{namespaces[prefix]}:{name}" if prefix else name]
    return options


@pytest.mark.parametrize(("entry_id", "algorithm"), [(RSA, None), (RSA, "rsa-pss-sha256"), (P256, None), (P384, None)])
def test_pyhanko_and_pdfsig_accept_a_token_s_pades_signature(
    token: SoftToken, entry_id: str, algorithm: str | None, tmp_path: Path
) -> None:
    pdf, slots, policy = unsigned_pdf()
    uri = bare_uri(token, entry_id) + ("" if algorithm is None else f"&hocba-algorithm={algorithm}")
    with closing(open_pkcs11(uri, Pin(token))) as signer:
        signed = sign_slot(pdf, slots[0], signer, policy)
    (embedded,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    status = validate_pdf_signature(embedded, build_context())
    assert status.bottom_line
    if PDFSIG is not None:
        (tmp_path / "hocba.pdf").write_bytes(signed)
        told = subprocess.run(
            [PDFSIG, "-nocert", str(tmp_path / "hocba.pdf")], capture_output=True, text=True, check=False, timeout=60
        )
        assert "Signature is Valid." in told.stdout, told.stdout + told.stderr


def build_context() -> ValidationContext:
    roots = [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]
    return ValidationContext(trust_roots=roots, allow_fetching=False, moment=PDF_SIGNED_AT)
