"""Digests for a remote signing service, and what its values and errors must be."""

from __future__ import annotations

import hashlib
import traceback

from signing.keystores.csc import CscSigner
from transcript_core.pki.algorithms import verify_digest


def make_digests(count: int, size: int = 32) -> list[bytes]:
    return [hashlib.sha384(bytes([number])).digest()[:size] for number in range(count)]


def check_values(signer: CscSigner, count: int) -> None:
    digests = make_digests(count, signer.algorithm.digest_size)
    values = signer.sign_digests(digests)
    assert len(values) == count
    assert all(
        verify_digest(signer.certificate, signer.algorithm, digest, value)
        for digest, value in zip(digests, values, strict=True)
    )


def describe(error: BaseException) -> str:
    """Return everything that a log could show of an error."""
    shown = "".join(traceback.format_exception(error))
    return (
        shown + repr(error.__dict__) + repr(error.__cause__) + repr(error.__context__) + getattr(error, "text_vi", "")
    )
