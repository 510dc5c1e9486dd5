"""The QR code of a printed page, read by zxing-cpp, is the address of the page with the document's state."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import zxingcpp
from PIL import Image

from service.app import create_app
from tests.support.issued import BASE_URL, IssuedDocument, issued_school, open_copy
from tests.support.server import open_client

PDFTOPPM: Final = shutil.which("pdftoppm")
PRINTED_DPI: Final = 150
STATES: Final = {"current": "valid", "replaced": "superseded", "replacement": "valid", "recalled": "recalled"}

pytestmark = pytest.mark.skipif(PDFTOPPM is None, reason="pdftoppm is not installed (apt-get install poppler-utils)")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    installation = open_copy(tmp_path_factory.mktemp("qr") / "copy")
    with open_client(create_app(installation.workspace)) as opened:
        yield opened
    installation.close()


def read_codes(pdf: bytes, folder: Path) -> list[zxingcpp.Barcode]:
    """Return every code on the pages as poppler draws them."""
    path = folder / "hocba.pdf"
    path.write_bytes(pdf)
    assert PDFTOPPM is not None
    subprocess.run(
        [PDFTOPPM, "-r", str(PRINTED_DPI), "-gray", str(path), str(folder / "page")], check=True, timeout=120
    )
    found = []
    for picture in sorted(folder.glob("page*.pgm")):
        with Image.open(picture) as image:
            found += zxingcpp.read_barcodes(image)
    return found


@pytest.mark.parametrize("name", STATES)
def test_printed_code_is_the_address_of_the_page_with_the_state(
    client: httpx.Client, tmp_path: Path, name: str
) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    (code,) = read_codes(document.pdf, tmp_path)
    assert code.format is zxingcpp.BarcodeFormat.QRCode
    assert code.text == document.url
    address, _, secret = code.text.removeprefix(BASE_URL).partition("#")
    page = client.get(address, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert f'data-state="{STATES[name]}"' in page.text
    assert client.post(f"{address}/compare", json={"secret": secret}).status_code == (
        403 if name == "recalled" else 200
    )


def test_code_survives_a_poor_print(tmp_path: Path) -> None:
    """A page scanned at 100 dpi, with a spot of ink on the code: level M restores it."""
    document = issued_school().current
    path = tmp_path / "hocba.pdf"
    path.write_bytes(document.pdf)
    assert PDFTOPPM is not None
    subprocess.run([PDFTOPPM, "-r", "100", "-gray", str(path), str(tmp_path / "page")], check=True, timeout=120)
    with Image.open(max(tmp_path.glob("page*.pgm"))) as image:
        (code,) = zxingcpp.read_barcodes(image)
        corner, opposite = code.position.top_left, code.position.bottom_right
        size = (opposite.x - corner.x) // 12
        middle = ((corner.x + opposite.x) // 2, (corner.y + opposite.y) // 2)
        image.paste(0, (middle[0], middle[1], middle[0] + size, middle[1] + size))
        assert [one.text for one in zxingcpp.read_barcodes(image)] == [document.url]
