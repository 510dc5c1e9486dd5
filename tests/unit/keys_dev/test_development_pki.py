"""The development PKI: made once, announces itself, shows no key, and really answers over HTTP."""

from __future__ import annotations

import json
import shutil
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from keys_dev.cli import register
from keys_dev.pki import DevelopmentPki, Subscriber, list_ca_names
from keys_dev.profiles import Profile
from keys_dev.server import PkiServer, running
from keys_dev.services import Responder
from signing.keystores.pkcs12 import open_pkcs12
from tests.support.pki import CREATED_AT, development_pki, make_pki, open_person, pki_at
from transcript_core.clock import FixedClock
from transcript_core.errors import Conflict, EvidenceUnavailable, TrustMaterialError
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.trust import DEVELOPMENT_MARK, World

AT = datetime(2026, 5, 30, 3, 0, tzinfo=UTC)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


def test_folder_stays_as_it_is(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    path = pki.issue_person("An", "001170000501", organisation="T", world=World.NATIONAL, algorithm="p-256")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    again = DevelopmentPki.load_or_create(tmp_path, created_at=CREATED_AT + timedelta(days=99))
    assert (again.port, again.created_at) == (pki.port, CREATED_AT)
    assert again.issue_person("An", "001170000501", organisation="T", world=World.NATIONAL, algorithm="p-256") == path
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}


def test_every_certificate_announces_itself(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    pki.issue_seal("Trường THCS Hoa Sen", "0101234567", world=World.NATIONAL, algorithm="p-256")
    for file in tmp_path.rglob("*.pem"):
        subject = load_certificate(file.read_bytes()).subject
        assert DEVELOPMENT_MARK in subject
        assert "DEVELOPMENT" in subject


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    pki = make_pki(tmp_path / "material")
    pki.issue_person("An", "001170000502", organisation="T", world=World.NATIONAL, algorithm="p-256")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "material").rglob("*") if file.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "material").stat().st_mode) == 0o700


def test_several_processes_and_threads_make_one_pki(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_pki(tmp_path), range(4)))
        assert len({pki.port for pki in made}) == 1
        person = ("An", "001170000503")
        paths = set(
            pool.map(
                lambda pki: pki.issue_person(*person, organisation="T", world=World.NATIONAL, algorithm="p-256"), made
            )
        )
    assert len(paths) == 1
    issued = [one for one in made[0].list_issued("national-ca") if one.identity == "CCCD:001170000503"]
    assert len(issued) == 1
    path = paths.pop()
    assert open_pkcs12(path, made[0].read_password(path)).certificate == issued[0]


def test_half_made_pki_is_made_anew(tmp_path: Path) -> None:
    make_pki(tmp_path)
    (tmp_path / "pki.json").unlink()
    pki = make_pki(tmp_path)
    path = pki.issue_person("An", "001170000504", organisation="T", world=World.NATIONAL, algorithm="p-256")
    assert open_pkcs12(path, pki.read_password(path)).chain == (
        next(one for one in pki.trust_store().intermediates if "công cộng" in one.common_name),
    )


def test_a_school_of_36_is_enrolled_quickly(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    people = [Subscriber(f"GV {number}", f"CCCD:0011{number:08d}", "T", World.PUBLIC_DUTY) for number in range(36)]
    start = time.perf_counter()
    paths = pki.issue_all(people)
    assert time.perf_counter() - start < 15
    assert [pki.read_certificate(path).common_name for path in paths] == [one.name for one in people]


def test_periods_usages_and_long_names_on_demand() -> None:
    pki = development_pki()
    wanted = Subscriber(
        "Trường " + "dài " * 30,
        "MST:0109876543",
        "T",
        World.NATIONAL,
        "p-256",
        Profile.NO_SIGNING_USAGE,
        valid_from=AT,
        valid_to=AT + timedelta(days=1),
    )
    certificate = pki.read_certificate(pki.issue(wanted))
    assert (certificate.not_before, certificate.not_after) == (AT, AT + timedelta(days=1))
    assert not certificate.may_sign
    assert certificate.common_name.startswith("Trường dài dài")
    assert 60 <= len(certificate.common_name.encode()) <= 64


@pytest.mark.parametrize("identity", ["CCCD:12", "MST:x", "", "cccd:001170000501", "CCCD:001170000501/../x"])
def test_identity_that_no_certificate_carries_is_refused(identity: str) -> None:
    with pytest.raises(TrustMaterialError):
        development_pki().issue(Subscriber("A", identity, "T", World.NATIONAL))


def test_only_own_certificates_are_revoked_and_for_a_known_reason(tmp_path: Path) -> None:
    foreign = open_person().certificate
    with pytest.raises(TrustMaterialError, match="did not issue"):
        make_pki(tmp_path).revoke(foreign, at=AT)
    with pytest.raises(TrustMaterialError, match="boredom"):
        development_pki().revoke(foreign, at=AT, reason="boredom")


def test_folder_without_pki_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(TrustMaterialError, match="no development PKI"):
        DevelopmentPki(tmp_path)
    (tmp_path / "pki.json").write_text(json.dumps({"format": "khac/9"}))
    with pytest.raises(TrustMaterialError, match="another format"):
        DevelopmentPki(tmp_path)


# The answers


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/", None, 404),
        ("/tsa", None, 404),
        ("/tsa", b"rubbish", 400),
        ("/tsa/x", b"", 404),
        ("/ocsp/national-ca", b"rubbish", 400),
        ("/ocsp/national-ca/!!!", None, 400),
        ("/ocsp/national-root", b"", 404),
        ("/ocsp/../pki.json", b"", 404),
        ("/crl/national-ca", None, 404),
        ("/crl/national-ca.crl", b"", 404),
        ("/crl/../../x.crl", None, 404),
        ("/ca/nobody.crt", None, 404),
        ("/ca/national-ca.crt", None, 200),
    ],
)
def test_nonsense_is_answered_not_crashed(path: str, body: bytes | None, status: int) -> None:
    assert Responder(development_pki(), FixedClock(AT)).answer(path, body).status == status


def test_fetch_without_sockets_refuses_other_addresses_and_long_answers() -> None:
    fetch = pki_at(AT)
    url = f"{development_pki().base_url}/ca/national-ca.crt"
    assert load_certificate(fetch(url, max_bytes=10_000)).is_ca
    for wrong, size in (("http://127.0.0.1:1/ca/national-ca.crt", 10_000), (url, 10), (f"{url}x", 10_000)):
        with pytest.raises(EvidenceUnavailable):
            fetch(wrong, max_bytes=size)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as response:
        content: bytes = response.read()
        return content


def test_certificates_lead_to_answers_over_http(tmp_path: Path) -> None:
    with running(tmp_path) as pki:
        path = pki.issue_person("An", "001170000505", organisation="T", world=World.NATIONAL, algorithm="p-256")
        certificate = pki.read_certificate(path)
        issuer = load_certificate(_get(certificate.ca_issuers_urls[0]))
        assert issuer.subject == certificate.issuer
        assert issuer.crl_urls[0].startswith(pki.base_url)
        assert len(_get(certificate.crl_urls[0])) > 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            _get(f"{pki.base_url}/people")
    with pytest.raises(urllib.error.URLError):
        _get(certificate.crl_urls[0])


def test_oversized_request_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as pki, socket.create_connection(("127.0.0.1", pki.port), timeout=5) as connection:
        connection.sendall(b"POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert b"413" in connection.recv(100)


def test_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with running(tmp_path) as pki, pytest.raises(Conflict, match=rf"port {pki.port}.*taken by another program"):
        PkiServer(pki)


@needs_openssl
def test_openssl_accepts_status_and_sees_revocation(tmp_path: Path) -> None:
    with running(tmp_path) as pki:
        path = pki.issue_person("An", "001170000506", organisation="T", world=World.PUBLIC_DUTY, algorithm="p-256")
        ca, root = pki.folder / "cas" / "public-duty-ca.pem", pki.folder / "cas" / "public-duty-root.pem"
        chain = tmp_path / "chain.pem"
        chain.write_bytes(ca.read_bytes() + root.read_bytes())
        certificate = path.with_suffix(".pem")
        command = ["openssl", "ocsp", "-issuer", str(ca), "-cert", str(certificate), "-CAfile", str(chain)]
        command += ["-url", f"{pki.base_url}/ocsp/public-duty-ca"]
        good = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        assert "Response verify OK" in good.stderr
        assert f"{certificate}: good" in good.stdout
        pki.revoke(pki.read_certificate(path), at=datetime.now(UTC) - timedelta(seconds=5), reason="superseded")
        revoked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        assert f"{certificate}: revoked" in revoked.stdout
        assert "superseded" in revoked.stdout
        crl = tmp_path / "ca.crl"
        crl.write_bytes(_get(f"{pki.base_url}/crl/public-duty-ca.crl"))
        shown = subprocess.run(
            ["openssl", "crl", "-in", str(crl), "-inform", "DER", "-CAfile", str(chain), "-noout", "-text"],
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        assert "verify OK" in shown.stderr
        assert f"{pki.read_certificate(path).serial:X}" in shown.stdout


@needs_openssl
def test_openssl_accepts_the_time_stamps(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x")
    query, reply, chain = tmp_path / "q.tsq", tmp_path / "r.tsr", tmp_path / "chain.pem"
    ask = ["openssl", "ts", "-query", "-data", str(tmp_path / "data"), "-sha256", "-cert", "-out", str(query)]
    subprocess.run(ask, capture_output=True, check=True, timeout=20)
    with running(tmp_path / "pki") as pki:
        request = urllib.request.Request(
            pki.tsa_url, query.read_bytes(), {"Content-Type": "application/timestamp-query"}
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            reply.write_bytes(response.read())
        roots = [pki.folder / "cas" / f"{name}.pem" for name in ("national-ca", "national-root")]
        chain.write_bytes(b"".join(path.read_bytes() for path in roots))
    verify = ["openssl", "ts", "-verify", "-queryfile", str(query), "-in", str(reply), "-CAfile", str(chain)]
    assert b"OK" in subprocess.run(verify, capture_output=True, check=True, timeout=20).stdout


@needs_openssl
def test_openssl_accepts_every_path(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    for world in World:
        path = pki.issue_person("An", "001170000507", organisation="T", world=world)
        command = ["openssl", "verify", "-attime", str(int(AT.timestamp())), "-purpose", "any", "-x509_strict"]
        command += ["-CAfile", str(pki.folder / "cas" / f"{world.value}-root.pem")]
        command += ["-untrusted", str(pki.folder / "cas" / f"{world.value}-ca.pem"), str(path.with_suffix(".pem"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0, done.stderr


# The command


def test_command_creates_issues_lists_and_revokes(tmp_path: Path) -> None:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    runner = CliRunner()

    def run(*words: str) -> str:
        result = runner.invoke(app, ["keys-dev", *words, "--folder", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.output

    assert "anchors" in run("create")
    p12 = Path(run("issue", "An", "CCCD:001170000508", "--world", "national").strip())
    certificate = DevelopmentPki(tmp_path).read_certificate(p12)
    line = next(line for line in run("list").splitlines() if "CCCD:001170000508" in line)
    assert "good" in line
    assert "An" in run("revoke", certificate.sha256.hex()[:12], "--at", "2026-05-01T00:00:00")
    line = next(line for line in run("list").splitlines() if "CCCD:001170000508" in line)
    assert "revoked 2026-05-01" in line
    assert len(list(list_ca_names())) == 4
