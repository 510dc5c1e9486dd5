"""What a vector is: a document, named for its defect, with the outcome and the failing checks to expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.vectors.school import CHECKED_AT
from transcript_core.status import DocumentStatus
from verify.report import Outcome

Build = Callable[[], bytes]

UNANCHORED = (
    "signer.identified",
    "certificate.period",
    "certificate.revocation",
    "certificate.usage",
    "certificate.path",
    "trust.world",
)
"""What cannot be told of a signature whose certificate leads to no anchor, or that carries none."""


@dataclass(frozen=True)
class Case:
    """One way to break, or not to break, a document."""

    name: str  # of the function that makes it: the defect
    build: Build
    outcome: Outcome
    failing: frozenset[str]  # exactly the checks that answer failed or indeterminate
    clause: str  # what it breaks
    status: DocumentStatus
    at: datetime

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def _register(
    outcome: Outcome, clause: str, failing: tuple[str, ...], status: DocumentStatus, at: datetime
) -> Callable[[Build], Build]:
    def decorate(build: Build) -> Build:
        CASES.append(Case(build.__name__, build, outcome, frozenset(failing), clause, status, at))
        return build

    return decorate


def sound(
    clause: str, *, status: DocumentStatus = DocumentStatus.VALID, at: datetime = CHECKED_AT
) -> Callable[[Build], Build]:
    """Register a document that must pass."""
    return _register(Outcome.PASSED, clause, (), status, at)


def fails(
    clause: str, *failing: str, status: DocumentStatus = DocumentStatus.VALID, at: datetime = CHECKED_AT
) -> Callable[[Build], Build]:
    """Register a document that must fail, by exactly these checks."""
    return _register(Outcome.FAILED, clause, failing, status, at)


def cannot_tell(
    clause: str, *failing: str, status: DocumentStatus = DocumentStatus.VALID, at: datetime = CHECKED_AT
) -> Callable[[Build], Build]:
    """Register a document of which nothing certain can be said, by exactly these checks."""
    return _register(Outcome.INDETERMINATE, clause, failing, status, at)
