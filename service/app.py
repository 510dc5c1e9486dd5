"""The HTTP application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from service import problems
from service.context import build_context
from service.signing.agent_router import router as agent_router
from service.signing.background import start_extender
from service.status.router import router as status_router
from service.transcripts.router import router as transcripts_router
from service.verifications.router import router as verifications_router
from service.web.pages import router as pages_router
from service.web.rendering import finish
from service.workspace import Workspace
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_UPLOAD_BYTES

STATIC = Path(__file__).parent / "web" / "static"
MAX_REQUEST_BYTES: Final = 2 * MAX_UPLOAD_BYTES + 64 * 1024
"""Bytes of one request: a document, its XML original and the form around them."""

_MAX_LENGTH_DIGITS: Final = 12
"""Digits of a Content-Length that are read at all."""


def create_app(workspace: Workspace) -> FastAPI:
    """Return the application over `workspace`."""
    app = FastAPI(
        title="hocba",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=_work_in_background,
    )
    app.state.context = build_context(workspace)
    problems.install(app)
    app.add_exception_handler(Exception, _fail)
    app.middleware("http")(_guard)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in (pages_router, transcripts_router, verifications_router, status_router, agent_router):
        app.include_router(router)
    app.add_api_route("/healthz", _health, include_in_schema=False)
    return app


@asynccontextmanager
async def _work_in_background(app: FastAPI) -> AsyncIterator[None]:
    """Raise issued documents from the start of the server to its end."""
    extender = start_extender(app.state.context)
    try:
        yield
    finally:
        if extender is not None:
            await run_in_threadpool(extender.stop)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = _refuse_length(request) if request.method == "POST" else None
    return finish(request, response or await call_next(request))


def _refuse_length(request: Request) -> Response | None:
    """Return the answer to a request that does not say its length, or one that is too long; None: it may come in."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return problems.problem(
            HTTPStatus.LENGTH_REQUIRED, "length-required", "a request says its length (Content-Length)"
        )
    if len(length) > _MAX_LENGTH_DIGITS or int(length) > MAX_REQUEST_BYTES:
        return problems.answer(LimitExceeded(f"a request has at most {MAX_REQUEST_BYTES} bytes"))
    return None


def _fail(request: Request, error: Exception) -> Response:
    return finish(request, problems.unexpected(request, error))


def _health() -> Response:
    return PlainTextResponse("ok\n")
