"""A signer's hold on a token: the library, the login and the sessions in which its key signs.

Whatever is taken is given back, also when the token is gone: closing never raises.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pkcs11 import Session, SlotFlag, Token, TokenFlag
from pkcs11.exceptions import PKCS11Error, SessionCount
from pkcs11.types import SignMixin

from signing.keystores.pkcs11 import troubles
from signing.keystores.pkcs11.logins import Login, join_login
from signing.keystores.pkcs11.modules import Module, acquire_module, find_module
from signing.keystores.pkcs11.objects import FoundKey, find_again, find_key
from signing.keystores.pkcs11.tokens import find_token, is_present
from signing.keystores.pkcs11.uri import Pkcs11Uri
from signing.keystores.secrets import FileSecret, SecretSource
from transcript_core.errors import KeyUnavailable

USUAL_SESSIONS: Final = 4
"""Sessions at an HSM or a software token unless the URI says otherwise; a removable token has one chip and gets one."""


@dataclass(slots=True)
class Connection:
    """Sessions of one signer, each with the key as it is seen there."""

    module: Module
    login: Login
    secrets: SecretSource
    found: FoundKey
    sessions: list[Session]
    keys: list[SignMixin]
    login_round: int

    @property
    def token(self) -> Token:
        """Return the token as it was when somebody logged in."""
        return self.login.token

    def is_token_present(self) -> bool:
        """Return whether the token still answers."""
        return is_present(self.token)

    def is_login_lost(self, error: PKCS11Error) -> bool:
        """Return whether the token is still there and the login is not, after the token refused to sign.

        The error alone does not tell: a login that ends while a signature is being made fails it with whatever the
        driver meets first, CKR_GENERAL_ERROR among them.  So the key is looked up again, which only somebody logged in
        can see (PKCS #11 2.40, 4.4: CKA_PRIVATE).
        """
        if troubles.has_sentence(error) or not self.is_token_present():
            return False
        return isinstance(error, troubles.LOGIN_LOST) or not self._shows_key()

    def restore(self) -> None:
        """Log in again and open the sessions anew, after the login was lost and while the token is there.

        Raises:
            KeyUnavailable: no PIN or a wrong one, the token refuses, or the key is not there any more.
        """
        wanted = len(self.sessions)
        self._close_sessions()
        self.login.renew(self.secrets, lost_round=self.login_round)
        self.login_round = self.login.round
        self._open(wanted)

    def renew_sessions(self) -> None:
        """Open the sessions anew, which ends an operation that a failure left half done.

        Raises:
            KeyUnavailable: the token opens none, or the key is not there any more.
        """
        wanted = len(self.sessions)
        self._close_sessions()
        self._open(wanted)

    def close(self) -> None:
        """Give everything back; the last signer of a token logs out, the last of a library finalises it."""
        with self.module.exclusive():
            self._close_sessions()
            self.login.leave()
        self.module.release()

    def _shows_key(self) -> bool:
        """Look in a session of its own: in one that failed to sign the operation may not have ended."""
        try:
            sessions = _open_sessions(self.login, 1)
        except KeyUnavailable:
            return False
        try:
            for session in sessions:
                find_again(session, self.found)
        except KeyUnavailable:
            return False
        finally:
            for session in sessions:
                _close(session, self.login)
        return bool(sessions)

    def _open(self, wanted: int) -> None:
        self.sessions = _open_sessions(self.login, wanted)
        self.keys = [find_again(session, self.found) for session in self.sessions]

    def _close_sessions(self) -> None:
        for session in self.sessions:
            _close(session, self.login)
        self.sessions, self.keys = [], []


def connect(uri: Pkcs11Uri, secrets: SecretSource, *, default_module: Path | None) -> Connection:
    """Return a connection to the key that a URI names; the PIN is asked once, unless this process is logged in already.

    Args:
        secrets: gives the PIN where the URI has no pin-source.
        default_module: library when the URI names none.

    Raises:
        KeyUnavailable: each trouble in a sentence of its own.
    """
    module = acquire_module(find_module(path=uri.module_path, name=uri.module_name, default=default_module))
    with module.exclusive(), contextlib.ExitStack() as undo:
        undo.callback(module.release)
        token = find_token(module, uri)
        source = secrets if uri.pin_source is None else FileSecret(uri.pin_source)
        login = join_login(module, token, source)
        undo.callback(login.leave)
        login_round = login.round
        sessions = _open_sessions(login, _count_sessions(module, token, uri))
        for session in sessions:
            undo.callback(_close, session, login)
        found = find_key(sessions[0], uri)
        if found.wants_pin_each_time:
            _check_pin_each_time(token)
        keys = [find_again(session, found) for session in sessions]
        connection = Connection(module, login, source, found, sessions, keys, login_round)
        undo.pop_all()
        return connection


def _count_sessions(module: Module, token: Token, uri: Pkcs11Uri) -> int:
    if not module.is_parallel:
        return 1
    if uri.sessions is not None:
        return uri.sessions
    return 1 if token.slot.flags & SlotFlag.REMOVABLE_DEVICE else USUAL_SESSIONS


def _open_sessions(login: Login, wanted: int) -> list[Session]:
    """Return at most `wanted` sessions; the login's own when the token allows no second one.

    Raises:
        KeyUnavailable: the token opens none.
    """
    sessions: list[Session] = []
    try:
        while len(sessions) < wanted:
            sessions.append(login.token.open())
    except SessionCount:
        if not sessions and login.session is not None:
            sessions.append(login.session)
    except PKCS11Error as error:
        for session in sessions:
            _close(session, login)
        raise troubles.explain(error, "open a session") from error
    return sessions


def _check_pin_each_time(token: Token) -> None:
    if token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
        raise troubles.refuse(troubles.PAD_FOR_EACH)


def _close(session: Session, login: Login) -> None:
    """Close a session, unless it is the login's own: closing that would log everybody out."""
    if session is login.session:
        return
    with contextlib.suppress(PKCS11Error):  # the token may be gone; then the session is, too
        session.close()
