"""Reads a transcript's JSON as compact JWS: who signed, over what, and whether the mathematics holds.

Implements the reading side of RFC 7515 with the headers of ETSI TS 119 182-1 that transcripts carry (`x5c`,
`x5t#S256`, `iat`) and the protected `serial`, `version` and `digest` that name the document.  Alone it is the word of
its signer, the school's seal; it never replaces the XML.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from transcript_core.clock import read_utc
from transcript_core.errors import InputError, SignatureInvalid, UnsupportedSchema
from transcript_core.json import parse_json
from transcript_core.jws import Jws, parse_jws, verify_jws
from transcript_core.model import Transcript

TRANSCRIPT_JWS_TYPE: Final = "hocba-transcript+jws"
"""The `typ` of a transcript's JWS; a status file or authority list cannot pass for one."""

_MAX_UNIX_TIME: Final = 253_402_300_799  # end of the year 9999


@dataclass(frozen=True, slots=True, eq=False)
class JwsInput:
    """A JWS file as far as it could be read."""

    octets: bytes
    jws: Jws | None  # None: not a JWS of an accepted form
    intact: bool | None  # None: no certificate to verify it with
    is_bound: bool  # the signed header names exactly the certificate it was verified with
    transcript: Transcript | None  # of the payload
    error: str | None = None

    @property
    def signed_at(self) -> datetime | None:
        """Return the claimed signing time; aware UTC."""
        value = None if self.jws is None else self.jws.header.get("iat")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_UNIX_TIME:
            return None
        try:
            return read_utc(datetime.fromtimestamp(value, UTC))
        except ValueError:
            return None


def read_jws(octets: bytes) -> JwsInput:
    """Read a transcript's JWS.  Never raises for anything in it."""
    compact = octets.strip()
    try:
        jws = parse_jws(compact)
    except InputError as error:
        return JwsInput(octets, None, None, is_bound=False, transcript=None, error=str(error))
    transcript, problem = _read_payload(jws)
    return JwsInput(octets, jws, _verify(jws), is_bound=_names_certificate(jws), transcript=transcript, error=problem)


def _verify(jws: Jws) -> bool | None:
    if not jws.certificates:
        return None
    try:
        verify_jws(jws.compact, jws.certificates[0])
    except SignatureInvalid:
        return False
    return True


def _names_certificate(jws: Jws) -> bool:
    """RFC 7515, 4.1.8: `x5t#S256` in the protected header; `x5c` is protected too, so either binds."""
    if not jws.certificates:
        return False
    expected = base64.urlsafe_b64encode(jws.certificates[0].sha256).rstrip(b"=").decode("ascii")
    return jws.header.get("x5t#S256") == expected


def _read_payload(jws: Jws) -> tuple[Transcript | None, str | None]:
    if jws.header.get("typ") != TRANSCRIPT_JWS_TYPE:
        return None, "the JWS is not one of a transcript"
    try:
        transcript = parse_json(jws.payload)
    except (InputError, UnsupportedSchema) as error:
        return None, str(error)
    if not _names_document(jws.header, transcript):
        return None, "the protected header names another document than the content"
    return transcript, None


def _names_document(header: Mapping[str, Any], transcript: Transcript) -> bool:
    version = header.get("version")
    if isinstance(version, bool):  # true is no number, though Python takes it for 1
        return False
    return header.get("serial") == transcript.serial and version == transcript.version


def find_digest(jws: Jws) -> bytes | None:
    """Return the document digest that the protected header names (hexadecimal), or None when it is not one."""
    value = jws.header.get("digest")
    if not isinstance(value, str) or len(value) != 64:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None
