"""Does a batch stay at the key's speed on all cores, on a token, and however long it is?"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pkcs11

from benchmarks.harness import Bound, Figure, Pace, compare, time_of
from benchmarks.long_run import LONG, SHORT
from benchmarks.material import (
    BOTH,
    ORGANISATION,
    Stored,
    build_folder,
    build_stored,
    sign_away,
    terms_of,
    work_raw_on_both_cores,
)
from keys_dev.pki import Subscriber
from signing.batch import sign_named
from signing.keystores.pkcs11 import Pkcs11Signer, open_pkcs11
from tests.support import softhsm
from tests.support.authority import staff_identity
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.trust import World

BATCH: Final = 2000
_DIFFERENT: Final = 250
_ON_TOKEN: Final = 96
_SHA256_PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1)."""


def measure_all(pace: Pace) -> Iterator[Figure]:
    """Yield the figures of batches."""
    yield from _measure_both_cores(pace)
    yield _measure_token(pace)
    yield from _measure_length(pace)


def _measure_both_cores(pace: Pace) -> Iterator[Figure]:
    """Yield a batch in one process, whose key works beside it, and one with the worker processes of large batches."""
    count = BATCH // pace.shrink
    name = f"{count:,} documents, one slot, both formats, both cores"
    with tempfile.TemporaryDirectory() as folder:
        workplace, signer = build_folder(Path(folder), min(_DIFFERENT, count))
        terms = terms_of(signer)

        def sign(workers: int) -> None:
            kept = sign_named(range(count), workplace, signer, terms=terms, workers=workers)
            assert [trouble for trouble in kept if trouble] == []

        for shown, workers, floor in ((name, 0, 0.70), (f"    with worker processes: {name}", 2, None)):
            rounds = [
                (
                    2 * count / time_of(lambda workers=workers: sign(workers)),  # type: ignore[misc]
                    2 * count / time_of(lambda: work_raw_on_both_cores(2 * count)),
                )
                for _ in range(pace.rounds)
            ]
            yield compare(
                shown,
                rounds,
                control_name="raw RSA-2048 private operations on both cores",
                must_reach=floor,
            )


def _measure_token(pace: Pace) -> Figure:
    documents = [build_stored(number) for number in range(_ON_TOKEN)]
    slot = documents[0].slots[0]
    assert slot.staff_code is not None
    who = Subscriber(slot.name, staff_identity(slot.staff_code), ORGANISATION, World.PUBLIC_DUTY, "rsa-2048")
    with tempfile.TemporaryDirectory() as folder:
        token = softhsm.make_token(Path(folder), softhsm.entry(softhsm.RSA, who))
        with softhsm.plugged_in(token):
            signer = open_pkcs11(token.uri(softhsm.RSA), _NoSecret())
            try:
                return _measure_token_batch(pace, documents, signer)
            finally:
                signer.close()


def _measure_token_batch(pace: Pace, documents: Sequence[Stored], signer: Pkcs11Signer) -> Figure:
    key = signer._get_connection().keys[0]  # the same session, without anything of ours around it
    count = 2 * len(documents)
    to_sign = _SHA256_PREFIX + bytes(32)

    def call() -> None:
        for _ in range(count):
            key.sign(to_sign, mechanism=pkcs11.Mechanism.RSA_PKCS)

    return pace.measure(
        "SoftHSM2 batch, both formats",
        lambda: sign_away(documents, 0, BOTH, signer=signer),
        control_name="raw C_Sign calls on the same token",
        control=call,
        must_reach=0.75,
        items=count,
        control_items=count,
    )


class _NoSecret:
    """The URI names the file of the PIN."""

    def ask(self, purpose: str) -> str:
        raise KeyUnavailable(f"no secret for {purpose}")


def _measure_length(pace: Pace) -> Iterator[Figure]:
    """Yield what a long batch costs beside a short one, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.long_run", str(pace.shrink)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    long, start = LONG // pace.shrink, found["grown_from"]
    yield compare(
        f"milliseconds a document at {long:,} documents",
        [(found["long_ms"], one) for one in found["short_ms"]],
        control_name=f"milliseconds a document at {SHORT}",
        must_reach=1.10,
        unit="ms",
        bound=Bound.AT_MOST,
    )
    yield Figure(
        name=f"growth of resident memory between document {start:,} and {long:,}, MiB",
        control="1 MiB",
        measured=found["grown_mib"],
        controlled=1.0,
        ratio=found["grown_mib"],
        must_reach=40.0,
        unit="MiB",
        bound=Bound.AT_MOST,
    )
