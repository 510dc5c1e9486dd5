"""The QR code's address and its modules."""

from __future__ import annotations

import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.util import MODE_8BIT_BYTE, QRData

from transcript_core.errors import LimitExceeded, MalformedTranscript
from transcript_core.render import build_qr_code, build_qr_url
from transcript_core.render.qr import MASK, QUIET_ZONE, VERSIONS

SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNP"
SECRET = bytes(range(16))


def read_back(url: str) -> tuple[str, int]:
    """Draw the modules four pixels wide and return what a reader sees, and the number of modules on a side."""
    matrix = build_qr_code(url).list_rows()
    side = len(matrix) + 2 * QUIET_ZONE
    image = Image.new("L", (side, side), 255)
    for row, line in enumerate(matrix):
        for column, dark in enumerate(line):
            if dark:
                image.putpixel((column + QUIET_ZONE, row + QUIET_ZONE), 0)
    [code] = zxingcpp.read_barcodes(image.resize((4 * side, 4 * side), Image.Resampling.NEAREST))
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    return code.text, len(matrix)


def test_the_address_names_serial_and_version_and_keeps_the_secret_in_the_fragment() -> None:
    url = build_qr_url("https://hocba.example.edu.vn/", SERIAL, 3, SECRET)
    assert url == f"https://hocba.example.edu.vn/v/{SERIAL}/3#AAECAwQFBgcICQoLDA0ODw"


@pytest.mark.parametrize(("filler", "modules"), [(1, 49), (100, 61), (300, 77)])
def test_codes_of_each_version_read_back(filler: int, modules: int) -> None:
    url = build_qr_url("https://hocba.example.edu.vn/" + "a" * filler, SERIAL, 1, SECRET)
    assert read_back(url) == (url, modules)


def test_the_code_is_the_same_every_time() -> None:
    url = build_qr_url("https://hocba.example.edu.vn", SERIAL, 1, SECRET)
    assert build_qr_code(url) == build_qr_code(url)


def test_an_address_beyond_version_15_is_refused() -> None:
    build_qr_code("https://a/" + "b" * 402)
    with pytest.raises(LimitExceeded):
        build_qr_code("https://a/" + "b" * 403)


@pytest.mark.parametrize(
    ("base", "serial", "version", "secret"),
    [
        ("ftp://a", SERIAL, 1, SECRET),
        ("http://a", SERIAL, 1, SECRET),
        ("http://127.0.0.1.a", SERIAL, 1, SECRET),
        ("https://a/?q=1", SERIAL, 1, SECRET),
        ("https://a#b", SERIAL, 1, SECRET),
        ("https://a", SERIAL.lower(), 1, SECRET),
        ("https://a", SERIAL[:-1], 1, SECRET),
        ("https://a", SERIAL, 0, SECRET),
        ("https://a", SERIAL, 1, b"short"),
    ],
)
def test_what_is_not_of_its_form_is_refused(base: str, serial: str, version: int, secret: bytes) -> None:
    with pytest.raises(MalformedTranscript):
        build_qr_url(base, serial, version, secret)


def test_an_address_outside_ascii_is_refused() -> None:
    with pytest.raises(MalformedTranscript):
        build_qr_code("https://học-bạ.vn/")


@pytest.mark.parametrize("length", [1, 79, 151, 152, 153, 251, 252, 411, 412])
def test_codes_are_those_of_the_library(length: int) -> None:
    """Control: the `qrcode` library's own way, in the smallest of our versions that it fits."""
    url = ("https://a/" + "".join(chr(33 + number * 7 % 94) for number in range(length)))[:length]
    for version in VERSIONS:
        code = qrcode.QRCode(version=version, error_correction=ERROR_CORRECT_M, mask_pattern=MASK, border=0)
        code.add_data(QRData(url.encode("ascii"), mode=MODE_8BIT_BYTE), optimize=0)
        try:
            code.make(fit=False)
        except DataOverflowError:
            continue
        assert build_qr_code(url).list_rows() == [[bool(module) for module in row] for row in code.get_matrix()]
        return
    raise AssertionError("the address fits no version")
