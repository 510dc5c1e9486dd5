"""Where PINs and passwords come from.

A secret is asked for when a key is opened, handed to what opens the key and kept nowhere: not on the signer, not in a
log, a message, a `repr` or a pickle.  A source itself holds no secret either, only the way to it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from getpass import GetPassWarning, getpass
from pathlib import Path
from typing import Final, Protocol

from transcript_core.errors import KeyUnavailable

MAX_SECRET_BYTES: Final = 4096
"""Bytes of a file that holds a PIN or a password; people's have fewer than a hundred."""


class SecretSource(Protocol):
    """Gives a PIN or a password when it is asked for one."""

    def ask(self, purpose: str) -> str:
        """Return the secret.

        Args:
            purpose: what it opens, a Vietnamese phrase for people: "PIN của thẻ «hocba»".

        Raises:
            KeyUnavailable: there is none; the message never holds a secret.
        """
        ...


@dataclass(frozen=True, slots=True)
class TerminalSecret:
    """Asks the person at the terminal; what is typed is not shown."""

    def ask(self, purpose: str) -> str:
        """Return what was typed.

        Raises:
            KeyUnavailable: there is no terminal that can hide what is typed.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", GetPassWarning)
                return getpass(f"{purpose}: ")
        except (GetPassWarning, EOFError, OSError) as error:
            raise KeyUnavailable(
                f"{purpose}: there is no terminal to ask at; name a file or an environment variable that holds it",
                text_vi=f"{purpose}: không có màn hình lệnh để hỏi; hãy chỉ ra tệp hoặc biến môi trường chứa nó.",
            ) from error


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    """Reads an environment variable, at the moment it is asked."""

    variable: str

    def ask(self, purpose: str) -> str:
        """Return the variable's value.

        Raises:
            KeyUnavailable: it is not set.
        """
        value = os.environ.get(self.variable)
        if value is None:
            raise KeyUnavailable(
                f"{purpose}: the environment variable {self.variable} is not set",
                text_vi=f"{purpose}: biến môi trường {self.variable} chưa được đặt.",
            )
        return value


@dataclass(frozen=True, slots=True)
class FileSecret:
    """Reads the first and only line of a file, at the moment it is asked."""

    path: Path

    def ask(self, purpose: str) -> str:
        """Return the line without its end.

        Raises:
            KeyUnavailable: the file cannot be read, is no UTF-8 text or holds more than one line.
        """
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise self._refuse(purpose, error.strerror or "it cannot be read") from error
        if len(content) > MAX_SECRET_BYTES:
            raise self._refuse(purpose, "it is longer than a password can be")
        text = _decode(content)
        if text is None:
            raise self._refuse(purpose, "it is not UTF-8 text")
        if "\n" in text or "\r" in text:
            raise self._refuse(purpose, "it holds more than one line")
        return text

    def _refuse(self, purpose: str, why: str) -> KeyUnavailable:
        return KeyUnavailable(
            f"{purpose}: the password file {self.path} cannot be used: {why}",
            text_vi=f"{purpose}: không dùng được tệp {self.path}; tệp phải là văn bản UTF-8, đọc được, chỉ một dòng.",
        )


@dataclass(frozen=True, slots=True)
class CallbackSecret:
    """Asks a function of the program around: a window, a vault, a test."""

    function: Callable[[str], str | None] = field(repr=False)  # purpose → secret, None when there is none

    def ask(self, purpose: str) -> str:
        """Return what the function gives.

        Raises:
            KeyUnavailable: it gives none.
        """
        value = self.function(purpose)
        if value is None:
            raise KeyUnavailable(f"{purpose}: none was given", text_vi=f"{purpose}: chưa được cung cấp.")
        return value


def _decode(content: bytes) -> str | None:
    """Return the text, or None; the decoder's own error is not passed on, since it carries the bytes."""
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return None
