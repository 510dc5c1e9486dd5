"""Random edits of a signed file: of its octets, of an XML file's tree, of a PDF's objects, tables and sections.

An editor takes the file and dice and returns another file; what it does follows from the dice alone.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Final

from lxml.etree import _Element

from signing.pades.section import build_end
from tests.vectors.forge import edit
from transcript_core.pdf import PdfFile, PdfObject, Revision, read_pdf
from transcript_core.render import read_prepared

Editor = Callable[[bytes, Random], bytes]
_PIECES: Final = (b"", b"<!-- -->", b"<?x?>", b"&amp;", b"9", b" ", b"\n", b"%", b"\0", b"0 R")
_TAILS: Final = (b"\n", b" ", b"%%EOF\n", b"<!-- -->", b".", b"\0")


# --- octets -----------------------------------------------------------------------------------------------------


def change_octet(file: bytes, dice: Random) -> bytes:
    """Change one octet: a bit of it, or all."""
    at = dice.randrange(len(file))
    new = bytes([file[at] ^ (1 << dice.randrange(8))]) if dice.random() < 0.5 else dice.randbytes(1)
    return file[:at] + new + file[at + 1 :]


def cut_octets(file: bytes, dice: Random) -> bytes:
    """Take some octets out."""
    at, length = dice.randrange(len(file)), dice.choice((1, 2, 7, 50, 1000))
    return file[:at] + file[at + length :]


def put_octets_in(file: bytes, dice: Random) -> bytes:
    """Put some octets in, or in the place of others."""
    at, length = dice.randrange(len(file)), dice.choice((0, 0, 1, 8, 40))
    return file[:at] + (dice.choice(_PIECES) or dice.randbytes(dice.randrange(1, 9))) + file[at + length :]


def append_octets(file: bytes, dice: Random) -> bytes:
    """Put some octets behind the end, or before the beginning."""
    piece = dice.choice((*_TAILS, dice.randbytes(dice.randrange(1, 60))))
    return file + piece if dice.random() < 0.8 else piece + file


def move_octets(file: bytes, dice: Random) -> bytes:
    """Move some octets to another place."""
    first, second = sorted(dice.randrange(len(file)) for _ in range(2))
    length = dice.choice((10, 100, 1000))
    piece = file[first : first + length]
    return file[:first] + file[first + length : second] + piece + file[max(second, first + length) :]


OCTETS: Final[Mapping[str, Editor]] = {
    one.__name__: one for one in (change_octet, cut_octets, put_octets_in, append_octets, move_octets)
}


# --- the tree of an XML file ------------------------------------------------------------------------------------


def _at_random(change: Callable[[_Element, _Element, _Element, Random], None]) -> Editor:
    """Return the editor that changes a random element; it is told of its parent and of another element too."""

    def edit_tree(file: bytes, dice: Random) -> bytes:
        def apply(root: _Element) -> None:
            nodes = list(root.iter())[1:]
            one, other = dice.choice(nodes), dice.choice(nodes)
            parent = one.getparent()
            assert parent is not None
            change(one, parent, other, dice)

        return edit(file, apply)

    return edit_tree


def _remove(one: _Element, parent: _Element, _other: _Element, _dice: Random) -> None:
    parent.remove(one)


def _double(one: _Element, parent: _Element, other: _Element, dice: Random) -> None:
    place = parent if dice.random() < 0.7 else other
    place.insert(dice.randint(0, len(place)), copy.deepcopy(one))


def _exchange(one: _Element, parent: _Element, other: _Element, _dice: Random) -> None:
    if other not in one.iter() and other not in one.iterancestors():
        parent.replace(one, other)


def _reorder(_one: _Element, parent: _Element, _other: _Element, dice: Random) -> None:
    children = list(parent)
    dice.shuffle(children)
    parent[:] = children


def _say_the_same(one: _Element, _parent: _Element, other: _Element, _dice: Random) -> None:
    one.text = other.text


def _name_the_same(one: _Element, _parent: _Element, other: _Element, dice: Random) -> None:
    key = dice.choice([*one.attrib, "Id"])
    one.set(key, other.get("Id") or "x")


TREE: Final[Mapping[str, Editor]] = {
    "remove_element": _at_random(_remove),
    "double_element": _at_random(_double),
    "exchange_elements": _at_random(_exchange),
    "reorder_elements": _at_random(_reorder),
    "change_text": _at_random(_say_the_same),
    "change_attribute": _at_random(_name_the_same),
}


# --- objects, tables and sections of a PDF ----------------------------------------------------------------------


@lru_cache(maxsize=8)
def _read(pdf: bytes) -> PdfFile:
    return read_pdf(pdf)


def _pick(pdf: bytes, dice: Random) -> tuple[Revision, PdfObject]:
    """Return a section and one of its objects, of all objects of the file."""
    file = _read(pdf)
    revision, number = dice.choice([(one, number) for one in file.revisions for number in one.offsets])
    return revision, file.get_object(number, revision=revision.number)


def remove_object(pdf: bytes, dice: Random) -> bytes:
    """Take an object out: blanks in its place, or nothing, or only its entry in the table freed."""
    revision, one = _pick(pdf, dice)
    kind = dice.randrange(3)
    if kind == 0:
        return pdf[: one.start] + b" " * (one.end - one.start) + pdf[one.end :]
    if kind == 1:
        return pdf[: one.start] + pdf[one.end :]
    entry = b"%010d 00000 n" % one.start
    table = pdf[revision.xref_at : revision.end].replace(entry, b"0000000000 65535 f", 1)
    return pdf[: revision.xref_at] + table + pdf[revision.end :]


def swap_objects(pdf: bytes, dice: Random) -> bytes:
    """Exchange two objects: where they stand, or what the tables say of them."""
    (first_in, one), (second_in, other) = sorted((_pick(pdf, dice), _pick(pdf, dice)), key=lambda pair: pair[1].start)
    if dice.random() < 0.5:
        if one.end > other.start:
            return pdf
        between = pdf[one.end : other.start]
        return pdf[: one.start] + pdf[other.start : other.end] + between + pdf[one.start : one.end] + pdf[other.end :]
    first, second = b"%010d 00000 n" % one.start, b"%010d 00000 n" % other.start
    tables = pdf.rindex(first, first_in.start, first_in.end), pdf.rindex(second, second_in.start, second_in.end)
    changed = pdf[: tables[0]] + second + pdf[tables[0] + len(second) :]
    return changed[: tables[1]] + first + changed[tables[1] + len(first) :]


def double_object(pdf: bytes, dice: Random) -> bytes:
    """Put an object in a second time: beside itself, or in a well-formed update at the end."""
    _, one = _pick(pdf, dice)
    copied = pdf[one.start : one.end]
    if dice.random() < 0.5:
        return pdf[: one.end] + copied + pdf[one.end :]
    return pdf + copied + build_end(read_prepared(pdf), {one.number: len(pdf)}, len(pdf) + len(copied))


def override_object(pdf: bytes, dice: Random) -> bytes:
    """Append a well-formed update that writes another object under an object's number."""
    (_, one), (_, other) = _pick(pdf, dice), _pick(pdf, dice)
    body = re.sub(rb"^\d+", b"%d" % one.number, pdf[other.start : other.end])
    return pdf + body + build_end(read_prepared(pdf), {one.number: len(pdf)}, len(pdf) + len(body))


def change_table(pdf: bytes, dice: Random) -> bytes:
    """Change digits in a cross-reference table, trailer or startxref."""
    revision = dice.choice(_read(pdf).revisions)
    digits = [found.start() for found in re.finditer(rb"\d", pdf[revision.xref_at : revision.end])]
    changed = bytearray(pdf)
    for _ in range(dice.choice((1, 1, 2))):
        changed[revision.xref_at + dice.choice(digits)] = dice.choice(b"0123456789")
    return bytes(changed)


def drop_sections(pdf: bytes, dice: Random) -> bytes:
    """Leave out sections: one, or all from one on."""
    revisions = _read(pdf).revisions
    one = dice.choice(revisions)
    return pdf[: one.start] + (pdf[one.end :] if dice.random() < 0.5 else b"")


def reorder_sections(pdf: bytes, dice: Random) -> bytes:
    """Exchange two neighbouring sections, or write one a second time."""
    first, second = dice.choice(list(pairwise(_read(pdf).revisions)))
    one, other = pdf[first.start : first.end], pdf[second.start : second.end]
    middle = dice.choice((other + one, one + other + one, one + other + other))
    return pdf[: first.start] + middle + pdf[second.end :]


OBJECTS: Final[Mapping[str, Editor]] = {
    one.__name__: one
    for one in (
        remove_object,
        swap_objects,
        double_object,
        override_object,
        change_table,
        drop_sections,
        reorder_sections,
    )
}
