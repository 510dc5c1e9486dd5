"""What requests share: the workspace, the verifier, verified events, the limiter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from service.db.engine import transaction
from service.status.lookup import Record, StatusLookup
from service.transcripts import event_repository
from service.verifications.events import EventVerifier
from service.verifications.verifiers import build_event_verifier, build_public_verifier
from service.web.downloads import Downloads
from service.web.limiting import Limiter
from service.workspace import Workspace
from transcript_core.status import StatusAnswer
from verify.detail import DetailedReport
from verify.report import DocumentKind, Report


@dataclass(frozen=True)
class AppContext:
    """One running application."""

    workspace: Workspace
    events: EventVerifier
    limiter: Limiter = field(default_factory=Limiter)
    downloads: Downloads = field(default_factory=Downloads)

    @property
    def development(self) -> bool:
        """Return whether any configured anchor is for development; every page then says so."""
        trust = self.workspace.trust
        return trust is not None and trust.has_development_anchor

    def find_record(self, serial: str, version: int) -> Record:
        """Return what is known of one version."""
        with transaction(self.workspace.sessions) as session:
            lookup = StatusLookup(session, self.workspace.store, self.events, self.workspace.clock)
            return lookup.find_record(serial, version)

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return the status of one document: this makes the application a `StatusSource`."""
        with transaction(self.workspace.sessions) as session:
            lookup = StatusLookup(session, self.workspace.store, self.events, self.workspace.clock)
            return lookup.find_status(serial, version, digest)

    @property
    def name(self) -> str:
        """Return what reports call this installation: the host of its address."""
        return urlsplit(self.workspace.settings.base_url).netloc

    async def verify(self, content: bytes, *, xml: bytes | None = None) -> DetailedReport:
        """Return the report on an uploaded file, worked out in a thread of its own."""
        return await run_in_threadpool(self.verify_now, content, xml=xml)

    def verify_now(self, content: bytes, *, xml: bytes | None = None) -> DetailedReport:
        """Return the report on an uploaded file, with what it was made from.

        A PDF alone is held against the XML that was issued here under its serial and version: it could otherwise be
        another one, signed by the same people and never issued, or show other things than its data say.
        """
        verifier, at = build_public_verifier(self.workspace, self), self.workspace.clock.now()
        detailed = verifier.verify_in_detail(content, at=at, xml=xml)
        original = self._find_original(detailed.report) if xml is None else None
        return detailed if original is None else verifier.verify_in_detail(content, at=at, xml=original)

    def _find_original(self, report: Report) -> bytes | None:
        """Return the XML that was issued under the name of the PDF that `report` speaks of, when it is known here."""
        serial, version = report.document.serial, report.document.version
        if report.document.kind is not DocumentKind.TRANSCRIPT_PDF or serial is None or version is None:
            return None
        if self.find_record(serial, version).event is None:
            return None
        with transaction(self.workspace.sessions) as session:
            digests = dict(event_repository.list_event_files(session, serial))
        return self.workspace.store.get(digests[version])


def build_context(workspace: Workspace) -> AppContext:
    """Return the context of an application over `workspace`."""
    return AppContext(workspace, EventVerifier(build_event_verifier(workspace), workspace.clock))


def _context_of(request: Request) -> AppContext:
    context = request.app.state.context
    assert isinstance(context, AppContext)
    return context


ContextDep = Annotated[AppContext, Depends(_context_of)]
