"""Where the documents of a batch come from and go to, and what holds for all of them.

A workplace opens documents and keeps the signed ones.  The engine hands names around, never documents, so a workplace
that can be pickled serves worker processes as well as this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from signing.batch.tasks import FormatResult, SigningResult, SigningTask
from signing.eligibility import SignerCheck
from signing.signer import SigningIdentity
from transcript_core.errors import SigningError, TranscriptError
from transcript_core.pki.evidence import Evidence

NameT = TypeVar("NameT")
NameT_contra = TypeVar("NameT_contra", contravariant=True)
KeptT = TypeVar("KeptT")
KeptT_co = TypeVar("KeptT_co", covariant=True)


class WorkerLost(SigningError):
    """The worker process that held this document ended; nothing of it was saved."""

    code = "worker-lost"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is fixed for a whole batch before its first digest: the certificate above all."""

    identity: SigningIdentity
    check: SignerCheck  # of that certificate
    at: datetime  # the signing time that is signed, aware
    evidence: Evidence | None = None  # of the certificate; put into the XML signatures
    timestamp_evidence: Evidence | None = None  # of the time-stamping authority


class Workplace(Protocol[NameT_contra, KeptT_co]):
    """Opens what a name stands for and keeps what became of it.

    One object serves one process.  `open`, `flush` and `keep` of a result are called by one thread at a time; `keep` of
    an error comes from any thread and tells of it alone.
    """

    def open(self, name: NameT_contra) -> SigningTask:
        """Return the task.  Raises: TranscriptError, for this name alone."""
        ...

    def keep(self, name: NameT_contra, outcome: SigningResult | TranscriptError) -> KeptT_co:
        """Keep the signed documents and return what the caller of the engine gets to see.

        Called as soon as a document is done; the engine lets go of it then.

        Args:
            outcome: what became of the task, or why there was none.
        """
        ...

    def flush(self) -> None:
        """Make durable what was kept since the last call; called before the engine tells of it.

        Raises:
            TranscriptError: nothing that was kept since the last call can be relied on; the engine then calls `keep`
                again, with this error.
        """
        ...


class InMemory:
    """The workplace of callers who hold the documents themselves."""

    def open(self, name: SigningTask) -> SigningTask:
        """Return the task, which is its own name."""
        return name

    def keep(self, name: SigningTask, outcome: SigningResult | TranscriptError) -> SigningResult:
        """Return the result."""
        if isinstance(outcome, SigningResult):
            return outcome
        return SigningResult(name.key, {kind: FormatResult(None, None, outcome) for kind in name.formats})

    def flush(self) -> None:
        """Do nothing: the caller stores."""
