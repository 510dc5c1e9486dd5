"""What tests of the HTTP interface share: the clerk's token, forms with files, the shape of a problem document."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import pytest
from httpx import Response

from tests.support.issued import IssuedDocument

TOKEN: Final = "clerk-token-of-the-tests"
TOKEN_SHA256: Final = hashlib.sha256(TOKEN.encode()).hexdigest()
AS_CLERK: Final = {"Authorization": f"Bearer {TOKEN}"}
AS_BROWSER: Final = {"Accept": "text/html,application/xhtml+xml"}
PROBLEM_TYPE: Final = "application/problem+json"

NEVER_ISSUED: Final = "0123456789ABCDEFGHJKMNPQRS"
"""A serial that no document has."""

SQLITE_ONLY: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests in which the database plays no part."""


def document_form(document: IssuedDocument, **other: bytes) -> dict[str, tuple[str, bytes]]:
    """Return the files of one signed document as the form fields of `POST /api/v1/documents`."""
    content = {"xml": document.xml, "pdf": document.pdf, "jws": document.jws} | other
    return {name: (f"hocba.{name}", file) for name, file in content.items()}


def secret_sha256(document: IssuedDocument) -> str:
    """Return the digest of the view secret in the document's QR code, in hex."""
    return hashlib.sha256(document.secret.encode()).hexdigest()


def read_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """Return the body of a problem document after checking its form (RFC 9457, 3)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM_TYPE
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert (body["type"], body["status"]) == (f"urn:hocba:problem:{code}", status)
    assert body["title"]
    assert body["detail"]
    assert isinstance(body, dict)
    return body
