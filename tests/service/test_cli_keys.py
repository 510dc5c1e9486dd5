"""`--key` names any kind of key; its secret comes from a file, the environment or the terminal and is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keys_dev.softhsm import SoftToken, TokenEntry
from service.cli.secrets import CommandSecrets
from tests.support.authority import build_authority
from tests.support.command import Ran, run_command
from tests.support.pki import development_pki
from tests.support.softhsm import bare_uri, make_token, needs_softhsm, plugged_in
from transcript_core.authority import build_authority_payload
from transcript_core.errors import KeyUnavailable

ENTRY = "d0"


@dataclass(frozen=True)
class Department:
    """A department that signs its list: the draft, and its key on a token and in a file."""

    folder: Path
    token: SoftToken

    @property
    def uri(self) -> str:
        """Return the key's URI; it names no PIN."""
        return bare_uri(self.token, ENTRY)

    def sign(self, *options: object, **environment: object) -> Ran:
        """Sign the draft."""
        out = self.folder / "list.jws"
        out.unlink(missing_ok=True)
        ran = run_command(
            "authority", "sign", self.folder / "draft.json", "--out", out, *options, environment=environment
        )
        assert out.is_file() is (ran.code == 0)
        return ran


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    folder = tmp_path_factory.mktemp("department")
    pki = development_pki()
    (folder / "draft.json").write_bytes(build_authority_payload(build_authority()))
    entry = TokenEntry(str(pki.authority_p12), pki.read_password(pki.authority_p12), "department", ENTRY)
    with plugged_in(make_token(folder / "token", entry, label="sở")) as token:
        yield Department(folder, token)


pytestmark = needs_softhsm


def test_a_token_s_key_with_a_pin_file(department: Department) -> None:
    for option in ("--pin-file", "--password-file"):
        ran = department.sign("--key", department.uri, option, department.token.pin_file)
        assert (ran.code, ran.err) == (0, "")
    show = run_command(
        "authority", "show", department.folder / "list.jws", "--anchors", development_pki().anchors_dir, environment={}
    )
    assert show.code == 0, show.err


def test_a_token_s_key_with_the_pin_in_the_environment(department: Department) -> None:
    assert department.sign("--key", department.uri, HOCBA_PIN=department.token.read_pin()).code == 0


def test_a_token_s_key_with_the_pin_file_in_its_uri(department: Department) -> None:
    assert department.sign("--key", department.token.uri(ENTRY)).code == 0


def test_the_token_s_library_may_stand_in_the_settings(department: Department) -> None:
    uri, _, _ = department.uri.partition("?")
    pin = department.token.read_pin()
    assert department.sign("--key", uri, HOCBA_PIN=pin, HOCBA_PKCS11_MODULE=department.token.library).code == 0
    ran = department.sign("--key", uri, HOCBA_PIN=pin, HOCBA_PKCS11_MODULE="/khong/co.so")
    assert ran.code == 1
    assert "/khong/co.so" in ran.err


def test_a_file_s_key_by_path_or_uri(department: Department) -> None:
    path = development_pki().authority_p12
    for name in (path, f"pkcs12:{path}"):
        assert department.sign("--key", name, "--password-file", path.with_suffix(".password")).code == 0
        password = development_pki().read_password(path)
        assert department.sign("--key", name, HOCBA_KEY_PASSWORD=password).code == 0


@pytest.mark.parametrize(
    ("suffix", "environment", "reason"),
    [
        ("", {"HOCBA_PIN": "00000000"}, "PIN is wrong"),
        ("", {"HOCBA_KEY_PASSWORD": "93571"}, "no terminal"),  # a password is never sent as a PIN
        ("&pin-value=93571", {}, "does not belong into a URI"),
        ("&hocba-algorithm=rsa-pkcs1-sha256", {"HOCBA_PIN": None}, "cannot sign with"),
    ],
)
def test_troubles_are_one_line_without_a_secret(
    department: Department,
    suffix: str,
    environment: dict[str, str | None],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signing.keystores.secrets.getpass", _no_terminal)
    given = {name: value or department.token.read_pin() for name, value in environment.items()}
    ran = department.sign("--key", department.uri + suffix, **given)
    assert ran.code == 1
    assert reason in " ".join(ran.err.split())
    assert not any(secret in ran.out + ran.err for secret in ("93571", "00000000", department.token.read_pin()))


def _no_terminal(_: str) -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("PIN của thẻ «hocba»", "pin"),
        ("Mật khẩu của tệp khoá «an.p12»", "password"),
        ("Khoá bí mật của ứng dụng hocba", "client"),
        ("Mã truy cập dịch vụ sign.example.vn", "token"),
        ("Mã OTP", None),
    ],
)
def test_each_question_has_a_variable_of_its_own(
    purpose: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.keystores.secrets.getpass", _no_terminal)
    for name, value in (
        ("PIN", "pin"),
        ("KEY_PASSWORD", "password"),
        ("CLIENT_SECRET", "client"),
        ("ACCESS_TOKEN", "token"),
    ):
        monkeypatch.setenv(f"HOCBA_{name}", value)
    if expected is None:
        with pytest.raises(KeyUnavailable, match="no terminal"):
            CommandSecrets(None).ask(purpose)
    else:
        assert CommandSecrets(None).ask(purpose) == expected


def test_a_named_file_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pin").write_text("from file\n", "utf-8")
    monkeypatch.setenv("HOCBA_PIN", "from environment")
    assert CommandSecrets(tmp_path / "pin").ask("PIN của thẻ") == "from file"
