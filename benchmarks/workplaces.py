"""Documents in a folder, for the engine's worker processes; importable without anything of the tests or the PKI."""

from __future__ import annotations

import os
from dataclasses import dataclass

from signing.batch import SigningResult, SigningTask
from transcript_core.errors import TranscriptError
from transcript_core.policy import SignatureFormat, SigningPolicy, Slot
from transcript_core.render import Appearance


@dataclass(slots=True)
class FolderWorkplace:
    """Opens `<name>.xml` and `<name>.pdf` for one slot of all documents, and keeps nothing but whether it was signed.

    More names than files stand for the same files again, so that a long batch needs no large folder.
    """

    folder: str
    files: int
    slots: tuple[tuple[Slot, ...], ...]  # by file
    position: int
    policy: SigningPolicy
    appearances: tuple[Appearance, ...]  # by file
    formats: tuple[SignatureFormat, ...]

    def open(self, name: int) -> SigningTask:
        """Return the task of a document."""
        number = name % self.files
        slots = self.slots[number]
        return SigningTask(
            key=str(name),
            slot=slots[self.position],
            slots=slots,
            policy=self.policy,
            xml=_read(f"{self.folder}/{number}.xml"),
            formats=self.formats,
            pdf=_read(f"{self.folder}/{number}.pdf"),
            appearance=self.appearances[number],
        )

    def keep(self, name: int, outcome: SigningResult | TranscriptError) -> str:
        """Return an empty text, or what went wrong."""
        if isinstance(outcome, SigningResult):
            return "" if outcome.signed else f"{name}: {outcome.formats}"
        return f"{name}: {outcome}"

    def flush(self) -> None:
        """Nothing was kept."""


def _read(path: str) -> bytes:
    """Return a file's octets by the fewest calls to the system; each of them lets go of Python's lock."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, os.fstat(file).st_size)
    finally:
        os.close(file)
