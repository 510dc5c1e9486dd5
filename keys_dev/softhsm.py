"""A development token: SoftHSM2 in a folder of its own, with keys of the development PKI on it.

SoftHSM2 is a real PKCS#11 library that keeps its token in files.  It reads SOFTHSM2_CONF when a process first uses it,
so whoever signs with such a token sets that variable first (`SoftToken.environment`).  Objects are written by a child
process (`keys_dev.token_writer`): a PKCS#11 library is state of the whole process, and this one may be signing.

Spec: PKCS #11 2.40; the URI of a key is that of RFC 7512.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from keys_dev.files import locked, write_private
from transcript_core.errors import KeyUnavailable

_LIBRARIES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
)
_TOOL: Final = "softhsm2-util"
_TIMEOUT_S: Final = 120.0
_PIN_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A key with its certificates that is to be on a token."""

    p12: str  # path of the PKCS#12 file
    password: str
    label: str  # CKA_LABEL of key and certificate
    id: str  # CKA_ID, hexadecimal
    always_authenticate: bool = False  # the PIN is wanted before every signature


@dataclass(frozen=True, slots=True)
class SoftToken:
    """One token in a folder."""

    folder: Path
    label: str

    @property
    def library(self) -> Path:
        """Return the PKCS#11 library.

        Raises:
            KeyUnavailable: SoftHSM2 is not installed.
        """
        return find_library()

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process that uses the token must have in its environment."""
        return {"SOFTHSM2_CONF": str(self.folder.resolve() / "softhsm2.conf")}

    @property
    def pin_file(self) -> Path:
        """Return the file that holds the user PIN."""
        return self.folder / "pin"

    def read_pin(self) -> str:
        """Return the user PIN."""
        return self.pin_file.read_text("ascii")

    def uri(self, entry_id: str) -> str:
        """Return the URI of a key; the PIN's file is named in it.

        Args:
            entry_id: CKA_ID, hexadecimal.
        """
        octets = "".join(f"%{entry_id[at : at + 2]}" for at in range(0, len(entry_id), 2))
        path, pin = quote(str(self.library), safe="/"), quote(str(self.pin_file.resolve()), safe="/")
        token = quote(self.label, safe="")
        return f"pkcs11:token={token};id={octets};type=private?module-path={path}&pin-source=file:{pin}"

    def write(self, entries: Sequence[TokenEntry]) -> None:
        """Put keys and certificates on the token; a CKA_ID that is there already stays as it is.

        Raises:
            KeyUnavailable: the token does not take them.
        """
        order = {
            "library": str(self.library),
            "label": self.label,
            "pin": self.read_pin(),
            "entries": [asdict(entry) for entry in entries],
        }
        _run([sys.executable, "-m", "keys_dev.token_writer"], self.environment, json.dumps(order))


def find_library() -> Path:
    """Return SoftHSM2's PKCS#11 library.

    Raises:
        KeyUnavailable: SoftHSM2 is not installed.
    """
    for path in _LIBRARIES:
        if path.is_file() and shutil.which(_TOOL):
            return path
    raise KeyUnavailable(
        "SoftHSM2, which plays the token, is not installed; install the system package softhsm2 or use other keys",
        text_vi="Chưa cài SoftHSM2 (đóng vai thẻ); hãy cài gói hệ thống softhsm2 hoặc dùng loại khoá khác.",
    )


def open_token(folder: Path, label: str) -> SoftToken:
    """Return the token of this label in a folder, made at the first call; several tokens may share a folder's parent.

    Raises:
        KeyUnavailable: SoftHSM2 is not installed, or does not make the token.
    """
    find_library()
    token = SoftToken(folder, label)
    with locked(folder):
        if not token.pin_file.is_file():
            _create(token)
    return token


def _create(token: SoftToken) -> None:
    pin, so_pin = (str(secrets.randbelow(10**_PIN_DIGITS)).zfill(_PIN_DIGITS) for _ in range(2))
    store = token.folder.resolve() / "tokens"
    store.mkdir(exist_ok=True, mode=0o700)
    lines = (
        f"directories.tokendir = {store}",
        "objectstore.backend = file",
        "log.level = ERROR",
        "slots.removable = false",
    )
    write_private(token.folder / "softhsm2.conf", "\n".join([*lines, ""]).encode())
    add_token(token, pin=pin, so_pin=so_pin)
    write_private(token.folder / "so-pin", so_pin.encode())
    write_private(token.pin_file, pin.encode())


def add_token(token: SoftToken, *, pin: str, so_pin: str) -> None:
    """Initialise one more token in the folder; SoftHSM2 gives it a serial number of its own.

    Raises:
        KeyUnavailable: SoftHSM2 does not make it.
    """
    command = [_TOOL, "--init-token", "--free", "--label", token.label, "--pin", pin, "--so-pin", so_pin]
    _run(command, token.environment, "")


def _run(command: Sequence[str], environment: dict[str, str], given: str) -> None:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(  # noqa: S603  (the command is put together here, of our own parts)
        command,
        input=given,
        env=os.environ | environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise KeyUnavailable(f"the development token could not be written: {lines[-1]}")
