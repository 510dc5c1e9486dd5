"""HTTP for status: record a signed recall, fetch the signed status file of a school year."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, File, Response
from starlette.concurrency import run_in_threadpool

from service.access import ClerkDep
from service.context import ContextDep
from service.status.exporting import find_export
from service.transcripts.recording import record_recall
from service.web.uploads import read_upload
from transcript_core.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["status"])


@router.post("/recalls", status_code=HTTPStatus.CREATED)
async def add_recall(context: ContextDep, clerk: ClerkDep, xml: Annotated[Any, File()]) -> dict[str, str | int]:
    """Record a signed CANCEL document: requested, approved and sealed."""
    content = await read_upload(xml)
    verified = await run_in_threadpool(record_recall, context, content, actor=clerk)
    target = verified.event.target
    return {
        "serial": verified.event.serial,
        "version": verified.event.version,
        "recalled_version": 0 if target is None else target.version,
    }


@router.get("/status/{school_code}/{school_year}")
def get_status_file(context: ContextDep, school_code: str, school_year: str) -> Response:
    """Return the newest seal-signed status file of one school year, as exported by `hocba status export`."""
    content = find_export(context.workspace, school_code=school_code, school_year=school_year)
    if content is None:
        raise NotFound("no status file was exported for this school year")
    return Response(content, media_type="application/jose")
