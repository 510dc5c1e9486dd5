"""A short run of every fuzz target; `make fuzz` runs them for longer, with a fuzzing engine where there is one."""

from __future__ import annotations

import socket
import time

import pytest

from tests.fuzz.guard import ReachedOutside, nothing_outside
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
            call(target, mutate(seeds, number))
        assert time.monotonic() - begun < SLOWEST_S
        if time.monotonic() - started > SECONDS:
            break


def test_guard_notices_files_and_sockets() -> None:
    with pytest.raises(ReachedOutside), nothing_outside():
        open("/etc/hostname")  # noqa: PTH123, SIM115
    with pytest.raises(ReachedOutside), nothing_outside():
        socket.getaddrinfo("localhost", 80)
