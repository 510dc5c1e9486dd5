"""What happens on the machine with the key: the list is held against the key, then signed list by list.

No database, no document store and no network are needed here.  What a digest stands for cannot be seen from it: this
machine takes the word of the one that prepared the list, and the short code shows that it is the list made there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.signing.lists import BatchExpired, ListedDigest, ListHead, SigningList
from service.signing.values import SignedValue
from signing.signer import Signer
from transcript_core.errors import SignatureMismatch
from transcript_core.pki.algorithms import verify_digest


@dataclass(frozen=True, slots=True)
class SignedChunk:
    """What one request to the key gave."""

    values: tuple[SignedValue, ...]
    refused: tuple[tuple[ListedDigest, SignatureMismatch], ...]  # no value, or one that does not verify, so not shown


def check_key(head: ListHead, signer: Signer, *, at: datetime) -> None:
    """Return when `signer` is the one the list was prepared for and the list's time is not over.

    Raises:
        SignatureMismatch: another certificate or algorithm than was fixed at prepare.
        BatchExpired: values would be refused.
    """
    certificate = signer.certificate
    if certificate.sha256 != head.certificate.sha256:
        raise SignatureMismatch(
            f"the key's certificate has serial {certificate.serial:x}, the list was prepared for serial "
            f"{head.certificate.serial_hex}; open that key, or prepare a list with this certificate"
        )
    if signer.algorithm is not head.algorithm:
        raise SignatureMismatch(
            f"the key signs with {signer.algorithm.value}, the list was prepared for {head.algorithm.value}; "
            "prepare it again with that algorithm"
        )
    if at >= head.expires_at:
        raise BatchExpired(f"the list expired at {head.expires_at:%Y-%m-%d %H:%M} UTC; prepare a new one")


def sign_list(
    signing_list: SigningList, signer: Signer, *, done: Collection[int] = (), most: int | None = None
) -> Iterator[SignedChunk]:
    """Sign the digests of a checked list, as many at a time as suit the key, and yield what each request gave.

    Args:
        done: numbers of the digests that have a value already.
        most: digests of one request; None: as many as suit the key.

    Raises:
        KeyUnavailable: the key did not sign; what was yielded before stands.
    """
    todo = [one for one in signing_list.digests if one.number not in done]
    size = min(one for one in (most, signer.list_size, len(todo) or 1) if one is not None)
    for start in range(0, len(todo), size):
        chunk = todo[start : start + size]
        try:
            values = signer.sign_digests([one.digest for one in chunk])
        except SignatureMismatch as error:  # of this request alone
            yield _refuse(chunk, str(error))
            continue
        if len(values) == len(chunk):
            yield _sort(signer, chunk, values)
        else:
            yield _refuse(chunk, f"the key's holder answered {len(values)} values for {len(chunk)} digests; sign again")


def keep_values(signing_list: SigningList, values: Sequence[SignedValue], signer: Signer) -> list[SignedValue]:
    """Return those values of an earlier run that belong to the list and verify; each digest's first."""
    listed = {one.number: one for one in signing_list.digests}
    kept: dict[int, SignedValue] = {}
    for value in values:
        one = listed.get(value.number)
        if one is not None and one.name == value.name and value.number not in kept and _verifies(signer, one, value):
            kept[value.number] = value
    return list(kept.values())


def _refuse(chunk: Sequence[ListedDigest], why: str) -> SignedChunk:
    return SignedChunk((), tuple((one, SignatureMismatch(f"{one.where}: {why}")) for one in chunk))


def _sort(signer: Signer, chunk: Sequence[ListedDigest], values: Sequence[bytes]) -> SignedChunk:
    good: list[SignedValue] = []
    refused: list[tuple[ListedDigest, SignatureMismatch]] = []
    for one, octets in zip(chunk, values, strict=True):
        value = SignedValue.of(one, octets)
        if _verifies(signer, one, value):
            good.append(value)
        else:
            told = f"{one.where}: what the key answered does not verify against its certificate; sign again"
            refused.append((one, SignatureMismatch(told)))
    return SignedChunk(tuple(good), tuple(refused))


def _verifies(signer: Signer, one: ListedDigest, value: SignedValue) -> bool:
    return verify_digest(signer.certificate, signer.algorithm, one.digest, value.value)
