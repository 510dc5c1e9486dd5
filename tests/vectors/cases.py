"""What a vector is: a document, named for its defect, with the outcome and the failing checks to expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tests.vectors.school import CHECKED_AT
from transcript_core.pki.trust import TrustStore
from transcript_core.status import DocumentStatus
from verify.report import Outcome

Build = Callable[[], bytes]
Files = Callable[[], tuple[tuple[str, bytes], ...]]
Trust = Callable[[], TrustStore]

UNANCHORED = (
    "signer.identified",
    "certificate.period",
    "certificate.revocation",
    "certificate.usage",
    "certificate.path",
    "trust.world",
)
"""What cannot be told of a signature whose certificate leads to no anchor, or that carries none."""


class Question(Enum):
    """What a verifier is asked about the document."""

    TRANSCRIPT = "verify"
    SIGNATURES = "inspect"


@dataclass(frozen=True)
class Asked:
    """How a vector is asked about."""

    status: DocumentStatus = DocumentStatus.VALID
    at: datetime = CHECKED_AT
    question: Question = Question.TRANSCRIPT
    xml: Build | None = None  # given beside a PDF, JWS or recall
    json: Build | None = None  # given beside an XML or PDF
    files: Files | None = None  # (name, content) that detached signatures may mean
    trust: Trust | None = None  # None: the sample school's


@dataclass(frozen=True)
class Case:
    """One way to break, or not to break, a document."""

    name: str  # of the function that makes it: the defect
    family: str  # of its module
    build: Build
    outcome: Outcome
    failing: frozenset[str]  # exactly the checks that answer failed or indeterminate
    clause: str  # what it breaks
    asked: Asked

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def _register(outcome: Outcome, clause: str, failing: tuple[str, ...], asked: Asked) -> Callable[[Build], Build]:
    def decorate(build: Build) -> Build:
        family = build.__module__.rpartition(".")[2]
        CASES.append(Case(build.__name__, family, build, outcome, frozenset(failing), clause, asked))
        return build

    return decorate


def sound(
    clause: str,
    *,
    status: DocumentStatus = DocumentStatus.VALID,
    at: datetime = CHECKED_AT,
    question: Question = Question.TRANSCRIPT,
    xml: Build | None = None,
    json: Build | None = None,
    files: Files | None = None,
    trust: Trust | None = None,
) -> Callable[[Build], Build]:
    """Register a document that must pass."""
    return _register(Outcome.PASSED, clause, (), Asked(status, at, question, xml, json, files, trust))


def fails(
    clause: str,
    *failing: str,
    status: DocumentStatus = DocumentStatus.VALID,
    at: datetime = CHECKED_AT,
    question: Question = Question.TRANSCRIPT,
    xml: Build | None = None,
    json: Build | None = None,
    files: Files | None = None,
    trust: Trust | None = None,
) -> Callable[[Build], Build]:
    """Register a document that must fail, by exactly these checks."""
    return _register(Outcome.FAILED, clause, failing, Asked(status, at, question, xml, json, files, trust))


def cannot_tell(
    clause: str,
    *failing: str,
    status: DocumentStatus = DocumentStatus.VALID,
    at: datetime = CHECKED_AT,
    question: Question = Question.TRANSCRIPT,
    xml: Build | None = None,
    json: Build | None = None,
    files: Files | None = None,
    trust: Trust | None = None,
) -> Callable[[Build], Build]:
    """Register a document of which nothing certain can be said, by exactly these checks."""
    return _register(Outcome.INDETERMINATE, clause, failing, Asked(status, at, question, xml, json, files, trust))
