"""The QR code of an issued transcript: an address that any phone's camera opens.

Implements ISO/IEC 18004 through the `qrcode` library: model 2, byte mode, error correction level M.  Version and mask
pattern are fixed, because trying all eight masks is what takes the time; readers need no particular mask.
"""

from __future__ import annotations

import base64
import re
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.util import MODE_8BIT_BYTE, QRData

from transcript_core.errors import LimitExceeded, MalformedTranscript

VERSIONS: Final = (8, 11, 15)
"""Tried in order: 152, 251 and 412 octets.  Version 15 (77 modules) is the densest that phones read at 35 mm."""

MASK: Final = 2
QUIET_ZONE: Final = 4
"""Light modules on each side (ISO/IEC 18004, 6.3.8)."""

MIN_VIEW_SECRET_BYTES: Final = 16
"""128 random bits cannot be guessed."""

_SERIAL = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\Z")
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?\Z")


def build_qr_url(base_url: str, serial: str, version: int, view_secret: bytes) -> str:
    """Return `<base>/v/<serial>/<version>#<view secret>`; the fragment never reaches a server by itself.

    Args:
        base_url: of the service, without query and fragment; a closing slash is left out.
        view_secret: at least 16 random octets; base64url without padding in the address.

    Raises:
        MalformedTranscript: an argument is not of its form.
    """
    if not _BASE_URL.match(base_url):
        raise MalformedTranscript("the service's address must start with https:// and hold no query or fragment")
    if not _SERIAL.match(serial) or version < 1:
        raise MalformedTranscript("serial or version is not of its form")
    if len(view_secret) < MIN_VIEW_SECRET_BYTES:
        raise MalformedTranscript(f"a view secret has at least {MIN_VIEW_SECRET_BYTES} octets")
    secret = base64.urlsafe_b64encode(view_secret).rstrip(b"=").decode("ascii")
    return f"{base_url.rstrip('/')}/v/{serial}/{version}#{secret}"


def build_qr_matrix(url: str) -> list[list[bool]]:
    """Return the code's modules by rows, dark ones True, without the quiet zone.

    Raises:
        LimitExceeded: `url` does not fit the largest version.
        MalformedTranscript: `url` is not ASCII.
    """
    if not url.isascii():
        raise MalformedTranscript("an address in a QR code is ASCII")
    for version in VERSIONS:
        code = qrcode.QRCode(version=version, error_correction=ERROR_CORRECT_M, mask_pattern=MASK, border=0)
        code.add_data(QRData(url.encode("ascii"), mode=MODE_8BIT_BYTE), optimize=0)
        try:
            code.make(fit=False)
        except DataOverflowError:
            continue
        return [[bool(module) for module in row] for row in code.get_matrix()]
    raise LimitExceeded("the address does not fit a QR code that phones read at 35 mm; use a shorter one")
