"""The HTTP application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from service import problems
from service.context import build_context
from service.status.router import router as status_router
from service.transcripts.router import router as transcripts_router
from service.verifications.router import router as verifications_router
from service.web.pages import router as pages_router
from service.workspace import Workspace
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_UPLOAD_BYTES

STATIC = Path(__file__).parent / "web" / "static"
MAX_REQUEST_BYTES: Final = 2 * MAX_UPLOAD_BYTES + 64 * 1024
"""Bytes of one request: a document, its XML original and the form around them."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(workspace: Workspace) -> FastAPI:
    """Return the application over `workspace`."""
    app = FastAPI(title="hocba", version="1", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.context = build_context(workspace)
    problems.install(app)
    app.middleware("http")(_guard)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in (pages_router, transcripts_router, verifications_router, status_router):
        app.include_router(router)
    app.add_api_route("/healthz", _health, include_in_schema=False)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    length = request.headers.get("content-length", "")
    if request.method == "POST" and (not length.isdecimal() or int(length) > MAX_REQUEST_BYTES):
        return problems.answer(LimitExceeded(f"a request says its length, at most {MAX_REQUEST_BYTES} bytes"))
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _health() -> Response:
    return PlainTextResponse("ok\n")
