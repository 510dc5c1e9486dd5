"""Opens a key by its name, whatever holds it.

    pkcs12:/path/file.p12[?algorithm=rsa-pss-sha256]     a PKCS#12 file
    pem:/path/key.pem[?certificate=/path/chain.pem]      a PEM key; certificate and chain in the same or another file
    pkcs11:token=…;object=…[?module-path=…]              a key on a token or an HSM (RFC 7512)
    csc:…                                                a key at a remote signing service (CSC)
    /path/file.p12, /path/key.pem                        as pkcs12: and pem:, told apart by the file's ending

A URI never holds a secret; PINs and passwords come from a `SecretSource`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from signing.keystores.parsing import MAX_URI_CHARS, UNRESERVED, decode_text, read_algorithm
from signing.keystores.pkcs12 import is_encrypted_pem, open_pem, open_pkcs12
from signing.keystores.secrets import SecretSource
from signing.signer import Signer
from transcript_core.errors import KeyUnavailable

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_PATH_CHARS: Final = UNRESERVED | frozenset("/:@!$&'()*+,;= ")
_PEM_ENDINGS: Final = frozenset({".pem", ".key"})
_KINDS: Final = "pkcs12:, pem:, pkcs11: and csc:"


def open_key(uri: str, secrets: SecretSource, *, pkcs11_module: Path | None = None) -> Signer:
    """Return the signer that a URI or a plain path names.

    Args:
        uri: see the module's text; never shown in a message as a whole.
        secrets: asked when the key needs a PIN or a password.
        pkcs11_module: library of the token when the URI names none.

    Raises:
        KeyUnavailable: the URI cannot be read, or its key cannot be opened; one sentence says why.
    """
    if len(uri) > MAX_URI_CHARS or "\0" in uri:
        raise KeyUnavailable("a key's name is too long or holds a NUL")
    scheme, rest = _split_scheme(uri)
    match scheme:
        case "pkcs12":
            return _open_pkcs12(rest, secrets)
        case "pem":
            return _open_pem(rest, secrets)
        case "pkcs11":
            from signing.keystores.pkcs11 import open_pkcs11  # noqa: PLC0415  (loaded only where tokens are used)

            return open_pkcs11(uri, secrets, default_module=pkcs11_module)
        case "csc":
            from signing.keystores.csc import open_csc  # noqa: PLC0415  (loaded only where services are used)

            return open_csc(uri, secrets)
        case "":
            return _open_path(Path(uri), secrets)
        case _:
            raise KeyUnavailable(f"there is no kind of key {scheme}:; a key is a file or begins with {_KINDS}")


def _split_scheme(uri: str) -> tuple[str, str]:
    """Return scheme and rest; no scheme for a plain path, which wins when a file of that very name exists."""
    match = _SCHEME.match(uri)
    if match is None or Path(uri).exists():
        return "", uri
    return match[1].lower(), uri[match.end() :]


def _open_path(path: Path, secrets: SecretSource) -> Signer:
    if path.suffix.lower() in _PEM_ENDINGS:
        return open_pem(path, path, password=_ask_for_pem(path, secrets))
    return open_pkcs12(path, _ask(path, secrets))


def _open_pkcs12(rest: str, secrets: SecretSource) -> Signer:
    path, options = _split_file(rest, {"algorithm"})
    algorithm = read_algorithm(options["algorithm"]) if "algorithm" in options else None
    return open_pkcs12(path, _ask(path, secrets), algorithm=algorithm)


def _open_pem(rest: str, secrets: SecretSource) -> Signer:
    path, options = _split_file(rest, {"algorithm", "certificate"})
    algorithm = read_algorithm(options["algorithm"]) if "algorithm" in options else None
    certificate = Path(options.get("certificate", path))
    return open_pem(path, certificate, password=_ask_for_pem(path, secrets), algorithm=algorithm)


def _split_file(rest: str, known: set[str]) -> tuple[Path, Mapping[str, str]]:
    """Return the file and the options of a pkcs12: or pem: URI; `file:`-like `//` before the path is taken away."""
    raw_path, _, query = rest.partition("?")
    if raw_path.startswith("//"):
        if not raw_path.startswith("///"):
            raise KeyUnavailable("a key's file is on this machine: write pkcs12:/path or pkcs12:///path")
        raw_path = raw_path[2:]
    options: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in known or name in options:
            raise KeyUnavailable(f"the key URI's options are {', '.join(sorted(known))}, each at most once")
        options[name] = _decode(value, name)
    path = _decode(raw_path, "path")
    if not path:
        raise KeyUnavailable("the key URI names no file")
    return Path(path), options


def _decode(value: str, name: str) -> str:
    letters = frozenset(character for character in value if not character.isascii())  # a path may be typed as it is
    return decode_text(value, allowed=_PATH_CHARS | letters, name=name)


def _ask(path: Path, secrets: SecretSource) -> str:
    if not path.is_file():
        raise KeyUnavailable(f"{path}: cannot be read (there is no such file)")
    return secrets.ask(f"Mật khẩu của tệp khoá «{path.name}»")


def _ask_for_pem(path: Path, secrets: SecretSource) -> str | None:
    return _ask(path, secrets) if is_encrypted_pem(path) else None
