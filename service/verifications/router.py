"""HTTP for verifying an uploaded file.  A transcript that fails is a 200: the report is the answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from service.context import ContextDep
from service.web.limiting import name_client
from service.web.texts import Language
from service.web.uploads import read_upload
from verify.reports.etsi import build_validation_report
from verify.reports.pdf import render_pdf

router = APIRouter(prefix="/api/v1/verifications", tags=["verifications"])


class ReportForm(StrEnum):
    """The forms of a report."""

    JSON = "json"
    XML = "xml"
    PDF = "pdf"


@router.post("")
async def verify_upload(
    request: Request,
    context: ContextDep,
    document: Annotated[Any, File()],
    xml: Annotated[Any, Form()] = None,
    form: Annotated[ReportForm, Query(alias="format")] = ReportForm.JSON,
    lang: Annotated[Language, Query()] = Language.VIETNAMESE,
) -> Response:
    """Verify one signed document (XML, PDF or JWS), with its XML original if there is one; nothing is kept.

    The report comes as JSON, as XML after ETSI TS 119 102-2, or as a PDF in the language of `lang`.
    """
    context.limiter.hit(context.workspace.settings.upload_limit, name_client(request), "upload")
    content = await read_upload(document)
    original = await read_upload(xml) or None
    detailed = await context.verify(content, xml=original)
    if form is ReportForm.XML:
        return Response(await run_in_threadpool(build_validation_report, detailed), media_type="application/xml")
    if form is ReportForm.PDF:
        checked_by = (context.name, context.name)
        pdf = await run_in_threadpool(render_pdf, detailed.report, lang.value, checked_by=checked_by)
        return Response(pdf, media_type="application/pdf")
    return JSONResponse(detailed.report.to_dict())
