"""PINs and passwords come from where they are, each time they are asked, and stay nowhere."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from signing.keystores.secrets import (
    MAX_SECRET_BYTES,
    CallbackSecret,
    EnvironmentSecret,
    FileSecret,
    SecretSource,
    TerminalSecret,
)
from transcript_core.errors import KeyUnavailable

PURPOSE = "PIN của thẻ «hocba»"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"93571", "93571"),
        (b"93571\n", "93571"),
        (b"93571\r\n", "93571"),
        (" mật khẩu \n".encode(), " mật khẩu "),
        (b"\xef\xbb\xbf93571", "93571"),
        (b"", ""),
    ],
)
def test_a_file_holds_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "pin"
    path.write_bytes(content)
    assert FileSecret(path).ask(PURPOSE) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"93571\nmore", "more than one line"), (b"93571\xff", "UTF-8"), (b"9" * (MAX_SECRET_BYTES + 1), "longer")],
)
def test_a_file_of_another_shape_is_refused_without_its_content(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "pin"
    path.write_bytes(content)
    with pytest.raises(KeyUnavailable, match=reason) as caught:
        FileSecret(path).ask(PURPOSE)
    assert "93571" not in str(caught.value) + caught.value.text_vi
    assert caught.value.__context__ is None  # a decoder's error would carry the bytes


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="khong-co"):
        FileSecret(tmp_path / "khong-co").ask(PURPOSE)


def test_a_variable_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    source = EnvironmentSecret("HOCBA_TEST_PIN")
    with pytest.raises(KeyUnavailable, match="HOCBA_TEST_PIN is not set"):
        source.ask(PURPOSE)
    monkeypatch.setenv("HOCBA_TEST_PIN", "93571")
    assert source.ask(PURPOSE) == "93571"


def test_a_function_is_told_the_purpose() -> None:
    assert CallbackSecret({PURPOSE: "93571"}.get).ask(PURPOSE) == "93571"
    with pytest.raises(KeyUnavailable, match="none was given"):
        CallbackSecret(lambda _: None).ask(PURPOSE)


def test_a_terminal_hides_what_is_typed_or_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signing.keystores.secrets.getpass", {f"{PURPOSE}: ": "93571"}.get)
    assert TerminalSecret().ask(PURPOSE) == "93571"


@pytest.mark.parametrize("trouble", [EOFError(), OSError("no tty")])
def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    def fail(_: str) -> str:
        raise trouble

    monkeypatch.setattr("signing.keystores.secrets.getpass", fail)
    with pytest.raises(KeyUnavailable, match="no terminal") as caught:
        TerminalSecret().ask(PURPOSE)
    assert PURPOSE in caught.value.text_vi


def test_a_source_shows_and_carries_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pin").write_text("93571", "ascii")
    monkeypatch.setenv("HOCBA_TEST_PIN", "93571")
    sources: list[SecretSource] = [FileSecret(tmp_path / "pin"), EnvironmentSecret("HOCBA_TEST_PIN")]
    for source in sources:
        source.ask(PURPOSE)
        assert "93571" not in repr(source)
        assert b"93571" not in pickle.dumps(source)
    assert repr(CallbackSecret(lambda _: "93571")) == "CallbackSecret()"
