"""Reads records of `transcript_core.layout` from a parsed tree, strictly: these elements, in this order, nothing else.

Blanks between elements, attributes that are not named, comments and processing instructions are errors: what is read is
all that there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from transcript_core.canonical import get_line
from transcript_core.errors import MalformedTranscript
from transcript_core.layout import (
    PART_CONTEXT,
    REQUIRED,
    Field,
    Inline,
    Leaf,
    Many,
    Node,
    PartContext,
    Parts,
    Record,
)
from transcript_core.policy import part_id
from transcript_core.scalars import Scalar

_NOTHING: Mapping[str, str] = {}


class Decoder:
    """Reads the children of one element, each once and in order."""

    def __init__(self, element: etree._Element, attributes: Mapping[str, str] = _NOTHING) -> None:
        check_shell(element, attributes)
        self._element = element
        self._children = list(element)
        self._next = 0
        self.context: PartContext | None = None  # of the signed parts read; all of them agree

    def read_record(self, record: Record) -> Any:
        """Return the record made of the next children.

        Raises:
            MalformedTranscript: an element is missing, unknown, out of order, or holds what it may not.
        """
        return record.type(**{field.name: self._read_field(field) for field in record.fields})

    def close(self) -> None:
        """Check that every child was read."""
        if self._next < len(self._children):
            raise _malformed(self._children[self._next], "is unknown here, doubled or out of order")

    def _take(self, tag: str) -> etree._Element | None:
        if self._next < len(self._children) and self._children[self._next].tag == tag:
            self._next += 1
            return self._children[self._next - 1]
        return None

    def _read_field(self, field: Field) -> Any:  # noqa: PLR0911 - one return for each kind of field
        match field:
            case Leaf():
                element = self._take(field.tag)
                if element is None:
                    return self._absent(field.tag, field.absent)
                return read_scalar(element, field.scalar)
            case Node():
                element = self._take(field.tag)
                if element is None:
                    return self._absent(field.tag, None if field.optional else REQUIRED)
                return read_element(element, field.record)
            case Inline():
                return self.read_record(field.record)
            case Many():
                return tuple(_read_item(element, field.item) for element in self._take_items(field))
            case Parts():
                return tuple(self._read_part(element, field) for element in self._take_items(field))

    def _absent(self, tag: str, value: object) -> object:
        if value is REQUIRED:
            raise _malformed(self._element, f"lacks {tag}, or has it out of order")
        return value

    def _take_items(self, field: Many | Parts) -> list[etree._Element]:
        wrapper = self._take(field.tag)
        if wrapper is None:
            return []
        check_shell(wrapper, _NOTHING)
        items = list(wrapper)
        if not items:
            raise _malformed(wrapper, "is empty; an empty list is left out")
        for item in items:
            if item.tag != field.item_tag:
                raise _malformed(item, f"is unknown in {field.tag}")
        return items

    def _read_part(self, element: etree._Element, field: Parts) -> Any:
        part = Decoder(element, {"Id": element.get("Id", "")})
        context = part.read_record(PART_CONTEXT)
        if self.context is not None and context != self.context:
            raise _malformed(element, "belongs to another transcript than the part before it")
        self.context = context
        value = part.read_record(field.item)
        part.close()
        if element.get("Id") != part_id(value.subject_code):
            raise _malformed(element, "has an Id that is not its subject's")
        return value


def read_element(element: etree._Element, record: Record, attributes: Mapping[str, str] = _NOTHING) -> Any:
    """Return the record that `element` holds, all of its children read."""
    decoder = Decoder(element, attributes)
    value = decoder.read_record(record)
    decoder.close()
    return value


def read_scalar(element: etree._Element, scalar: Scalar) -> Any:
    """Return the value of an element that holds text only."""
    if len(element) or element.attrib:
        raise _malformed(element, "holds more than text")
    try:
        return scalar.decode(element.text or "")
    except ValueError as error:
        raise _malformed(element, str(error)) from error


def check_shell(element: etree._Element, attributes: Mapping[str, str]) -> None:
    """Check that `element` holds elements only and exactly these attributes."""
    if {str(name): value for name, value in element.attrib.items()} != attributes:
        raise _malformed(element, "has other attributes than its schema says")
    if element.text or any(child.tail for child in element):
        raise _malformed(element, "has text or blanks between its elements")


def _read_item(element: etree._Element, item: Record | Scalar) -> Any:
    return read_scalar(element, item) if isinstance(item, Scalar) else read_element(element, item)


def _malformed(element: etree._Element, problem: str) -> MalformedTranscript:
    name = element.tag if isinstance(element.tag, str) else "a comment or processing instruction"
    return MalformedTranscript(f"{name} {problem}", line=get_line(element))
