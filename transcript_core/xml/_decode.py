"""Reads records of `transcript_core.layout` from a parsed tree, strictly: these elements, in this order, nothing else.

Blanks between elements, attributes that are not named, comments and processing instructions are errors: what is read is
all that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lxml import etree

from transcript_core.canonical import get_line
from transcript_core.errors import MalformedTranscript
from transcript_core.layout import (
    PART_CONTEXT,
    REQUIRED,
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

    __slots__ = ("_children", "_element", "_next", "_tags", "context")

    def __init__(self, element: etree._Element, attributes: Mapping[str, str] = _NOTHING) -> None:
        self._children = check_shell(element, attributes)
        self._tags = [*(child.tag for child in self._children), None]  # of the children, and of none after the last
        self._element = element
        self._next = 0
        self.context: PartContext | None = None  # of the signed parts read; all of them agree

    def read_record(self, record: Record) -> Any:
        """Return the record made of the next children.

        Raises:
            MalformedTranscript: an element is missing, unknown, out of order, or holds what it may not.
        """
        values = {}
        for field in record.fields:
            if type(field) is not Leaf:
                values[field.name] = _READERS[type(field)](self, field)
            elif self._tags[self._next] == field.tag:
                values[field.name] = read_scalar(self._children[self._next], field.scalar)
                self._next += 1
            else:
                values[field.name] = self._absent(field.tag, field.absent)
        return record.type(**values)

    def close(self) -> None:
        """Check that every child was read."""
        if self._next < len(self._children):
            raise _malformed(self._children[self._next], "is unknown here, doubled or out of order")

    def _take(self, tag: str) -> etree._Element | None:
        if self._tags[self._next] != tag:
            return None
        self._next += 1
        return self._children[self._next - 1]

    def _read_node(self, field: Node) -> Any:
        element = self._take(field.tag)
        if element is None:
            return self._absent(field.tag, None if field.optional else REQUIRED)
        return read_element(element, field.record)

    def _read_inline(self, field: Inline) -> Any:
        return self.read_record(field.record)

    def _read_many(self, field: Many) -> Any:
        return tuple(_read_item(element, field.item) for element in self._take_items(field))

    def _read_parts(self, field: Parts) -> Any:
        return tuple(self._read_part(element, field) for element in self._take_items(field))

    def _absent(self, tag: str, value: object) -> object:
        if value is REQUIRED:
            raise _malformed(self._element, f"lacks {tag}, or has it out of order")
        return value

    def _take_items(self, field: Many | Parts) -> list[etree._Element]:
        wrapper = self._take(field.tag)
        if wrapper is None:
            return []
        items = check_shell(wrapper, _NOTHING)
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


_READERS: Final[Mapping[type, Callable[[Decoder, Any], Any]]] = {
    Node: Decoder._read_node,
    Inline: Decoder._read_inline,
    Many: Decoder._read_many,
    Parts: Decoder._read_parts,
}


def read_element(element: etree._Element, record: Record, attributes: Mapping[str, str] = _NOTHING) -> Any:
    """Return the record that `element` holds, all of its children read."""
    decoder = Decoder(element, attributes)
    value = decoder.read_record(record)
    decoder.close()
    return value


def read_scalar(element: etree._Element, scalar: Scalar) -> Any:
    """Return the value of an element that holds text only."""
    if len(element) or element.keys():
        raise _malformed(element, "holds more than text")
    try:
        return scalar.decode(element.text or "")
    except ValueError as error:
        raise _malformed(element, str(error)) from error


def check_shell(element: etree._Element, attributes: Mapping[str, str]) -> list[etree._Element]:
    """Return the children of `element`, which must hold elements only and exactly these attributes."""
    if dict(element.items()) != attributes:
        raise _malformed(element, "has other attributes than its schema says")
    children = list(element)
    if element.text or [child for child in children if child.tail]:
        raise _malformed(element, "has text or blanks between its elements")
    return children


def _read_item(element: etree._Element, item: Record | Scalar) -> Any:
    return read_scalar(element, item) if isinstance(item, Scalar) else read_element(element, item)


def _malformed(element: etree._Element, problem: str) -> MalformedTranscript:
    name = element.tag if isinstance(element.tag, str) else "a comment or processing instruction"
    return MalformedTranscript(f"{name} {problem}", line=get_line(element))
