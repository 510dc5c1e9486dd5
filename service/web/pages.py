"""The pages: home, one issued version, comparing with the paper, uploading a file and reading the report."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Header, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field

from service import audit
from service.context import AppContext, ContextDep
from service.db.engine import transaction
from service.problems import Forbidden
from service.status.lookup import Record
from service.transcripts import repository
from service.transcripts.repository import DocumentKey
from service.web.report_view import describe_report
from service.web.texts import Language, list_texts, pick_language
from service.web.uploads import read_upload
from service.web.view import build_comparison, build_public_record
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import InputError
from transcript_core.identifiers import parse_serial
from transcript_core.status import DocumentStatus

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(directory=Path(__file__).with_name("templates"))
_APPEARANCE: Final = {
    "valid": ("good", "✓"),
    "superseded": ("warn", "!"),
    "suspended": ("warn", "!"),
    "recalled": ("bad", "✕"),
    "unknown": ("", "?"),
    "unproven": ("warn", "?"),
}

LanguageQuery = Annotated[str | None, Query(alias="lang", max_length=8)]
AcceptLanguage = Annotated[str | None, Header()]


class CompareRequest(BaseModel):
    """What the page sends when the reader asks to compare."""

    secret: str = Field(min_length=1, max_length=128)
    language: Language = Language.VIETNAMESE


@router.get("/")
def show_home(
    request: Request, context: ContextDep, lang: LanguageQuery = None, accept_language: AcceptLanguage = None
) -> Response:
    """Show where to begin."""
    return _render(request, context, "home.html", pick_language(lang, accept_language), {})


@router.get("/v")
def find_version(serial: str, version: int = 1, lang: LanguageQuery = None) -> Response:
    """Lead the form of the home page to the version's own page."""
    target = f"/v/{quote(serial.strip().upper(), safe='')}/{version}"
    return RedirectResponse(target + (f"?lang={quote(lang)}" if lang else ""), HTTPStatus.SEE_OTHER)


@router.get("/v/{serial}/{version}")
def show_version(
    request: Request,
    context: ContextDep,
    serial: str,
    version: int,
    lang: LanguageQuery = None,
    accept_language: AcceptLanguage = None,
) -> Response:
    """Show a parent what the scanned code stands for: least data, no marks."""
    language = pick_language(lang, accept_language)
    record = _find(context, serial, version)
    state = "unproven" if record.unproven else record.answer.status.value
    tone, symbol = _APPEARANCE[state]
    public = None if record.event is None else build_public_record(record.event)
    as_of = record.answer.as_of or context.workspace.clock.now()
    values = {
        "state": state,
        "tone": tone,
        "symbol": symbol,
        "serial": serial,
        "version": version,
        "superseded_by": record.answer.superseded_by,
        "reason": record.answer.reason,
        "record": public,
        "can_compare": public is not None and record.answer.status is not DocumentStatus.RECALLED,
        "as_of": as_of.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M"),
    }
    status = HTTPStatus.NOT_FOUND if state == "unknown" else HTTPStatus.OK
    return _render(request, context, "record.html", language, values, status)


@router.post("/v/{serial}/{version}/compare")
def compare(request: Request, context: ContextDep, serial: str, version: int, body: CompareRequest) -> Response:
    """Give the signed content to the holder of the view secret; limited and recorded."""
    context.limiter.hit(context.workspace.settings.compare_limit, _client(request), serial, str(version))
    record = _find(context, serial, version)
    granted = record.event is not None and _holds_secret(context, serial, version, body.secret)
    with transaction(context.workspace.sessions) as session:
        audit.record(
            session,
            at=context.workspace.clock.now(),
            actor="public",
            action="compare" if granted else "compare-refused",
            subject=f"{serial[:26]}/{version}",
        )
    if not granted or record.event is None or record.event.transcript is None:
        raise Forbidden("this code does not open the transcript's marks")
    if record.answer.status is DocumentStatus.RECALLED:
        raise Forbidden("this transcript was recalled; its marks are no longer shown")
    return JSONResponse(build_comparison(record.event.transcript, body.language))


@router.get("/verify")
def show_upload(
    request: Request, context: ContextDep, lang: LanguageQuery = None, accept_language: AcceptLanguage = None
) -> Response:
    """Show the form to upload a file."""
    return _render(request, context, "upload.html", pick_language(lang, accept_language), {})


@router.post("/verify")
async def show_report(
    request: Request,
    context: ContextDep,
    document: Annotated[Any, File()],
    xml: Annotated[Any, Form()] = None,
    lang: LanguageQuery = None,
    accept_language: AcceptLanguage = None,
) -> Response:
    """Verify an uploaded file and show the report.  The file is not kept."""
    language = pick_language(lang, accept_language)
    context.limiter.hit(context.workspace.settings.upload_limit, _client(request), "upload")
    content = await read_upload(document)
    original = await read_upload(xml) or None
    report = await context.verify(content or b"", xml=original)
    return _render(request, context, "report.html", language, describe_report(report, language))


def _find(context: AppContext, serial: str, version: int) -> Record:
    try:
        parse_serial(serial)
    except InputError:
        return context.unknown_record()
    return context.find_record(serial, version)


def _holds_secret(context: AppContext, serial: str, version: int, secret: str) -> bool:
    with transaction(context.workspace.sessions) as session:
        stored = repository.find_document(session, DocumentKey(serial, version))
    expected = None if stored is None else stored.view_secret_sha256
    given = hashlib.sha256(secret.encode()).digest()
    return expected is not None and hmac.compare_digest(given, expected)


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _render(
    request: Request,
    context: AppContext,
    template: str,
    language: Language,
    values: dict[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    other = Language.ENGLISH if language is Language.VIETNAMESE else Language.VIETNAMESE
    shared = {
        "t": list_texts(language),
        "language": language.value,
        "other_language": other.value,
        "development": context.development,
    }
    return _templates.TemplateResponse(request, template, shared | values, status_code=status.value)
