"""Writes records of `transcript_core.layout` as XML that is in exclusive canonical form from the start.

Our elements have no namespace and no attributes but those named, so canonical form means: start and end tag of every
element, no blanks between elements, and `&`, `<`, `>` escaped in text (Exclusive XML Canonicalization 1.0, 3).
"""

from __future__ import annotations

from typing import Any

from transcript_core.errors import MalformedTranscript
from transcript_core.layout import (
    PART_CONTEXT,
    Field,
    Inline,
    Leaf,
    Many,
    Node,
    PartContext,
    Parts,
    Record,
    check_length,
)
from transcript_core.policy import part_id
from transcript_core.scalars import Scalar


class Encoder:
    """Collects the pieces of one document."""

    def __init__(self, context: PartContext | None = None) -> None:
        self._pieces: list[str] = []
        self._context = context  # repeated in every signed part

    def get_octets(self) -> bytes:
        """Return what was written, in UTF-8."""
        return "".join(self._pieces).encode("utf-8")

    def write_fields(self, record: Record, value: object) -> None:
        """Write the fields of `value` one after another.

        Raises:
            MalformedTranscript: a value has no text form; the message names the element, never the value.
        """
        for field in record.fields:
            self._write_field(field, getattr(value, field.name))

    def _write_field(self, field: Field, value: Any) -> None:
        match field:
            case Leaf():
                if value != field.absent:
                    self._write_scalar(field.tag, field.scalar, value)
            case Node():
                if value is not None:
                    self._write_record(field.tag, field.record, value)
                elif not field.optional:
                    raise MalformedTranscript(f"{field.tag} is missing")
            case Inline():
                self.write_fields(field.record, value)
            case Many() | Parts():
                if value:
                    self._write_list(field, value)

    def _write_list(self, field: Many | Parts, values: tuple[Any, ...]) -> None:
        check_length(field, values)
        self._pieces.append(f"<{field.tag}>")
        for value in values:
            if isinstance(field, Parts):
                self._write_part(field, value)
            elif isinstance(field.item, Scalar):
                self._write_scalar(field.item_tag, field.item, value)
            else:
                self._write_record(field.item_tag, field.item, value)
        self._pieces.append(f"</{field.tag}>")

    def _write_record(self, tag: str, record: Record, value: object) -> None:
        if not isinstance(value, record.type):
            raise MalformedTranscript(f"{tag} holds another kind of record than this school level has")
        self._pieces.append(f"<{tag}>")
        self.write_fields(record, value)
        self._pieces.append(f"</{tag}>")

    def _write_part(self, field: Parts, value: Any) -> None:
        self._pieces.append(f'<{field.item_tag} Id="{part_id(value.subject_code)}">')
        self.write_fields(PART_CONTEXT, self._context)
        self.write_fields(field.item, value)
        self._pieces.append(f"</{field.item_tag}>")

    def _write_scalar(self, tag: str, scalar: Scalar, value: object) -> None:
        try:
            text = scalar.encode(value)
        except ValueError as error:
            raise MalformedTranscript(f"{tag} {error}") from error
        self._pieces.append(f"<{tag}>{_escape(text)}</{tag}>")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
