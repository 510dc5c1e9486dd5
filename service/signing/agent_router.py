"""HTTP for signing agents: prepare what is open for a certificate, fetch the digests, send the values back.

The protocol is described in docs/agent.md.  Preparing, reading and giving up need the clerk's token.  Values need none:
each one is verified against the certificate that the authority list entitles, and can change nothing else.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service.access import ClerkDep
from service.context import AppContext, ContextDep
from service.db.engine import transaction
from service.schools.enrolment import get_enrolled_school
from service.signing import batches
from service.signing.attaching import attach_values, get_open_batch, result_to_dict
from service.signing.desk import open_services
from service.signing.jsonlines import SigningListInvalid, get_member, reading
from service.signing.lists import digest_to_dict, head_to_dict
from service.signing.preparing import (
    PreparedBatch,
    Refusal,
    build_head,
    build_identity,
    build_list_review,
    drop_batch,
    open_absent_desk,
    prepare_batch,
)
from service.signing.values import SignedValue, parse_value
from service.web.limiting import name_client
from signing.http import HttpFetch
from signing.signer import SigningIdentity
from transcript_core.errors import InputError, LimitExceeded, TrustMaterialError
from transcript_core.limits import MAX_BATCH_PAGE, MAX_CERTIFICATE_BYTES, MAX_LISTED_LINE_BYTES
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.fetch import Fetch
from transcript_core.strict_json import parse_strict_json

AGENT_ACTOR: Final = "signing-agent"
MAX_CHAIN: Final = 8
"""Certificates of one signer, the CAs' included; three are usual."""

MAX_PREPARE_BYTES: Final = MAX_CHAIN * 2 * MAX_CERTIFICATE_BYTES
"""Bytes of a request to prepare: certificates in base64 and a few words."""

MAX_VALUES_BYTES: Final = MAX_BATCH_PAGE * MAX_LISTED_LINE_BYTES
"""Bytes of a request with values."""

router = APIRouter(prefix="/api/v1/signing-batches", tags=["signing-batches"])


def open_fetch() -> Iterator[Fetch]:
    """Yield what fetches chain and revocation status for one request."""
    with HttpFetch() as fetch:
        yield fetch


FetchDep = Annotated[Fetch, Depends(open_fetch)]


@router.post("", status_code=HTTPStatus.CREATED)
async def add_batch(
    request: Request, context: ContextDep, clerk: ClerkDep, fetch: FetchDep, response: Response
) -> dict[str, Any]:
    """Prepare every slot that is open for the holder of a certificate."""
    wanted = await _read_json(request, MAX_PREPARE_BYTES)
    made = await run_in_threadpool(_prepare, context, wanted, fetch, clerk)
    response.headers["Location"] = f"{router.prefix}/{made.head.batch_id}"
    return head_to_dict(made.head) | {
        "code": made.head.code,
        "refused": [refusal_to_dict(one) for one in made.refused],
        "contested": made.contested,
        "left_over": made.left_over,
    }


@router.get("/{batch_id}")
def get_batch(batch_id: str, context: ContextDep, _clerk: ClerkDep) -> dict[str, Any]:
    """Return what a list says of all its digests, and how many of them are not signed yet."""
    batch = get_open_batch(context.workspace, batch_id)
    head = build_head(batch)
    with transaction(context.workspace.sessions) as session:
        left = batches.count_open(session, batch_id)
    return head_to_dict(head) | {"code": head.code, "open": left}


@router.get("/{batch_id}/digests")
def list_digests(
    batch_id: str,
    context: ContextDep,
    _clerk: ClerkDep,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_BATCH_PAGE)] = MAX_BATCH_PAGE,
) -> dict[str, Any]:
    """Return a page of digests, in the order of the list; `next` is the `after` of the page that follows."""
    get_open_batch(context.workspace, batch_id)
    with transaction(context.workspace.sessions) as session:
        found = batches.list_digests(session, batch_id, after=after, limit=limit + 1)
    page = found[:limit]
    return {
        "digests": [digest_to_dict(one) for one in page],
        "next": page[-1].number if len(found) > limit else None,
    }


@router.post("/{batch_id}/values")
async def add_values(batch_id: str, request: Request, context: ContextDep, fetch: FetchDep) -> dict[str, Any]:
    """Attach values, each by itself; the answer tells of each what became of it."""
    context.limiter.hit(context.workspace.settings.agent_limit, name_client(request), "values")
    values = _parse_values(await _read_json(request, MAX_VALUES_BYTES))
    return await run_in_threadpool(_attach, context, batch_id, values, fetch)


@router.delete("/{batch_id}", status_code=HTTPStatus.NO_CONTENT)
def remove_batch(batch_id: str, context: ContextDep, clerk: ClerkDep) -> None:
    """Give a batch up; what was attached stays."""
    drop_batch(context.workspace, batch_id, actor=clerk)


def refusal_to_dict(one: Refusal) -> dict[str, Any]:
    """Return a slot that was not prepared as plain values."""
    return {
        "serial": one.key.serial,
        "version": one.key.version,
        "slot": one.slot_id,
        "code": one.error.code,
        "detail": str(one.error),
    }


def _prepare(context: AppContext, wanted: Any, fetch: Fetch, actor: str) -> PreparedBatch:
    with reading("the request"):
        school_code, class_name = _find_text(wanted, "school_code"), _find_text(wanted, "class")
        algorithm = None if wanted.get("algorithm") is None else SignatureAlgorithm(wanted["algorithm"])
        certificates = [b64decode(one, validate=True) for one in wanted["certificates"]]
    identity = _build_identity(certificates, algorithm)
    workspace = context.workspace
    school = get_enrolled_school(workspace.get_authority(), school_code)
    desk = open_absent_desk(workspace, identity, open_services(workspace, fetch))
    review = build_list_review(desk, school_code=school.school_code, class_name=class_name)
    return prepare_batch(desk, review, actor=actor)


def _build_identity(certificates: Sequence[bytes], algorithm: SignatureAlgorithm | None) -> SigningIdentity:
    if len(certificates) > MAX_CHAIN:
        raise LimitExceeded(f"certificates: at most {MAX_CHAIN}, the signer's first")
    try:
        return build_identity([load_certificate(der) for der in certificates], algorithm)
    except TrustMaterialError as error:  # of the request, not of this installation
        raise InputError(f"certificates: {error}") from error


def _find_text(wanted: Any, name: str) -> str | None:
    return None if wanted.get(name) is None else get_member(wanted, name, str)


def _parse_values(given: Any) -> list[SignedValue]:
    with reading("the request"):
        values = given["values"]
        if not isinstance(values, list):
            raise SigningListInvalid("values: a list was expected")
    if len(values) > MAX_BATCH_PAGE:
        raise LimitExceeded(f"values: at most {MAX_BATCH_PAGE} in one request")
    return [parse_value(one, what=f"values[{at}]") for at, one in enumerate(values)]


def _attach(context: AppContext, batch_id: str, values: list[SignedValue], fetch: Fetch) -> dict[str, Any]:
    workspace = context.workspace
    batch = get_open_batch(workspace, batch_id)
    timestamps = open_services(workspace, fetch).timestamps
    report = attach_values(workspace, batch, values, timestamps=timestamps, actor=AGENT_ACTOR)
    return {"results": [result_to_dict(one) for one in report.results], "open": report.open}


async def _read_json(request: Request, max_bytes: int) -> Any:
    """Return the body, which is refused by its announced length before it is read."""
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise LimitExceeded(f"this request has at most {max_bytes} bytes")
    return parse_strict_json(await request.body(), max_bytes=max_bytes)
