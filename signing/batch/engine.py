"""One action of one person: many documents, both formats, one approval.

Order of work: check and prepare each document, hand the whole list of digests to the signer once, attach each value.
Nothing here stores or loads anything; the caller keeps the returned documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from signing.batch.tasks import FormatResult, PreparedTask, SigningResult, SigningTask, attach_task, prepare_task
from signing.eligibility import SignerCheck
from signing.signer import Signer, SigningIdentity
from signing.timestamp import TimestampClient
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat


def sign_batch(
    tasks: Iterable[SigningTask],
    signer: Signer,
    *,
    check: SignerCheck,
    at: datetime,
    evidence: Evidence | None = None,
    timestamps: TimestampClient | None = None,
    timestamp_evidence: Evidence | None = None,
    list_size: int | None = None,
) -> Iterator[SigningResult]:
    """Sign every task and return its result, in the order of the tasks.

    Args:
        check: of this signer's certificate at `at`.
        at: the signing time that is signed, aware.
        evidence: of the certificate; put into the XML signatures.
        timestamps: asked for slots whose policy wants more than B-B; None: such slots stay at B-B.
        timestamp_evidence: of the authority behind `timestamps`, put into the XML beside its token; a PDF carries it in
            its security store, which the caller fills before the seal's task (`pades.append_evidence`).
        list_size: tasks that are handed to the signer at once; None: all, under one approval.

    Returns:
        Results, made list by list while they are read.  No error of a document or of the key is raised: it is in the
        results, and once the key is unavailable the remaining tasks carry that error, unsigned.
    """
    identity = SigningIdentity.of(signer)
    lost: KeyUnavailable | None = None
    for chunk in _split(tasks, list_size):
        prepared = [prepare_task(task, identity, check=check, at=at) for task in chunk]
        if lost is None:
            try:
                values = _sign(prepared, signer)
            except KeyUnavailable as error:
                lost = error
        for position, one in enumerate(prepared):
            if lost is not None:
                yield _give_up(one, lost)
            else:
                yield attach_task(
                    one,
                    values[position],
                    identity=identity,
                    evidence=evidence,
                    timestamps=timestamps,
                    timestamp_evidence=timestamp_evidence,
                )


def _sign(prepared: Sequence[PreparedTask], signer: Signer) -> list[dict[SignatureFormat, bytes]]:
    """Return the values of each task, all asked for in one list."""
    wanted = [(one, kind) for one, task in enumerate(prepared) for kind in task.pendings]
    values: list[dict[SignatureFormat, bytes]] = [{} for _ in prepared]
    if not wanted:
        return values
    answer = signer.sign_digests([prepared[one].pendings[kind].digest for one, kind in wanted])
    if len(answer) != len(wanted):
        raise KeyUnavailable(f"the key's holder answered {len(answer)} values for {len(wanted)} digests")
    for (one, kind), value in zip(wanted, answer, strict=True):
        values[one][kind] = value
    return values


def _give_up(prepared: PreparedTask, lost: KeyUnavailable) -> SigningResult:
    errors = {**dict.fromkeys(prepared.pendings, lost), **prepared.errors}
    return SigningResult(prepared.task.key, {kind: FormatResult(None, None, error) for kind, error in errors.items()})


def _split(tasks: Iterable[SigningTask], size: int | None) -> Iterator[list[SigningTask]]:
    if size is None:
        yield list(tasks)
        return
    remaining = iter(tasks)
    while chunk := list(islice(remaining, size)):
        yield chunk
