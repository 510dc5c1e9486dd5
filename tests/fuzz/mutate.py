"""Random edits of seeds for runs without a fuzzing engine: repeatable by their number."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

TOKENS: Final = (
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    b"<!-- -->",
    b"&amp;",
    b"xmlns:a='b'",
    b' Id="data"',
    b'URI="http://127.0.0.1/"',
    b"PK\x01\x02",
    b"\xff\xff\xff\xff",
    b"\x00" * 8,
    b"/Prev 0",
    b"endobj",
    b"<<>>",
    b"[" * 200,
    b"\xef\xbb\xbf",
    b"..",
    b'"alg":"none"',
    b"-1",
    b"9" * 30,
    b"\x30\x84\xff\xff\xff\xff",
)


def mutate(seeds: Sequence[bytes], number: int, lures: Sequence[bytes] = ()) -> bytes:
    """Return the `number`-th edit of these seeds, now and then with a lure; the first ones are the seeds themselves."""
    if number < len(seeds):
        return seeds[number]
    dice = random.Random(number)
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 2, 8))):
        _edit(data, dice, seeds, (*TOKENS, *lures))
    return bytes(data)


def _edit(data: bytearray, dice: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    length = dice.choice((1, 2, 4, 16, 200))
    kind = dice.randrange(6)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << dice.randrange(8)
    elif kind == 1:
        del data[at : at + length]
    elif kind == 2:
        data[at:at] = data[at : at + length] * dice.choice((1, 3, 50))
    elif kind == 3:
        data[at : at + dice.choice((0, length))] = dice.choice(tokens)
    elif kind == 4:
        other = dice.choice(seeds)
        start = dice.randrange(len(other) + 1)
        data[at : at + length] = other[start : start + length]
    else:
        data[at : at + length] = dice.randbytes(length)
