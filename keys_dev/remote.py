"""A remote signing service over the development PKI's keys, on loopback: certomancer's CSC server, API 1.0.4.

It answers for every PKCS#12 file of one PKI.  It asks nobody for anything: whoever reaches the port signs with every
key, which only development keys allow.  A credential is named `development/<file name without suffix>`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from asn1crypto import keys
from certomancer.registry import ArchLabel, CertLabel, CertomancerObjectNotFoundError, KeyLabel
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from keys_dev.pki import DevelopmentPki, list_ca_names
from transcript_core.errors import Conflict, TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificate

if TYPE_CHECKING:
    from aiohttp import web

LIST_SIZE: Final = 50
"""Signatures that the service allows under one approval unless told otherwise."""

_ARCHITECTURE: Final = ArchLabel("development")
_NAME: Final = re.compile(r"[a-z0-9-]{1,100}")
_START_TIMEOUT_S: Final = 30.0


class _Registry:
    """The PKI in the terms of certomancer's configuration, as far as its CSC server asks."""

    def __init__(self, pki: DevelopmentPki) -> None:
        self.pki_archs = {_ARCHITECTURE: _Architecture(pki)}

    def get_pki_arch(self, label: ArchLabel) -> _Architecture:
        if label not in self.pki_archs:
            raise CertomancerObjectNotFoundError("there is one PKI only")
        return self.pki_archs[label]


@dataclass(frozen=True)
class _Spec:
    """A certificate's description; its key has the same name."""

    label: CertLabel

    @property
    def subject_key(self) -> KeyLabel:
        return KeyLabel(self.label.value)


class _Architecture:
    """Certificates and keys by name, read when they are first used; it is its own key set."""

    def __init__(self, pki: DevelopmentPki) -> None:
        self._pki = pki
        self._opened: dict[str, Any] = {}

    @property
    def key_set(self) -> _Architecture:
        return self

    def get_private_key(self, name: KeyLabel) -> Any:
        if name.value not in self._opened:
            self._opened[name.value] = self._open_key(name.value)
        return self._opened[name.value]

    def get_cert_spec(self, label: CertLabel) -> _Spec:
        self._read(label.value)
        return _Spec(label)

    def get_cert(self, label: CertLabel) -> Any:
        return self._read(label.value).asn1

    def get_chain(self, label: CertLabel) -> Iterable[CertLabel]:
        issuer = self._read(label.value).issuer
        authorities = [name for name in list_ca_names() if not name.endswith("-root")]
        return [CertLabel(name) for name in authorities if self._read(name).subject == issuer]

    def is_subject_key_available(self, label: CertLabel) -> bool:
        return self._find_p12(label.value).is_file()

    def enumerate_certs_by_issuer(self) -> Iterable[tuple[str, Iterable[_Spec]]]:
        people = sorted((self._pki.folder / "people").glob("*.p12"))
        return [("people", [_Spec(CertLabel(path.stem)) for path in people])]

    def _open_key(self, name: str) -> Any:
        path = self._find_p12(name)
        bundle = pkcs12.load_pkcs12(path.read_bytes(), self._pki.read_password(path).encode())
        if bundle.key is None:
            raise TrustMaterialError(f"{path.name} holds no key")
        return keys.PrivateKeyInfo.load(bundle.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))

    def _find_p12(self, name: str) -> Path:
        return self._pki.folder / "people" / f"{name}.p12"

    def _read(self, name: str) -> Certificate:
        """Return a certificate of a person, a seal or a CA; a name from the network leads nowhere else."""
        if _NAME.fullmatch(name):
            for folder in ("people", "cas"):
                path = self._pki.folder / folder / f"{name}.pem"
                if path.is_file():
                    return load_certificate(path.read_bytes())
        raise CertomancerObjectNotFoundError(f"no certificate {name!r}")


@dataclass
class _Parameters:
    """What the server reads at every request."""

    hash_pinning_required: bool
    multisign: int
    sad_secret: bytes = field(repr=False)
    default_tsa: str | None = None


@dataclass(frozen=True)
class RemoteService:
    """A running service."""

    pki: DevelopmentPki
    port: int
    _parameters: _Parameters = field(repr=False)

    @property
    def base_url(self) -> str:
        """Return the address below which the API's methods are."""
        return f"http://127.0.0.1:{self.port}/csc/v1"

    def get_credential(self, p12: Path) -> str:
        """Return what the service calls the key of a PKCS#12 file of its PKI."""
        return f"{_ARCHITECTURE.value}/{p12.stem}"

    def get_uri(self, p12: Path) -> str:
        """Return the key URI of a PKCS#12 file's key."""
        return f"csc:{self.base_url}?credential={quote(self.get_credential(p12), safe='')}&version=1.0.4"

    def end_approvals(self) -> None:
        """Make every approval that was given so far worthless, as when its time is over."""
        self._parameters.sad_secret = secrets.token_bytes(32)


@contextmanager
def serving_remote(
    pki: DevelopmentPki, *, port: int = 0, list_size: int = LIST_SIZE, hash_pinning: bool = True
) -> Iterator[RemoteService]:
    """Serve the keys of `pki` from a thread until the block ends.

    Args:
        pki: keys issued later are served too.
        port: of loopback; 0: a free one.
        list_size: signatures under one approval.
        hash_pinning: whether an approval must name its hashes (SCAL 2).

    Raises:
        Conflict: the port is taken.
    """
    parameters = _Parameters(hash_pinning, list_size, secrets.token_bytes(32))
    runner = _build_runner(pki, parameters)
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise Conflict(f"port {port} is taken by another program; choose another one") from error
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    thread = threading.Thread(target=_run, args=(loop, runner, listener, ready), daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_TIMEOUT_S):
            raise Conflict("the remote signing service did not start")
        yield RemoteService(pki, listener.getsockname()[1], parameters)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_TIMEOUT_S)


def _build_runner(pki: DevelopmentPki, parameters: _Parameters) -> web.AppRunner:
    """Return the server; its packages take half a second to load, so only who serves pays for them."""
    from aiohttp import web  # noqa: PLC0415
    from csc_dummy.csc_dummy_server import (  # type: ignore[import-untyped]  # noqa: PLC0415  (no stubs are published)
        CSCWithCertomancer,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", web.NotAppKeyWarning)  # about the server's own style
        service = CSCWithCertomancer(_Registry(pki), service_params=parameters)
    service.register_routes()
    return web.AppRunner(service.app, access_log=None)


def _run(
    loop: asyncio.AbstractEventLoop, runner: web.AppRunner, listener: socket.socket, ready: threading.Event
) -> None:
    """Run the server's own event loop until it is stopped, then close everything it opened."""
    from aiohttp import web  # noqa: PLC0415

    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(runner.setup())
        loop.run_until_complete(web.SockSite(runner, listener).start())
        ready.set()
        loop.run_forever()
    finally:
        loop.run_until_complete(runner.cleanup())
        loop.close()
        listener.close()
