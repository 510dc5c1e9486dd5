"""Names of keys on tokens.  Spec: RFC 7512, The PKCS #11 URI Scheme.

Every attribute of the RFC is read and honoured, with these decisions where it leaves a choice or where safety asks:

- an attribute of the path that is not known is refused, since it would narrow down what is meant (2.3, vendor-specific
  attributes); one of the query is passed over, unless its name begins with `hocba-`, which are ours and spelt wrongly;
- `pin-value` is refused: a PIN in a URI ends in logs and in the shell's history (7, security considerations);
- `pin-source` names a file, `file:/path` or `/path`; a command to run (`|command`) is refused;
- `id` is an octet string, every other value UTF-8 text.

Of our own: `hocba-certificate=/path.pem` (certificate, then its chain, when the token holds none),
`hocba-algorithm=rsa-pss-sha256`, `hocba-sessions=4`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signing.keystores.parsing import MAX_URI_CHARS, UNRESERVED, decode_octets, decode_text, read_algorithm
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

MAX_SESSIONS: Final = 32
"""Sessions that one signer may hold; more only wait for each other."""

_RESERVED: Final = frozenset(":[]@!$'()*+,=")
_PATH_CHARS: Final = UNRESERVED | _RESERVED | frozenset("&")
_QUERY_CHARS: Final = UNRESERVED | _RESERVED | frozenset("/?|")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_VERSION: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?\Z")
_MAX_SLOT_DIGITS: Final = 20
_TYPES: Final = ("public", "private", "cert", "secret-key", "data")
_TEXTS: Final = frozenset(
    {
        "token", "manufacturer", "serial", "model", "library-manufacturer", "library-description", "object",
        "slot-description", "slot-manufacturer",
    }
)  # fmt: skip
_OTHERS: Final = frozenset({"id", "type", "slot-id", "library-version"})
_OWN: Final = frozenset({"hocba-certificate", "hocba-algorithm", "hocba-sessions"})


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """What a URI says of a key; None: nothing, so anything matches.  Holds no secret."""

    token: str | None = None  # label
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    library_manufacturer: str | None = None
    library_description: str | None = None
    library_version: tuple[int, int] | None = None
    slot_manufacturer: str | None = None
    slot_description: str | None = None
    slot_id: int | None = None
    object: str | None = None  # CKA_LABEL
    id: bytes | None = None  # CKA_ID
    type: str | None = None  # "private", "public" or "cert": whose label and id are meant; None: the private key's
    pin_source: Path | None = None
    module_path: Path | None = None  # a library, or with `module_name` a folder of libraries
    module_name: str | None = None
    certificate: Path | None = None  # PEM: the certificate, then its chain
    algorithm: SignatureAlgorithm | None = None
    sessions: int | None = None  # 1 to MAX_SESSIONS


def parse_pkcs11_uri(text: str) -> Pkcs11Uri:
    """Return what a `pkcs11:` URI says.

    Raises:
        KeyUnavailable: not a URI of this scheme, or one that must not be used; the message shows no value of it.
    """
    scheme, separator, rest = text.partition(":")
    if scheme.lower() != "pkcs11" or not separator or len(text) > MAX_URI_CHARS:
        raise KeyUnavailable("a token's key is named pkcs11:token=…;object=… (RFC 7512)")
    if "#" in rest or not rest.isascii():
        raise KeyUnavailable("a pkcs11: URI is ASCII without a fragment; percent-encode every other character")
    path, _, query = rest.partition("?")
    named = _split(path, ";")
    asked = _split(query, "&")
    _refuse_unknown(named, asked)
    return Pkcs11Uri(**_read_path(named), **_read_query(asked))  # type: ignore[arg-type]  # checked value by value


def _split(component: str, separator: str) -> dict[str, str]:
    """Return name → raw value.  An attribute may stand once (RFC 7512, 2.3)."""
    found: dict[str, str] = {}
    for part in component.split(separator) if component else ():
        name, equals, value = part.partition("=")
        if not equals or _NAME.match(name) is None:
            raise KeyUnavailable(f"the attributes of a pkcs11: URI are written name=value, divided by {separator!r}")
        if name in found:
            raise KeyUnavailable(f"the pkcs11: URI names {name} twice")
        found[name] = value
    return found


def _refuse_unknown(named: Mapping[str, str], asked: Mapping[str, str]) -> None:
    unknown = sorted(named.keys() - _TEXTS - _OTHERS) + sorted(
        name for name in asked if name.startswith("hocba-") and name not in _OWN
    )
    if unknown:
        raise KeyUnavailable(f"the pkcs11: URI has the attribute {unknown[0]}, which is not known here")
    if "pin-value" in asked:
        raise KeyUnavailable(
            "a PIN does not belong into a URI, which ends in logs and in the shell's history; "
            "take pin-value out, change the PIN, and give it by a file, an environment variable or the terminal",
            text_vi="Không ghi PIN vào URI vì nó sẽ nằm lại trong nhật ký và lịch sử lệnh; hãy bỏ pin-value, đổi PIN "
            "và cung cấp PIN bằng tệp, biến môi trường hoặc nhập tại màn hình lệnh.",
        )


def _read_path(named: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {
        name.replace("-", "_"): decode_text(raw, allowed=_PATH_CHARS, name=name)
        for name, raw in named.items()
        if name in _TEXTS
    }
    if "id" in named:
        values["id"] = decode_octets(named["id"], allowed=_PATH_CHARS, name="id")
    if "type" in named:
        values["type"] = _read_type(named["type"])
    if "slot-id" in named:
        values["slot_id"] = _read_number(named["slot-id"], "slot-id")
    if "library-version" in named:
        match = _VERSION.match(named["library-version"])
        if match is None:
            raise KeyUnavailable("the pkcs11: URI's library-version is written like 2 or 2.6")
        values["library_version"] = (int(match[1]), int(match[2] or 0))
    return values


def _read_query(asked: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    texts = {
        name: decode_text(raw, allowed=_QUERY_CHARS, name=name)
        for name, raw in asked.items()
        if name in _OWN or name in {"pin-source", "module-path", "module-name"}
    }
    if "pin-source" in texts:
        values["pin_source"] = _read_pin_source(texts["pin-source"])
    if "module-path" in texts:
        values["module_path"] = _read_absolute(texts["module-path"], "module-path")
    if "module-name" in texts:
        values["module_name"] = _read_module_name(texts["module-name"])
    if "hocba-certificate" in texts:
        values["certificate"] = Path(texts["hocba-certificate"])
    if "hocba-algorithm" in texts:
        values["algorithm"] = read_algorithm(texts["hocba-algorithm"])
    if "hocba-sessions" in texts:
        values["sessions"] = _read_sessions(texts["hocba-sessions"])
    return values


def _read_type(value: str) -> str:
    if value not in _TYPES:
        raise KeyUnavailable(f"the pkcs11: URI's type is one of {', '.join(_TYPES)}")
    if value in {"secret-key", "data"}:
        raise KeyUnavailable(f"the pkcs11: URI names an object of type {value}, which cannot sign a document")
    return value


def _read_number(value: str, name: str) -> int:
    if not value.isdigit() or len(value) > _MAX_SLOT_DIGITS:
        raise KeyUnavailable(f"the pkcs11: URI's {name} is a whole number")
    return int(value)


def _read_sessions(value: str) -> int:
    number = _read_number(value, "hocba-sessions")
    if not 1 <= number <= MAX_SESSIONS:
        raise KeyUnavailable(f"the pkcs11: URI's hocba-sessions is a number from 1 to {MAX_SESSIONS}")
    return number


def _read_pin_source(value: str) -> Path:
    if value.startswith("|"):
        raise KeyUnavailable("the pkcs11: URI's pin-source names a command; only a file is read, file:/path")
    if value.startswith("file:"):
        value = value.removeprefix("file:")
        value = value.removeprefix("//") if value.startswith("///") else value
    return _read_absolute(value, "pin-source")


def _read_absolute(value: str, name: str) -> Path:
    path = Path(value)
    if not path.is_absolute() or value.startswith("//"):
        raise KeyUnavailable(f"the pkcs11: URI's {name} is an absolute path")
    return path


def _read_module_name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) is None:
        raise KeyUnavailable("the pkcs11: URI's module-name is a bare name such as softhsm2, without folder or ending")
    return value
