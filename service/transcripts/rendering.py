"""Makes the files of locked documents: canonical XML and the PDF's first revision, on all cores.

Worker processes are spawned, never forked: Typst's threads do not survive a fork.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from transcript_core.model import IssueInfo, Transcript
from transcript_core.render.forms import render_first_revision
from transcript_core.xml import build_document, build_info, splice_signature

MIN_FOR_WORKERS: Final = 120
"""Documents from which starting worker processes (several seconds each on a busy machine) pays."""

_CHUNK: Final = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """What one document will say, with signatures it begins with: whole ds:Signature octets by slot Id."""

    transcript: Transcript
    issue: IssueInfo
    kept: Mapping[str, bytes] = field(default_factory=dict)  # of an earlier version, as the list of signers says
    carried: Mapping[str, bytes] = field(default_factory=dict)  # of this version before an unlock, parts unchanged


@dataclass(frozen=True, slots=True)
class Rendered:
    """A draft and its files, unsigned."""

    draft: Draft
    issue: IssueInfo  # with the picture's digest
    xml: bytes
    pdf: bytes


def render(draft: Draft) -> Rendered:
    """Return the files of one document.

    Raises:
        MalformedTranscript: the content cannot be written or set.
    """
    pdf = render_first_revision(draft.transcript, draft.issue, info_xml=build_info(draft.transcript))
    issue = replace(draft.issue, pdf_sha256=hashlib.sha256(pdf).digest())
    xml = build_document(draft.transcript, issue, kept=draft.kept)
    for slot_id, signature in draft.carried.items():
        xml = splice_signature(xml, slot_id, signature)
    return Rendered(draft, issue, xml, pdf)


def render_all(drafts: Sequence[Draft]) -> Iterator[Rendered]:
    """Yield the files of all drafts, in their order."""
    workers = os.cpu_count() or 1
    if len(drafts) < MIN_FOR_WORKERS or workers == 1:
        yield from map(render, drafts)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        yield from pool.map(render, drafts, chunksize=_CHUNK)
