"""Serves the development PKI's answers over HTTP on loopback, at the port that is in its certificates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from keys_dev.pki import DevelopmentPki
from keys_dev.services import Responder
from transcript_core.clock import Clock
from transcript_core.errors import Conflict

MAX_REQUEST_BYTES: Final = 64 * 1024
"""Bytes of one request; a time-stamp or OCSP request has a few hundred."""

_READ_TIMEOUT_S: Final = 10.0


class PkiServer(ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1 for one PKI."""

    daemon_threads = True
    allow_reuse_address = True  # a port in TIME_WAIT is taken again; one that somebody listens on is not

    def __init__(self, pki: DevelopmentPki, clock: Clock | None = None) -> None:
        """Bind the PKI's port.

        Raises:
            Conflict: another program listens there.
        """
        self.responder = Responder(pki, clock)
        try:
            super().__init__(("127.0.0.1", pki.port), _Handler)
        except OSError as error:
            raise Conflict(
                f"port {pki.port}, which the development certificates name, is taken by another program; "
                f"end that program, or remove {pki.folder} to get new certificates with another port"
            ) from error


class _Handler(BaseHTTPRequestHandler):
    timeout = _READ_TIMEOUT_S
    wbufsize = 64 * 1024  # head and body leave in one packet; two would wait for a delayed acknowledgement
    protocol_version = "HTTP/1.1"
    server: PkiServer

    def do_GET(self) -> None:
        self._reply(None)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            self.close_connection = True
            self.send_error(413)
            return
        self._reply(self.rfile.read(int(length)))

    def _reply(self, body: bytes | None) -> None:
        answer = self.server.responder.answer(self.path, body)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Say nothing: callers report what they fetched."""


@contextmanager
def running(folder: Path, *, clock: Clock | None = None) -> Iterator[DevelopmentPki]:
    """Serve the PKI of `folder` (made if there is none) from a thread until the block ends.

    Raises:
        Conflict: the port in the certificates is taken by another program.
    """
    pki = DevelopmentPki.load_or_create(folder)
    server = PkiServer(pki, clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield pki
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
