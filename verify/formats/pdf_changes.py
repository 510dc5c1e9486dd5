"""What a revision of a signed PDF can have done, and what is remembered from one revision to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from transcript_core.pdf import MalformedPdf, PdfFile, Ref, Revision, String, Value
from verify.formats.pdf_problems import Problem


class ChangeKind(StrEnum):
    """What a revision did."""

    SIGNED = "signed"
    STORED_EVIDENCE = "stored-evidence"
    STAMPED = "stamped"  # a document timestamp over everything before it
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A signature field as the revision that made it has it."""

    name: str
    number: int  # of the field's object
    dictionary: Mapping[str, Value]

    @property
    def locks(self) -> bool:
        """Say whether its signature closes the file (ISO 32000-1, table 233)."""
        return "Lock" in self.dictionary


@dataclass(frozen=True, slots=True)
class Form:
    """The form of the first revision."""

    fields: tuple[SignatureField, ...]
    fonts: frozenset[int]  # objects of the fonts in /DR, which appearances may use
    number: int | None  # object of the form; None: it stands in the catalog

    def find_locking_field(self) -> SignatureField | None:
        """Return the field whose signature closes the file."""
        return next((one for one in self.fields if one.locks), None)


@dataclass(frozen=True, slots=True)
class Change:
    """What one revision did."""

    revision: int
    kind: ChangeKind
    field: SignatureField | None = None  # signed by it
    signature: int | None = None  # object number of the signature dictionary
    problems: tuple[Problem, ...] = ()
    appearance: int | None = None  # object number of what the field shows


@dataclass(slots=True)
class History:
    """What is known while the revisions are read in order."""

    form: Form
    store: int | None = None  # object of the /DSS, once there is one
    signed: dict[int, str] = field(default_factory=dict)  # every object of a signed field to the field's name
    keys: set[str] = field(default_factory=set)  # what VRI may call the signatures and timestamps made so far
    stamps: int = 0  # document timestamps so far
    closed: bool = False

    def remember_signature(self, dictionary: Value) -> None:
        """Note the name by which VRI may speak of a signature.

        Spec: EN 319 142-1, 5.4.2.3: SHA-1 of the octets of /Contents in upper case; a name, which protects nothing.
        """
        contents = dictionary.get("Contents") if isinstance(dictionary, dict) else None
        if isinstance(contents, String):
            self.keys.add(hashlib.sha1(contents, usedforsecurity=False).hexdigest().upper())


def get_dictionary(value: Value, what: str) -> dict[str, Value]:
    """Return `value` if it is a dictionary.

    Raises:
        MalformedPdf: it is something else.
    """
    if not isinstance(value, dict):
        raise MalformedPdf(f"{what} is not a dictionary", offset=0)
    return value


def find_new_reference(value: Value, file: PdfFile, revision: Revision) -> int | None:
    """Return the object a reference leads to when it is one that this revision made."""
    before = file.revisions[revision.number - 2]
    if isinstance(value, Ref) and value.number in revision.objects and value.number >= before.size:
        return value.number
    return None
