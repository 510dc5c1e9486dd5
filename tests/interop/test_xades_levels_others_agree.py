"""Other software accepts extended XAdES documents: OpenSSL each token over what it covers, xmlsec1 and signxml each
signature.  What an archive timestamp covers is cut out of the stored text for that, by no canonicaliser."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from signing import xades
from signing.xades.unsigned import PropertyKind, read_unsigned
from tests.interop.test_xades_others_agree import (
    XMLSEC1,
    list_id_options,
    needs_xmlsec1,
    verify_with_signxml,
)
from tests.support.pki import development_pki
from tests.support.samples import build_issue, build_transcript
from tests.support.xades_text import iterate_archived
from tests.vectors.longterm import archived, renewed
from tests.vectors.school import describe, school, signed
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.pki.trust import World
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import get_signature
from verify.documents import read_xml

SEAL = "ky-phat-hanh"
OTHERS = Path(__file__).parents[3] / "shared" / "data" / "signed-by-others" / "xades"
MADE_BY_DSS = "evidence-record__Signature-X-LTA-5b5edd31-344d-4d66-8e95-79f9acaab566.xml"


def list_slots() -> tuple[tuple[Slot, ...], SigningPolicy]:
    transcript = build_transcript()
    _, slots, policy = describe(transcript, build_issue(transcript))
    return slots, policy


def verify_with_openssl(token: bytes, digest: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    pki, path = development_pki(), folder / "token.der"
    path.write_bytes(token)
    anchors = pki.anchors_dir
    moment = int(parse_timestamp(token).time.timestamp())
    command = ["openssl", "ts", "-verify", "-token_in", "-in", str(path), "-digest", digest.hex()]
    command += ["-CAfile", str(anchors / World.NATIONAL.value / "national-root.pem")]
    command += ["-untrusted", str(anchors / "intermediates" / "national-ca.pem"), "-attime", str(moment)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("build", [archived, renewed])
def test_openssl_verifies_every_token_over_what_it_covers(build: Callable[[], bytes], tmp_path: Path) -> None:
    document = build()
    signature = get_signature(document, SEAL)
    assert signature is not None
    part = read_unsigned(signature)
    stamp = part.list(PropertyKind.SIGNATURE_TIMESTAMP)[0]
    digests = {stamp.token: xades.get_timestamp_imprint(document, SEAL)}
    for number, one in enumerate(part.properties):
        if one.kind is PropertyKind.ARCHIVE_TIMESTAMP:
            digests[one.token] = hashlib.sha256(b"".join(iterate_archived(document, SEAL, number))).digest()
    assert len(digests) >= 2
    for token, digest in digests.items():
        answer = verify_with_openssl(token, digest, tmp_path)
        assert answer.returncode == 0, answer.stderr
        assert "Verification: OK" in answer.stdout
        assert verify_with_openssl(token, digest[::-1], tmp_path).returncode != 0


@needs_xmlsec1
def test_xmlsec1_accepts_every_signature_of_an_extended_document(tmp_path: Path) -> None:
    document, (slots, _) = renewed(), list_slots()
    path, pki = tmp_path / "hocba.xml", development_pki()
    path.write_bytes(document)
    assert XMLSEC1 is not None
    for slot in (slots[0], *slots[-3:]):
        command = [XMLSEC1, "--verify", "--verification-gmt-time", "2026-06-01 00:00:00"]
        for world in World:
            command += ["--trusted-pem", str(pki.anchors_dir / world.value / f"{world.value}-root.pem")]
        command += ["--node-xpath", f"//*[local-name()='Signature' and @Id='{slot.signature_id}']"]
        answer = subprocess.run(
            [*command, *list_id_options(document), str(path)], capture_output=True, text=True, check=False, timeout=60
        )
        assert answer.returncode == 0, f"{slot.signature_id}: {answer.stderr}"


def test_signxml_accepts_every_signature_of_an_extended_document() -> None:
    document, (slots, policy) = renewed(), list_slots()
    for slot in (slots[0], *slots[-3:]):
        signer = school().signer_of(slot)
        assert verify_with_signxml(document, slot, policy, signer) == len(slot.reference_ids) + 1  # type: ignore[arg-type]


def test_raising_changes_nothing_but_the_seals_unsigned_properties() -> None:
    slots, _ = list_slots()
    for slot in slots[:-1]:
        assert get_signature(renewed(), slot.slot_id) == get_signature(signed(), slot.slot_id)
    before, after = get_signature(signed(), SEAL), get_signature(renewed(), SEAL)
    assert before is not None
    assert after is not None
    assert read_unsigned(after).head == read_unsigned(before).head
    assert read_unsigned(after).properties[:2] == read_unsigned(before).properties[:2]


@pytest.mark.skipif(not OTHERS.is_dir(), reason="the files signed by others are not beside the project")
def test_archive_timestamps_of_other_software_cover_what_is_computed_here() -> None:
    """Two signatures, each with an archive timestamp, made by EU DSS in inclusive canonical form."""
    signatures = read_xml((OTHERS / MADE_BY_DSS).read_bytes()).signatures
    archives = [stamp for signature in signatures for stamp in signature.timestamps if stamp.archive]
    assert len(archives) == 2
    for one in archives:
        token = parse_timestamp(one.token)
        assert hashlib.new(token.imprint_hash, one.octets).digest() == token.imprint
