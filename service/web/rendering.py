"""Makes pages from templates, and a page instead of a problem document for whoever reads with a browser."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Request, Response
from fastapi.templating import Jinja2Templates

from service import problems
from service.context import AppContext, ContextDep
from service.web.texts import Language, list_texts, pick_language

_templates = Jinja2Templates(directory=Path(__file__).with_name("templates"))
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_ERRORS: Final = {
    HTTPStatus.NOT_FOUND: "error_not_found",
    HTTPStatus.BAD_REQUEST: "error_incomplete",
    HTTPStatus.UNPROCESSABLE_ENTITY: "error_incomplete",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "error_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "error_too_many",
}


class Page:
    """What every page needs: the request, the installation, the reader's language."""

    def __init__(self, request: Request, context: AppContext, language: Language) -> None:
        self.context = context
        self.language = language
        self._request = request

    def render(self, template: str, values: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
        """Return `template` filled with `values` and the sentences of the language."""
        other = Language.ENGLISH if self.language is Language.VIETNAMESE else Language.VIETNAMESE
        shared = {
            "t": list_texts(self.language),
            "language": self.language.value,
            "other_language": other.value,
            "development": self.context.development,
        }
        return _templates.TemplateResponse(self._request, template, shared | values, status_code=status.value)


def _open_page(
    request: Request,
    context: ContextDep,
    lang: Annotated[str | None, Query()] = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Page:
    return Page(request, context, pick_language(lang, accept_language))


PageDep = Annotated[Page, Depends(_open_page)]


def finish(request: Request, response: Response) -> Response:
    """Return what leaves the server: a page in place of a problem document where a person reads, and safe headers."""
    if response.headers.get("content-type") == problems.MEDIA_TYPE and _is_for_a_person(request):
        response = _render_error(request, HTTPStatus(response.status_code))
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _is_for_a_person(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _render_error(request: Request, status: HTTPStatus) -> Response:
    language = pick_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    page = Page(request, request.app.state.context, language)
    name = _ERRORS.get(status, "error_unexpected")
    return page.render("error.html", {"title": f"{name}_title", "lead": f"{name}_lead"}, status)
