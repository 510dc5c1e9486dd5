"""Verification in processes of its own: a whole school on both cores, and the files that cost most.

The school is compared with what its raw operations would take on the same cores: the public-key operation of every
signature, and SHA-256 over the document once.  The costly files are held against the limits of `limits.py`.
"""

from __future__ import annotations

import base64
import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from lxml import etree
from pyhanko.sign import signers  # noqa: F401  its names of object identifiers are to be known before any is looked up

from benchmarks.harness import Bound, Figure, Pace, compare
from benchmarks.issued_material import IssuedFolder, sign_document
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.limits import (
    MAX_PDF_BYTES,
    MAX_VERIFICATION_MEMORY_BYTES,
    MAX_VERIFICATION_S,
    MAX_XML_BYTES,
    MAX_XML_ELEMENTS,
)
from transcript_core.pki.algorithms import SignatureAlgorithm, find_by_xml_uri, verify_digest
from transcript_core.pki.certificates import Certificate, load_certificate
from verify.report import Outcome
from verify.verifier import Verifier

DOCUMENTS: Final = 10_000
_PROCESSES: Final = 2
_MIB: Final = 1024 * 1024
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_Raw = tuple[Certificate, SignatureAlgorithm, bytes, bytes]  # signer, algorithm, digest, value


def measure_school(pace: Pace, issued: IssuedFolder) -> Iterator[Figure]:
    """Yield how many documents of one school both cores verify in a second."""
    count = DOCUMENTS // pace.shrink // _PROCESSES * _PROCESSES
    context = multiprocessing.get_context("spawn")
    pipes = []
    for _ in range(_PROCESSES):
        ours, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs, issued), daemon=True).start()
        pipes.append(ours)
    try:
        _ask(pipes, "full", issued.documents)  # warm up: imports, the school's certificates and their evidence
        rates = [(count / _ask(pipes, what, count // _PROCESSES)) for what in ("full", "raw")]
    finally:
        for pipe in pipes:
            pipe.send(None)
    yield compare(
        f"{count:,} XML documents of one school ({issued.documents} different ones in turn), both cores",
        [(rates[0], rates[1])],
        control_name="their public-key operations and one SHA-256 of each, alone",
        must_reach=None,
        unit="documents/s",
    )


def _ask(pipes: list[Connection], what: str, count: int) -> float:
    """Return the seconds until the last process has done its share."""
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send((what, count))
    for pipe in pipes:
        pipe.recv()
    return time.perf_counter() - start


def _serve(pipe: Connection, issued: IssuedFolder) -> None:
    """Do orders until there are no more."""
    verifier = issued.open_verifier()
    documents = [issued.read(number)[0] for number in range(issued.documents)]
    raw = [_list_raw(xml) for xml in documents]
    while (order := pipe.recv()) is not None:
        what, count = order
        for number in range(count):
            place = number % len(documents)
            if what == "full":
                assert verifier.verify(documents[place]).outcome is Outcome.PASSED
            else:
                hashlib.sha256(documents[place]).digest()
                assert all(verify_digest(*one) for one in raw[place])
        pipe.send(None)


def _list_raw(xml: bytes) -> list[_Raw]:
    """Return signer, algorithm, digest and value of every signature."""
    found: list[_Raw] = []
    for signature in parse_xml(xml).iter(f"{_DS}Signature"):
        info = signature[0]
        method = info.find(f"{_DS}SignatureMethod")
        algorithm = None if method is None else find_by_xml_uri(method.get("Algorithm", ""))
        assert algorithm is not None
        digest = hashlib.new(algorithm.hash_name, canonicalize(info)).digest()
        certificate, value = (_decode(signature, f".//{_DS}{name}") for name in ("X509Certificate", "SignatureValue"))
        found.append((load_certificate(certificate), algorithm, digest, value))
    return found


def _decode(signature: etree._Element, path: str) -> bytes:
    return base64.b64decode(signature.findtext(path) or "")


# --- what costs most -------------------------------------------------------------------------------------------


def measure_worst() -> Iterator[Figure]:
    """Yield time and memory of the largest files that are read, the slowest vector and the slowest hostile file.

    The hostile ones share a process: its peak is that of the file that needs most.
    """
    for name, work in (
        (f"XML of {MAX_XML_BYTES // _MIB} MiB", _verify_large_xml),
        (f"PDF of {MAX_PDF_BYTES // _MIB} MiB", _verify_large_pdf),
        ("the worst vector", _verify_vectors),
        ("the worst file made to be costly", _verify_costly),
    ):
        seconds, octets, which = _measure_apart(work)
        yield _limit(f"{name}{which}, seconds", seconds, "MAX_VERIFICATION_S", MAX_VERIFICATION_S, "s")
        yield _limit(
            f"{name}, peak memory above the program's own",
            octets / _MIB,
            "MAX_VERIFICATION_MEMORY_BYTES",
            MAX_VERIFICATION_MEMORY_BYTES / _MIB,
            "MiB",
        )


def _limit(name: str, measured: float, limit_name: str, limit: float, unit: str) -> Figure:
    return compare(name, [(measured, limit)], control_name=limit_name, must_reach=1.0, unit=unit, bound=Bound.AT_MOST)


def _measure_apart(work: Callable[[], tuple[float, str]]) -> tuple[float, int, str]:
    """Return seconds, growth of peak memory in bytes, and a note, of work done in a new process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_report, args=(theirs, work))
    process.start()
    theirs.close()  # so that the end of a process that broke down is noticed
    seconds, octets, which = ours.recv()
    process.join()
    return seconds, octets, which


def _report(pipe: Connection, work: Callable[[], tuple[float, str]]) -> None:
    warm = Verifier()
    for document in sign_document(19):
        warm.verify(document)
    before = _read_peak()
    seconds, which = work()
    pipe.send((seconds, _read_peak() - before, which))


def _read_peak() -> int:
    """Return the most memory that this process ever held, in bytes (Linux; `getrusage` counts the parent's too)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _verify_large_xml() -> tuple[float, str]:
    """A signed transcript, filled up to the limits of size and elements beside its signatures."""
    xml, _ = sign_document(38)
    tail = b"</HOC_BA>"
    room = MAX_XML_BYTES - len(xml)
    piece = b'<x Id="i%05d">%b</x>'
    count = MAX_XML_ELEMENTS - xml.count(b"<") - 1
    text = b"t" * (room // count - len(piece % (0, b"")))
    filled = xml.removesuffix(tail) + b"".join(piece % (number, text) for number in range(count)) + tail
    assert MAX_XML_BYTES * 0.98 < len(filled) <= MAX_XML_BYTES
    return _time_refused(filled), ""


def _verify_large_pdf() -> tuple[float, str]:
    """A signed transcript, filled up with one more section that holds nothing but a large stream."""
    _, pdf = sign_document(38)
    head, tail = b"9999 0 obj\n<</Length %d>>\nstream\n", b"\nendstream\nendobj\n"
    size = MAX_PDF_BYTES - len(pdf) - len(head) - len(tail) - 16
    filled = pdf + head % size + b"q " * (size // 2) + tail
    assert MAX_PDF_BYTES * 0.98 < len(filled) <= MAX_PDF_BYTES
    return _time_refused(filled), ""


def _time_refused(document: bytes) -> float:
    verifier = Verifier()
    start = time.perf_counter()
    report = verifier.verify(document)
    assert report.outcome is not Outcome.PASSED
    return time.perf_counter() - start


def _verify_costly() -> tuple[float, str]:
    """Every small file that asks for endless work."""
    from tests.support.costly_files import COSTLY  # noqa: PLC0415  (its PDF needs the vectors' keys)

    times = [(_time_refused(build()), name) for name, build in COSTLY.items()]
    seconds, name = max(times)
    return seconds, f" ({name.replace('_', ' ')})"


def _verify_vectors() -> tuple[float, str]:
    """Every vector once; what makes a vector is not counted."""
    from tests.vectors.catalogue import ask, list_cases  # noqa: PLC0415  (a second or two, only here)

    times = []
    for case in list_cases():
        ask(case)  # makes the vector, which is remembered
        start = time.perf_counter()
        ask(case)
        times.append((time.perf_counter() - start, case.name))
    seconds, name = max(times)
    return seconds, f" ({name.replace('_', ' ')})"
