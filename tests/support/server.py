"""The real HTTP server in a thread, on a free port of loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

_START_TIMEOUT_S = 30.0


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """Serve `app` until the block ends; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    started = threading.Event()
    for _ in range(int(_START_TIMEOUT_S / 0.02)):
        if server.started or started.wait(0.02):
            break
    try:
        assert server.started, "the server did not start"
        yield port
    finally:
        server.should_exit = True
        thread.join(_START_TIMEOUT_S)
        listener.close()


@contextmanager
def open_client(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve `app` until the block ends; yield a client of it that follows no redirects."""
    with (
        serving(app) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        yield client
