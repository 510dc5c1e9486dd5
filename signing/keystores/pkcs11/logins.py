"""One login a token and process.  Spec: PKCS #11 2.40, 5.6 (C_Login, C_Logout).

A login belongs to the process, not to a session: while one signer is logged in, others of the same token are too, and
logging out ends it for all.  So signers share one `Login`; the first asks for the PIN, the last logs out.  A wrong PIN
is never tried again by itself, since a few of them lock the token.
"""

from __future__ import annotations

import contextlib
import threading

from pkcs11 import PROTECTED_AUTH, Session, Token, TokenFlag
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from signing.keystores.pkcs11 import troubles
from signing.keystores.pkcs11.modules import Module
from signing.keystores.pkcs11.tokens import read_token
from signing.keystores.secrets import SecretSource


class Login:
    """Being logged in at one token, shared by its signers.  Holds no PIN."""

    def __init__(self, token: Token) -> None:
        """Wait for the first signer."""
        self.token = token
        self.users = 0
        self.round = 0  # how often somebody logged in; tells who lost a login from who gained one
        self.lock = threading.Lock()
        self.session: Session | None = None

    def enter(self, secrets: SecretSource) -> None:
        """Take part in the login; the first to do so is asked for the PIN.

        Raises:
            KeyUnavailable: no PIN, a wrong one, or the token refuses; nobody is logged in then.
        """
        with self.lock:
            if self.session is None:
                self._log_in(secrets)
            self.users += 1

    def renew(self, secrets: SecretSource, *, lost_round: int) -> None:
        """Log in again after the login of `lost_round` was lost, unless another signer did so already.

        Raises:
            KeyUnavailable: as `enter`.
        """
        with self.lock:
            if self.round == lost_round:
                self._end()
                self._log_in(secrets)

    def leave(self) -> None:
        """Take part no longer; the last logs out."""
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self._end()

    def _log_in(self, secrets: SecretSource) -> None:
        token = read_token(self.token.slot) or self.token  # flags as they are now
        _check_flags(token)
        try:
            if not token.flags & TokenFlag.LOGIN_REQUIRED:
                self.session = token.open()
            elif token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
                self.session = token.open(user_pin=PROTECTED_AUTH)
            else:
                self.session = _open_with_pin(token, secrets)
        except UserAlreadyLoggedIn:
            self.session = _open_without_pin(token)  # another part of this process is; it decides when to log out
        except PKCS11Error as error:
            raise troubles.explain(error, "log in") from error
        self.round += 1

    def _end(self) -> None:
        if self.session is not None:
            with contextlib.suppress(PKCS11Error):  # the token may be gone; then the login is, too
                self.session.close()
            self.session = None


def join_login(module: Module, token: Token, secrets: SecretSource) -> Login:
    """Return the token's login, entered; every call needs one `leave`.

    Raises:
        KeyUnavailable: no PIN, a wrong one, or the token refuses.
    """
    with module.lock:
        login = module.logins.get(token.slot.slot_id)
        if login is None or login.users == 0 or (login.token.serial, login.token.label) != (token.serial, token.label):
            login = Login(token)
        login.enter(secrets)
        module.logins[token.slot.slot_id] = login
        return login


def ask_pin(token: Token, secrets: SecretSource) -> str:
    """Return the PIN for a token.

    Raises:
        KeyUnavailable: there is none, or it is empty, which some tokens take as a wrong one.
    """
    pin = secrets.ask(f"PIN của thẻ «{token.label}»{_warn(token)}")
    if not pin:
        raise troubles.refuse(troubles.EMPTY_PIN)
    return pin


def _open_with_pin(token: Token, secrets: SecretSource) -> Session:
    pin = ask_pin(token, secrets)
    try:
        return token.open(user_pin=pin)
    finally:
        del pin  # not even a traceback's frame keeps it


def _open_without_pin(token: Token) -> Session:
    try:
        return token.open()
    except PKCS11Error as error:
        raise troubles.explain(error, "open a session") from error


def _check_flags(token: Token) -> None:
    if token.flags & TokenFlag.USER_PIN_LOCKED:
        raise troubles.refuse(troubles.LOCKED)
    if token.flags & TokenFlag.LOGIN_REQUIRED and not token.flags & TokenFlag.USER_PIN_INITIALIZED:
        raise troubles.refuse(troubles.NO_PIN_SET)


def _warn(token: Token) -> str:
    if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
        return " (CHỈ CÒN MỘT LẦN THỬ trước khi thẻ bị khoá)"
    if token.flags & TokenFlag.USER_PIN_COUNT_LOW:
        return " (đã có lần nhập sai)"
    return ""
