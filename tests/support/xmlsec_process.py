"""libxmlsec1 in a process of its own: now and then it breaks down, which must stop no test.

It fetches nothing: a reference to a file is answered with the files that lie beside, or not at all.
"""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from typing import Final
from urllib.parse import unquote

import xmlsec

from transcript_core.canonical import parse_foreign_xml

ANSWER_WITHIN_S: Final = 120
_ATTEMPTS: Final = 3
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_names = xmlsec.constants  # no module of its own that could be imported


def find_named(files: Mapping[str, bytes], uri: str) -> bytes | None:
    """Return the file that a reference means: the one of its name, or the only one."""
    lone = next(iter(files.values())) if len(files) == 1 else None
    return files.get(unquote(uri), lone)


def ask_in_own_process(octets: bytes, files: Mapping[str, bytes], number: int, pem: bytes) -> bool | None:
    """Return whether libxmlsec1 accepts the core of one signature of a file; None when it breaks down each time.

    Args:
        octets: the XML file.
        files: what lies beside it, by name.
        number: of the signature in document order, from 0.
        pem: the public key.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _start().submit(_verify, octets, dict(files), number, pem).result(ANSWER_WITHIN_S)
        except BrokenProcessPool:
            _start.cache_clear()
    return None


@cache
def _start() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _verify(octets: bytes, files: Mapping[str, bytes], number: int, pem: bytes) -> bool:
    root = parse_foreign_xml(octets)
    xmlsec.tree.add_ids(root, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem, _names.KeyDataFormatPem)
    with _only_these(files):
        try:
            context.verify(list(root.iter(f"{_DS}Signature"))[number])
        except xmlsec.Error:
            return False
    return True


@contextmanager
def _only_these(files: Mapping[str, bytes]) -> Iterator[None]:
    """Let libxmlsec1 open these files and nothing else."""
    xmlsec.cleanup_callbacks()
    xmlsec.register_callbacks(
        lambda name: find_named(files, name.decode("utf-8", "replace")) is not None,
        lambda name: io.BytesIO(find_named(files, name.decode("utf-8", "replace")) or b""),
        lambda stream, buffer: stream.readinto(buffer),
        lambda stream: stream.close(),
    )
    try:
        yield
    finally:
        xmlsec.cleanup_callbacks()
        xmlsec.register_default_callbacks()
