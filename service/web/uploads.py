"""Reads uploaded files within their limit."""

from __future__ import annotations

from starlette.datastructures import UploadFile

from transcript_core.errors import InputError, LimitExceeded
from transcript_core.limits import MAX_UPLOAD_BYTES


async def read_upload(part: object) -> bytes:
    """Return the bytes of one part of a form; b"" when the field was left empty.

    Raises:
        LimitExceeded: longer than MAX_UPLOAD_BYTES.
        InputError: the field holds text where a file belongs.
    """
    if part is None or part == "":
        return b""
    if not isinstance(part, UploadFile):
        raise InputError("a file was expected in this field; send it as multipart/form-data with a file name")
    content = await part.read(MAX_UPLOAD_BYTES + 1)
    if len(content) > MAX_UPLOAD_BYTES:
        raise LimitExceeded(f"a file may have at most {MAX_UPLOAD_BYTES // 1024 // 1024} MiB")
    return content
