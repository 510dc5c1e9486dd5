"""Small files that ask for endless work are refused with a finding, within MAX_VERIFICATION_S and its memory.

Before there was one budget (`verify/formats/work.py`) they took from 8 seconds to minutes, and up to 750 MiB.  Time is
that of the processor, since the machine may be busy with other things; `make bench` holds all against the clock.
"""

from __future__ import annotations

import gc
import re
import time
from pathlib import Path

import pytest
from lxml import etree

from tests.support.costly_files import COSTLY, Build
from tests.vectors.school import CHECKED_AT
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_TOGETHER_REFERENCES, MAX_VERIFICATION_MEMORY_BYTES, MAX_VERIFICATION_S
from verify.formats.names import DS
from verify.formats.work import Work, WorkExceeded
from verify.report import INTERNAL_ERROR, Outcome
from verify.verifier import Verifier

_STATUS = Path("/proc/self/status")


def _read_memory(name: str) -> int:
    """Return one of the kernel's figures about this process, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


@pytest.mark.parametrize("build", COSTLY.values(), ids=COSTLY)
def test_costly_file_is_answered_in_time_and_memory(build: Build) -> None:
    document = build()
    gc.collect()
    _forget_peak()
    before, started = _read_memory("VmRSS"), time.process_time()
    report = Verifier().inspect(document, at=CHECKED_AT)
    seconds, octets = time.process_time() - started, _read_memory("VmHWM") - before
    assert seconds < MAX_VERIFICATION_S
    assert octets < MAX_VERIFICATION_MEMORY_BYTES
    assert report.outcome is not Outcome.PASSED
    assert all(finding.check != INTERNAL_ERROR for finding in report.findings)


def test_transcripts_are_asked_about_within_the_same_budget() -> None:
    document = COSTLY["one_large_file_hashed_by_every_algorithm_for_every_signature"]()
    started = time.process_time()
    report = Verifier().verify(document, at=CHECKED_AT)
    assert time.process_time() - started < MAX_VERIFICATION_S
    assert "more computing than any honest" in report.get_finding("signature.form").text_en


def test_what_exceeds_the_budget_is_not_begun_and_nothing_after_it() -> None:
    content = bytes(1_000)
    work = Work(limit=10 * len(content))
    assert work.hash("sha256", content) == work.hash("sha256", content)
    with pytest.raises(WorkExceeded):
        work.hash("sha3_512", content)
    with pytest.raises(LimitExceeded):
        work.spend(1)


def test_references_of_all_files_together_are_counted() -> None:
    root = etree.fromstring(f'<r xmlns:ds="{DS}">{"<ds:Reference/>" * (MAX_TOGETHER_REFERENCES // 2)}</r>')
    work = Work()
    work.count_references(root)
    work.count_references(root)
    with pytest.raises(WorkExceeded):
        work.count_references(root)
