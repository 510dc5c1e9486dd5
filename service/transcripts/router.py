"""HTTP for issued documents: look one up, record a newly signed one (issue or replace)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Path, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from service.access import ClerkDep
from service.context import ContextDep
from service.status.lookup import Record
from service.transcripts.recording import SignedFiles, record_document
from service.web.uploads import read_upload
from transcript_core.errors import InputError, NotFound
from transcript_core.identifiers import parse_serial
from transcript_core.status import DocumentStatus

router = APIRouter(prefix="/api/v1/documents", tags=["documents"])
MAX_VERSION: Final = 999_999
"""The highest version that an address can name; the database's integers hold far more."""


class StatusOut(BaseModel):
    """The status of one version; nothing about the pupil."""

    serial: str
    version: int
    status: DocumentStatus
    as_of: str | None
    superseded_by: int | None
    reason: str | None
    school_code: str | None
    school_year: str | None
    digest: str | None

    @classmethod
    def of(cls, serial: str, version: int, record: Record) -> StatusOut:
        """Return what anybody may know of `record`."""
        answer, event = record.answer, record.event
        recalled = answer.status is DocumentStatus.RECALLED
        return cls(
            serial=serial,
            version=version,
            status=answer.status,
            as_of=None if answer.as_of is None else answer.as_of.isoformat(),
            superseded_by=answer.superseded_by,
            reason=answer.reason if recalled else None,
            school_code=None if event is None else event.school_code,
            school_year=None if event is None else event.school_year,
            digest=None if event is None else event.event.digest.hex(),
        )


@router.get("/{serial}/{version}")
def get_status(context: ContextDep, serial: str, version: Annotated[int, Path(ge=1, le=MAX_VERSION)]) -> StatusOut:
    """Return the status of one version."""
    parse_serial(serial)
    record = context.find_record(serial, version)
    if record.event is None and not record.unproven:
        raise NotFound(f"no document {serial}/{version} was issued here")
    return StatusOut.of(serial, version, record)


@router.post("", status_code=HTTPStatus.CREATED)
async def add_document(
    context: ContextDep,
    clerk: ClerkDep,
    response: Response,
    xml: Annotated[Any, File()],
    pdf: Annotated[Any, File()],
    jws: Annotated[Any, File()],
    view_secret_sha256: Annotated[str | None, Form(pattern="^[0-9a-f]{64}$")] = None,
) -> StatusOut:
    """Record a transcript that all its signers and the seal have signed; an UPDATE replaces the version it names."""
    files = SignedFiles(await read_upload(xml), await read_upload(pdf), await read_upload(jws))
    if not (files.xml and files.pdf and files.jws):
        raise InputError("xml, pdf and jws are all needed")
    secret = None if view_secret_sha256 is None else bytes.fromhex(view_secret_sha256)
    verified = await run_in_threadpool(record_document, context, files, view_secret_sha256=secret, actor=clerk)
    serial, version = verified.event.serial, verified.event.version
    response.headers["Location"] = f"/api/v1/documents/{serial}/{version}"
    return StatusOut.of(serial, version, await run_in_threadpool(context.find_record, serial, version))
