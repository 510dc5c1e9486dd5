"""Maps typed errors to RFC 9457 problem documents.  Anything unmapped is a bare 500: internal detail stays inside."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service.signing.lists import BatchExpired
from transcript_core.errors import (
    Conflict,
    EvidenceUnavailable,
    InputError,
    LimitExceeded,
    NotEligible,
    NotFound,
    StateError,
    TranscriptError,
    TrustMaterialError,
)

MEDIA_TYPE: Final = "application/problem+json"
_log = structlog.get_logger(__name__)


class Unauthorized(TranscriptError):
    """The caller has not said who they are, or not so that it can be believed."""

    code = "unauthorized"


class Forbidden(TranscriptError):
    """The caller may not do this."""

    code = "forbidden"


class TooManyRequests(TranscriptError):
    """The caller asked too often; wait and ask again."""

    code = "too-many-requests"


_STATUS: Final[tuple[tuple[type[TranscriptError], HTTPStatus], ...]] = (
    (Unauthorized, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (LimitExceeded, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (BatchExpired, HTTPStatus.GONE),
    (Conflict, HTTPStatus.CONFLICT),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotEligible, HTTPStatus.UNPROCESSABLE_ENTITY),
    (EvidenceUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (StateError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TrustMaterialError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_CHALLENGES: Final = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},  # RFC 9110, 11.6.1
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "60"},  # RFC 6585, 4
}
_INTERNAL: Final = "the request could not be answered; it was logged"


def install(app: FastAPI) -> None:
    """Let `app` answer every foreseen error as a problem document; `unexpected` is for all others."""
    app.add_exception_handler(TranscriptError, _typed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


def problem(status: HTTPStatus, code: str, detail: str) -> JSONResponse:
    """Return a problem document (RFC 9457, 3)."""
    body = {"type": f"urn:hocba:problem:{code}", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(body, status_code=status.value, media_type=MEDIA_TYPE, headers=_CHALLENGES.get(status))


def answer(error: TranscriptError) -> JSONResponse:
    """Return the problem document of a typed error; a kind that is not mapped tells nothing of itself."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return problem(status, error.code, str(error))
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", _INTERNAL)


def _typed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TranscriptError)
    response = answer(error)
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request.failed", path=request.url.path, error=error.code)
    return response


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    response = problem(status, status.phrase.lower().replace(" ", "-"), str(error.detail))
    response.headers.update(error.headers or {})  # "Allow" of a 405, for example
    return response


def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", f"missing or malformed: {', '.join(places)}")


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Return the problem document of an error that nobody foresaw; only its kind is logged."""
    _log.error("request.failed", path=request.url.path, error=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", _INTERNAL)
