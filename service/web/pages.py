"""The pages: home, one issued version, comparing with the paper, uploading a file and reading the report."""

from __future__ import annotations

import hashlib
import hmac
import re
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from service import audit
from service.context import AppContext, ContextDep
from service.db.engine import transaction
from service.problems import Forbidden
from service.status.lookup import Record
from service.transcripts import repository
from service.transcripts.repository import DocumentKey, StoredDocument
from service.web.limiting import name_client
from service.web.rendering import Page, PageDep
from service.web.report_view import describe_report
from service.web.texts import Language
from service.web.uploads import read_upload
from service.web.view import build_comparison, build_public_record
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import InputError, NotFound
from transcript_core.identifiers import normalize_serial
from transcript_core.limits import MAX_UPLOAD_BYTES
from transcript_core.status import DocumentStatus
from verify.reports.pdf import render_pdf

router = APIRouter(include_in_schema=False)
_APPEARANCE: Final = {
    "valid": ("good", "✓"),
    "superseded": ("warn", "!"),
    "suspended": ("warn", "!"),
    "recalled": ("bad", "✕"),
    "unknown": ("", "?"),
    "unproven": ("warn", "?"),
}
_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}")


class CompareRequest(BaseModel):
    """What the page sends when the reader asks to compare."""

    secret: str = Field(min_length=1, max_length=128)
    language: Language = Language.VIETNAMESE


@router.get("/")
def show_home(page: PageDep) -> Response:
    """Show where to begin."""
    return page.render("home.html", {})


@router.get("/v")
def find_version(page: PageDep, serial: str = "", version: str = "1") -> Response:
    """Lead the form of the home page to the version's own page."""
    key = _parse_key(serial, version)
    if key is None:
        return _show_unknown(page)
    return RedirectResponse(f"/v/{key}?lang={page.language.value}", HTTPStatus.SEE_OTHER)


@router.get("/v/{serial}/{version}")
def show_version(request: Request, page: PageDep, serial: str, version: str) -> Response:
    """Show a parent what the scanned code stands for: least data, no marks."""
    key = _parse_key(serial, version)
    if key is None:
        return _show_unknown(page)
    if serial != key.serial:  # typed in another form; the browser keeps the fragment
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/v/{key}{quote(query, safe='?=&%')}", HTTPStatus.SEE_OTHER)
    record = page.context.find_record(key.serial, key.version)
    state = "unproven" if record.unproven else record.answer.status.value
    if state == "unknown":
        return _show_unknown(page)
    tone, symbol = _APPEARANCE[state]
    public = None if record.event is None else build_public_record(record.event)
    as_of = record.answer.as_of or page.context.workspace.clock.now()
    values = {
        "state": state,
        "tone": tone,
        "symbol": symbol,
        "serial": key.serial,
        "version": key.version,
        "superseded_by": record.answer.superseded_by,
        "reason": record.answer.reason,
        "record": public,
        "can_compare": public is not None and _may_be_compared(record),
        "as_of": as_of.astimezone(VIETNAM_TIME).strftime("%H:%M, %d/%m/%Y"),
    }
    return page.render("record.html", values)


@router.post("/v/{serial}/{version}/compare")
def compare(request: Request, context: ContextDep, serial: str, version: str, body: CompareRequest) -> Response:
    """Give the signed content to the holder of the view secret; limited, and recorded whatever the answer."""
    key = _parse_key(serial, version)
    stored = None if key is None else _find_stored(context, key)
    if key is None or stored is None:
        raise Forbidden("this code does not open the transcript's marks")
    context.limiter.hit(context.workspace.settings.compare_limit, name_client(request), str(key))
    record = context.find_record(key.serial, key.version)
    granted = _holds_secret(stored, body.secret) and _may_be_compared(record)
    with transaction(context.workspace.sessions) as session:
        audit.record(
            session,
            at=context.workspace.clock.now(),
            actor="public",
            action="compare" if granted else "compare-refused",
            subject=str(key),
        )
    event = record.event
    if not granted or event is None or event.transcript is None or event.issue is None:
        raise Forbidden("this code does not open the transcript's marks")
    return JSONResponse(build_comparison(event.transcript, event.issue, body.language))


@router.get("/verify")
def show_upload(page: PageDep) -> Response:
    """Show the form to upload a file."""
    return page.render("upload.html", {"max_mib": MAX_UPLOAD_BYTES // 1024 // 1024})


@router.post("/verify")
async def show_report(
    request: Request,
    page: PageDep,
    document: Annotated[Any, File()] = None,
    xml: Annotated[Any, Form()] = None,
) -> Response:
    """Verify an uploaded file and show the report.  The file is not kept."""
    context = page.context
    context.limiter.hit(context.workspace.settings.upload_limit, name_client(request), "upload")
    content = await read_upload(document)
    original = await read_upload(xml) or None
    report = (await context.verify(content, xml=original)).report
    shown = describe_report(report, page.language, checked_by=context.name)
    pdf = await run_in_threadpool(render_pdf, report, page.language.value, checked_by=(context.name, context.name))
    name = context.downloads.keep(pdf, at=context.workspace.clock.now())
    return page.render("report.html", shown | {"download": f"/verify/report/{name}.pdf"})


@router.get("/verify/report/{name}.pdf")
def download_report(context: ContextDep, name: str) -> Response:
    """Give the PDF of a report that was shown a short while ago."""
    pdf = context.downloads.find(name, at=context.workspace.clock.now())
    if pdf is None:
        raise NotFound("this report is not kept any more; verify the file again")
    headers = {"Content-Disposition": 'attachment; filename="ket-qua-kiem-tra.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


def _parse_key(serial: str, version: str) -> DocumentKey | None:
    """Return the version that an address or a form names, however its serial is typed; None when it can be none."""
    if _VERSION.fullmatch(version.strip()) is None:
        return None
    try:
        return DocumentKey(normalize_serial(serial), int(version))
    except InputError:
        return None


def _show_unknown(page: Page) -> Response:
    tone, symbol = _APPEARANCE["unknown"]
    values = {"state": "unknown", "tone": tone, "symbol": symbol, "superseded_by": None}
    return page.render("record.html", values, HTTPStatus.NOT_FOUND)


def _may_be_compared(record: Record) -> bool:
    return record.event is not None and record.answer.status is not DocumentStatus.RECALLED


def _find_stored(context: AppContext, key: DocumentKey) -> StoredDocument | None:
    with transaction(context.workspace.sessions) as session:
        return repository.find_document(session, key)


def _holds_secret(stored: StoredDocument, secret: str) -> bool:
    expected = stored.view_secret_sha256
    given = hashlib.sha256(secret.encode()).digest()
    return expected is not None and hmac.compare_digest(given, expected)
