"""A short run of every fuzz target; `make fuzz` runs them for longer, with a fuzzing engine where there is one."""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.fuzz.guard import ReachedOutside, list_lures, nothing_outside
from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, Target, call

EDITS = 60
SECONDS = 1.5
"""Of each target; whichever of both ends first."""

SLOWEST_S = 10.0
"""Of one input; the machine may be busy."""


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda one: one.name)
def test_target_answers_whatever_it_is_given(target: Target) -> None:
    seeds = target.seeds()
    for seed in seeds:
        call(target, seed)  # loads schemas and modules
    started = time.monotonic()
    for number in range(EDITS):
        begun = time.monotonic()
        with nothing_outside():
            call(target, mutate(seeds, number, list_lures()))
        assert time.monotonic() - begun < SLOWEST_S
        if time.monotonic() - started > SECONDS:
            break


def test_guard_notices_what_libraries_in_c_open() -> None:
    """A careless libxml2 reads the pipe; a connection that Python was not asked for reaches the port."""
    declaration = next(one for one in list_lures() if one.startswith(b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file://"))
    careless = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False)
    with pytest.raises(ReachedOutside), nothing_outside():
        etree.fromstring(declaration + b"<a>&b;</a>", careless)
    address = next(one for one in list_lures() if one.startswith(b"http://")).decode()
    with pytest.raises(ReachedOutside), nothing_outside():
        _connect_in_c(urlsplit(address).port or 0)
    with nothing_outside():
        call(TARGETS["xml"], declaration + b"<a>&b;</a>")


def _connect_in_c(port: int) -> None:
    library = ctypes.CDLL(None)
    handle = library.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    place = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton("127.0.0.1"))
    assert library.connect(handle, place, len(place)) == 0
    library.close(handle)


def test_guard_notices_files_and_sockets() -> None:
    with pytest.raises(ReachedOutside), nothing_outside():
        open("/etc/hostname")  # noqa: PTH123, SIM115
    with pytest.raises(ReachedOutside), nothing_outside():
        socket.getaddrinfo("localhost", 80)
