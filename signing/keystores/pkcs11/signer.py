"""A `Signer` whose key is on a token or an HSM and never leaves it.

A list is signed by as many sessions as there are, each in a thread of its own; python-pkcs11 lets other threads run
during C_Sign.  When the token is still there but the login was lost, the PIN is asked for once more and the list goes
on with what is missing; when the token is gone the call fails as a whole, and `reopen` or a new opening goes on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NoReturn

from pkcs11.exceptions import PKCS11Error
from pkcs11.types import SignMixin

from signing.keystores.pkcs11 import troubles
from signing.keystores.pkcs11.connections import Connection, connect
from signing.keystores.pkcs11.logins import ask_pin
from signing.keystores.pkcs11.mechanisms import Signing, choose_signing
from signing.keystores.pkcs11.uri import Pkcs11Uri, parse_pkcs11_uri
from signing.keystores.secrets import SecretSource
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm, verify_digest
from transcript_core.pki.certificates import Certificate

LIST_SIZE: Final = 64
"""Digests of one call; ten seconds of a slow USB token."""

_DIGESTS_A_THREAD: Final = 4
"""Digests that are worth a thread: starting one takes about a tenth of the time of a signature."""


class Pkcs11Signer:
    """A `Signer` whose key is on a token.  Holds neither key nor PIN, only the way to both."""

    __slots__ = (
        "_certificate", "_chain", "_connection", "_default_module", "_lock", "_secrets", "_signing", "_trouble", "_uri",
        "_wants_pin_each_time",
    )  # fmt: skip

    def __init__(
        self,
        uri: Pkcs11Uri,
        secrets: SecretSource,
        *,
        algorithm: SignatureAlgorithm | None = None,
        default_module: Path | None = None,
    ) -> None:
        """Open the key; `open_pkcs11` takes the URI as text.

        Raises:
            KeyUnavailable: each trouble in a sentence of its own.
        """
        self._uri = uri
        self._secrets = secrets
        self._default_module = default_module
        self._lock = threading.Lock()
        self._trouble: troubles.Sentences = troubles.CLOSED  # why there is no connection, when there is none
        self._connection: Connection | None = None
        connection = connect(uri, secrets, default_module=default_module)
        try:
            found = connection.found
            self._signing = choose_signing(connection.token.slot, found.certificate, algorithm or uri.algorithm)
        except KeyUnavailable:
            connection.close()
            raise
        self._certificate: Certificate = found.certificate
        self._chain = found.chain
        self._wants_pin_each_time = found.wants_pin_each_time
        self._connection = connection

    @property
    def certificate(self) -> Certificate:
        """The certificate of the key."""
        return self._certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The CA certificates on the token or in the given file: issuer first, no anchor, maybe none."""
        return self._chain

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The one algorithm this signer uses."""
        return self._signing.algorithm

    @property
    def list_size(self) -> int | None:
        """Short lists, so that little is lost with a pulled token; any number where each list asks for the PIN."""
        return None if self._wants_pin_each_time else LIST_SIZE

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Return one signature value for each digest, in order; RSA octets, or raw r‖s for ECDSA.

        Args:
            digests: raw digests of the algorithm's hash.

        Raises:
            KeyUnavailable: a digest of another length, or the token did not sign all of them.
        """
        size = self.algorithm.digest_size
        if any(len(digest) != size for digest in digests):
            raise KeyUnavailable(f"{self.algorithm.value} signs digests of {size} bytes")
        with self._lock:
            connection = self._get_connection()
            work = _Work(self._signing, digests)
            with connection.module.exclusive():
                try:
                    self._sign(connection, work)
                except PKCS11Error as error:
                    # frames of the library's own code hold the PIN of a key that wants it each time: leave them behind
                    raise self._give_up(connection, error) from error.with_traceback(None)
            return work.values

    def reopen(self) -> None:
        """Open the key again after the token was taken out and put back; asks for the PIN.

        Raises:
            KeyUnavailable: as when opening; also when the token now holds another certificate.
        """
        with self._lock:
            self._drop(troubles.CLOSED)
            connection = connect(self._uri, self._secrets, default_module=self._default_module)
            if connection.found.certificate != self._certificate:
                connection.close()
                raise troubles.refuse(troubles.OTHER_CERTIFICATE)
            self._connection = connection

    def close(self) -> None:
        """Close the sessions; the last signer of the token logs out.  Closing twice is harmless."""
        with self._lock:
            self._drop(troubles.CLOSED)

    def _get_connection(self) -> Connection:
        if self._connection is None:
            raise troubles.refuse(self._trouble)
        self._connection.module.check_process()
        return self._connection

    def _sign(self, connection: Connection, work: _Work) -> None:
        """Sign what is missing; after a lost login, once more.

        Raises:
            PKCS11Error: the token did not sign all.
            KeyUnavailable: a value of the wrong length or of another key; the PIN could not be asked again.
        """
        pin = ask_pin(connection.token, connection.secrets) if self._wants_pin_each_time else None
        try:
            if not self._run(connection, work, pin):
                self._restore(connection)
                work.run(connection.keys, pin)
        finally:
            del pin
        self._check_first(connection, work)

    def _run(self, connection: Connection, work: _Work, pin: str | None) -> bool:
        """Return whether all is signed; False: the login was lost, the token is there."""
        try:
            work.run(connection.keys, pin)
        except PKCS11Error as error:
            if not connection.is_login_lost(error):
                raise
            return False
        return True

    def _restore(self, connection: Connection) -> None:
        try:
            connection.restore()
        except KeyUnavailable:
            self._drop(troubles.LOGIN_NOT_RENEWED)
            raise

    def _check_first(self, connection: Connection, work: _Work) -> None:
        """Hold one value against the certificate when the token showed no public key to compare."""
        if connection.found.is_compared or not work.values:
            return
        if not verify_digest(self._certificate, self.algorithm, work.digests[0], work.values[0]):
            raise troubles.refuse(troubles.MISMATCH)

    def _give_up(self, connection: Connection, error: PKCS11Error) -> KeyUnavailable:
        """Return the sentence for a list that failed; let go of what cannot be used again without opening it anew."""
        if isinstance(error, troubles.TOKEN_GONE) or not connection.is_token_present():
            self._drop(troubles.PULLED)
            return troubles.refuse(troubles.PULLED)
        if connection.is_login_lost(error):
            self._drop(troubles.LOST_AGAIN)
            return troubles.refuse(troubles.LOST_AGAIN)
        try:
            connection.renew_sessions()
        except KeyUnavailable:
            self._drop(troubles.LOGIN_NOT_RENEWED)
        return troubles.explain(error, "sign")

    def _drop(self, why: troubles.Sentences) -> None:
        self._trouble = why
        connection, self._connection = self._connection, None
        if connection is not None and connection.module.is_own_process():
            connection.close()

    def __repr__(self) -> str:
        """Name the certificate and the algorithm, nothing that opens the token."""
        return f"Pkcs11Signer({self._certificate.common_name!r}, {self._signing.algorithm.value})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a login does not travel between processes."""
        raise TypeError("a signer cannot be pickled; open the key where it is used")


class _Work:
    """A list of digests on its way to becoming values."""

    def __init__(self, signing: Signing, digests: Sequence[bytes]) -> None:
        self.digests = digests
        self.values: list[bytes] = [b""] * len(digests)
        self._signing = signing
        self._missing = deque(range(len(digests)))
        self._stopped = False

    def run(self, keys: Sequence[SignMixin], pin: str | None) -> None:
        """Sign all that is missing, in as many threads as there are keys and it is worth.

        Args:
            keys: the same key in several sessions.
            pin: for a key that wants it before every signature; one session signs then, so a wrong one is tried once.

        Raises:
            PKCS11Error: of the first session that failed; the others stopped, and what they signed is kept here.
            KeyUnavailable: a value of the wrong length.
        """
        self._stopped = False
        threads = 1 if pin is not None else min(len(keys), -(-len(self._missing) // _DIGESTS_A_THREAD))
        if threads <= 1:
            self._sign_in(keys[0], pin)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="pkcs11") as pool:
            running = [pool.submit(self._sign_in, key, None) for key in keys[:threads]]
            try:
                for one in running:
                    one.result()
            finally:
                self._stopped = True  # also when the person stops the command: the pool waits for its threads

    def _sign_in(self, key: SignMixin, pin: str | None) -> None:
        """Take digest after digest off the list and sign it in one session."""
        signing = self._signing
        while self._missing and not self._stopped:
            try:
                position = self._missing.popleft()
            except IndexError:
                return  # another session took the last one
            try:
                value = key.sign(
                    signing.prefix + self.digests[position],
                    mechanism=signing.mechanism,
                    mechanism_param=signing.parameter,
                    pin=pin,
                    buffer_size=signing.value_size,
                )
                if len(value) != signing.value_size:
                    raise troubles.refuse(troubles.WRONG_LENGTH)
            except (PKCS11Error, KeyUnavailable):
                self._stopped = True
                self._missing.append(position)
                raise
            self.values[position] = value


def open_pkcs11(
    uri: str,
    secrets: SecretSource,
    *,
    algorithm: SignatureAlgorithm | None = None,
    default_module: Path | None = None,
) -> Pkcs11Signer:
    """Return a signer for the key that a `pkcs11:` URI names.

    Args:
        uri: RFC 7512; see `signing.keystores.pkcs11.uri`.
        secrets: asked for the PIN once, when no signer of this process is logged in at the token.
        algorithm: None: what the URI asks, else the usual one of the key's kind.
        default_module: the token's library when the URI names none.

    Raises:
        KeyUnavailable: the URI cannot be used, or the key cannot be opened; each trouble in a sentence of its own.
    """
    return Pkcs11Signer(parse_pkcs11_uri(uri), secrets, algorithm=algorithm, default_module=default_module)
