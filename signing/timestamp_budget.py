"""What a time-stamping authority allows, and what was asked of it already: no authority is ever overdrawn.

An authority may answer only so many requests in a window and refuse everything for a day once it was asked for more.
So its budget is declared beside its address, every request is written down before it is sent, and the record is a file
that outlives the process and that all processes of an installation share.

Not from a standard: RFC 3161 knows no budgets; `Retry-After` is RFC 9110, 10.2.3.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from transcript_core.errors import InputError, TimestampRefused, TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificate

_FORMAT: Final = "hocba-timestamp-ledger/1"
_UNITS: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})(s|min|h|d)")
_BUDGET: Final = re.compile(r"([1-9][0-9]{0,6})/(.+)")
_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_MAX_LEDGER_BYTES: Final = 4 * 1024 * 1024
"""Bytes of the record; one request has about 30, and those older than their window are dropped."""


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """How many requests an authority answers in a window of time."""

    requests: int
    window: timedelta
    block: timedelta = timedelta()  # how long it refuses everything once it was asked for more


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """One time-stamping authority as it is configured."""

    url: str
    budget: RequestBudget | None = None  # None: as many requests as one likes
    policy: str | None = None  # dotted OID of the TSA policy to ask for; None leaves it to the authority


def parse_authority(text: str) -> TimestampAuthority:
    """Return the authority that a setting describes: its address, then what is known of it, parted by `|`.

    Args:
        text: "http://tsa.example/tsr" or "http://tsa.example/tsr|budget=20/20min|block=1d|policy=1.2.3"; durations are
            in s, min, h or d.

    Raises:
        InputError: it cannot be understood; the message says what is wrong.
    """
    url, *options = text.split("|")
    known = dict(option.partition("=")[::2] for option in options)
    if not url.startswith(("http://", "https://")):
        raise InputError(f"a time-stamping authority has an http or https address, not {url!r}")
    if len(known) != len(options) or not known.keys() <= {"budget", "block", "policy"}:
        raise InputError(f"{url}: after the address come budget=, block= and policy=, each once, parted by |")
    policy = known.get("policy")
    if policy is not None and _OID.fullmatch(policy) is None:
        raise InputError(f"{url}: policy= takes a dotted OID")
    if "block" in known and "budget" not in known:
        raise InputError(f"{url}: block= says how long the authority refuses once its budget= is overdrawn")
    return TimestampAuthority(url, _parse_budget(url, known) if "budget" in known else None, policy)


def _parse_budget(url: str, known: dict[str, str]) -> RequestBudget:
    found = _BUDGET.fullmatch(known["budget"])
    window = None if found is None else _parse_duration(found[2])
    block = _parse_duration(known["block"]) if "block" in known else timedelta()
    if found is None or window is None or block is None:
        raise InputError(f"{url}: a budget is written budget=20/20min, a block block=1d")
    return RequestBudget(int(found[1]), window, block)


def _parse_duration(text: str) -> timedelta | None:
    found = _DURATION.fullmatch(text)
    return None if found is None else timedelta(seconds=int(found[1]) * _UNITS[found[2]])


@dataclass(slots=True)
class _Account:
    """What is known of one authority."""

    sent: list[datetime] = field(default_factory=list)  # requests of the last window, oldest first
    blocked_until: datetime | None = None
    certificates: list[str] = field(default_factory=list)  # base64 of DER: the authority's own, then what came along

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        return {
            "sent": [one.isoformat() for one in self.sent],
            "blocked_until": None if self.blocked_until is None else self.blocked_until.isoformat(),
            "certificates": self.certificates,
        }


class RequestLedger:
    """Writes down every request that counts.  Threads share an object, processes share its file.

    Args:
        path: the record's file; beside it lies one for its lock.  None: this process alone, until it ends.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._accounts: dict[str, _Account] = {}
        self._lock = Lock()

    def take(self, authority: TimestampAuthority, now: datetime) -> datetime | None:
        """Write down a request that is about to be sent; return when one may be sent, if not now.

        Raises:
            TimestampRefused: the record cannot be read or written, so nothing may be sent.
        """
        with self._opened(writing=authority.budget is not None) as accounts:
            account = accounts.setdefault(authority.url, _Account())
            if account.blocked_until is not None and account.blocked_until > now:
                return account.blocked_until
            if authority.budget is None:
                return None
            account.sent = [one for one in account.sent if one > now - authority.budget.window]
            if len(account.sent) >= authority.budget.requests:
                return account.sent[-authority.budget.requests] + authority.budget.window
            account.sent.append(now)
            return None

    def block(self, url: str, until: datetime) -> None:
        """Remember that the authority refuses everything until then."""
        with self._opened(writing=True) as accounts:
            account = accounts.setdefault(url, _Account())
            account.blocked_until = max(until, account.blocked_until or until)

    def remember(self, url: str, certificates: Sequence[Certificate]) -> None:
        """Remember which certificates came with the authority's last token, its own first."""
        listed = [b64encode(one.der).decode("ascii") for one in certificates]
        with self._opened(writing=False) as accounts:
            known = accounts.get(url)
            if known is not None and known.certificates == listed:
                return
        with self._opened(writing=True) as accounts:
            accounts.setdefault(url, _Account()).certificates = listed

    def list_certificates(self, url: str) -> tuple[Certificate, ...]:
        """Return those certificates; none when no token was received yet."""
        with self._opened(writing=False) as accounts:
            account = accounts.get(url, _Account())
        try:
            return tuple(load_certificate(b64decode(one)) for one in account.certificates)
        except (ValueError, TrustMaterialError):
            return ()

    @contextmanager
    def _opened(self, *, writing: bool) -> Iterator[dict[str, _Account]]:
        """Yield the accounts while nobody else has them; keep what became of them when `writing`."""
        with self._lock:
            if self._path is None:
                yield self._accounts
                return
            with _locked(self._path):
                accounts = _read(self._path)
                yield accounts
                if writing:
                    _write(self._path, accounts)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the record's lock; the kernel lets go of it when a process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, _Account]:
    try:
        if not path.exists():
            return {}
        if path.stat().st_size > _MAX_LEDGER_BYTES:
            raise ValueError("it is too long")
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError("it is of another format")
        return {url: _from_json(one) for url, one in content["authorities"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, error) from error


def _from_json(raw: dict[str, Any]) -> _Account:
    blocked = raw["blocked_until"]
    return _Account(
        sent=[_instant(one) for one in raw["sent"]],
        blocked_until=None if blocked is None else _instant(blocked),
        certificates=[str(one) for one in raw["certificates"]],
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _write(path: Path, accounts: dict[str, _Account]) -> None:
    """Replace the record in one step, on disk before the request is sent: a power cut must not forget a request."""
    content = {"format": _FORMAT, "authorities": {url: one.to_json() for url, one in accounts.items()}}
    beside = path.with_name(f"{path.name}.new")  # one name is enough: the lock is held
    try:
        with beside.open("w", encoding="ascii") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> TimestampRefused:
    return TimestampRefused(
        f"the record of requests to time-stamping authorities, {path}, cannot be used ({error}); mend or remove it",
        reason="ledger",
    )
