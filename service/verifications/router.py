"""HTTP for verifying an uploaded file.  A transcript that fails is a 200: the report is the answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request
from fastapi.responses import JSONResponse

from service.context import ContextDep
from service.web.limiting import name_client
from service.web.uploads import read_upload

router = APIRouter(prefix="/api/v1/verifications", tags=["verifications"])


@router.post("")
async def verify_upload(
    request: Request,
    context: ContextDep,
    document: Annotated[Any, File()],
    xml: Annotated[Any, Form()] = None,
) -> JSONResponse:
    """Verify one signed document (XML, PDF or JWS), with its XML original if there is one; nothing is kept."""
    context.limiter.hit(context.workspace.settings.upload_limit, name_client(request), "upload")
    content = await read_upload(document)
    original = await read_upload(xml) or None
    report = await context.verify(content, xml=original)
    return JSONResponse(report.to_dict())
