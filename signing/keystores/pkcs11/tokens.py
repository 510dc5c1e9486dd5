"""Finds the token that a URI names.  Spec: RFC 7512, 2.5 (matching): every attribute that is given must be equal."""

from __future__ import annotations

from pkcs11 import Slot, Token, TokenFlag
from pkcs11.exceptions import PKCS11Error

from signing.keystores.pkcs11 import troubles
from signing.keystores.pkcs11.modules import Module
from signing.keystores.pkcs11.uri import Pkcs11Uri
from transcript_core.errors import KeyUnavailable


def find_token(module: Module, uri: Pkcs11Uri) -> Token:
    """Return the one token that fits.

    Raises:
        KeyUnavailable: none fits, or several do.
    """
    if not _fits_library(module, uri):
        raise troubles.refuse(troubles.ABSENT)
    try:
        slots = module.library.get_slots(token_present=True)
    except PKCS11Error as error:
        raise troubles.explain(error, "list its slots") from error
    found = [token for slot in slots if _fits_slot(slot, uri) and (token := read_token(slot)) and _fits(token, uri)]
    if not found:
        raise troubles.refuse(troubles.ABSENT)
    if len(found) > 1:
        serials = ", ".join(sorted(read_serial(token) for token in found))
        raise KeyUnavailable(
            f"several tokens fit the URI; add serial=… to it: {serials}",
            text_vi=f"Có nhiều thẻ khớp với URI; hãy thêm serial=… vào URI: {serials}.",
        )
    return found[0]


def read_token(slot: Slot) -> Token | None:
    """Return the token in a slot as it is now, or None when there is none that can be used."""
    try:
        token = slot.get_token()
    except PKCS11Error:
        return None
    return token if token.flags & TokenFlag.TOKEN_INITIALIZED else None


def is_present(token: Token) -> bool:
    """Return whether the very same token still answers from its slot."""
    now = read_token(token.slot)
    return now is not None and (now.serial, now.label) == (token.serial, token.label)


def read_serial(token: Token) -> str:
    """Return the token's serial number as text."""
    return _text(token.serial)


def _fits_library(module: Module, uri: Pkcs11Uri) -> bool:
    library = module.library
    return (
        uri.library_manufacturer in {None, library.manufacturer_id}
        and uri.library_description in {None, library.library_description}
        and uri.library_version in {None, library.library_version}
    )


def _fits_slot(slot: Slot, uri: Pkcs11Uri) -> bool:
    return (
        uri.slot_id in {None, slot.slot_id}
        and uri.slot_description in {None, slot.slot_description}
        and uri.slot_manufacturer in {None, slot.manufacturer_id}
    )


def _fits(token: Token, uri: Pkcs11Uri) -> bool:
    return (
        uri.token in {None, token.label}
        and uri.serial in {None, read_serial(token)}
        and uri.manufacturer in {None, token.manufacturer_id}
        and uri.model in {None, token.model}
    )


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace").rstrip()
