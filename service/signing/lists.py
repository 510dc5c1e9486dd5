"""The list of digests that goes to the machine with the key.  Its form is described in docs/agent.md.

It is JSON lines (UTF-8, one object a line): a head, then one line for each digest.  The list's own digest is made over
exactly these lines, so both machines can show the same short code for it; a person compares the two.

A list holds what a person must see before approving and nothing more: the review with what is odd, no pupil's name.
It holds no state either: what `attach` needs stays where the list was made, so an edited list can never attach
something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service.signing.jsonlines import (
    SigningListInvalid,
    get_instant,
    get_member,
    get_octets_hex,
    get_texts,
    make_printable,
    read_line,
    reading,
    write_instant,
    write_line,
)
from transcript_core.errors import LimitExceeded, StateError
from transcript_core.identifiers import parse_serial
from transcript_core.limits import MAX_LISTED_DIGESTS
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import SignatureFormat

LIST_TYPE: Final = "hocba-signing-list/1"
MAX_REVIEW_LINES: Final = 200
"""Lines of a review in a list; of each kind of odd thing a review shows twenty."""

MAX_HEAD_BYTES: Final = 256 * 1024
"""Bytes of a list's first line, which holds its review."""

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_SYMBOLS: Final = 16  # 80 bits: nobody finds a second list with the same code
_CODE_GROUP: Final = 4


class BatchExpired(StateError):
    """The time of a prepared batch is over, or it was given up; nothing of it can be attached any more."""

    code = "signing-batch-expired"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a list says of the certificate that was fixed at prepare; the certificate itself is with the key."""

    sha256: bytes  # 32 raw bytes, over the DER
    holder: str  # common name
    issuer: str  # RFC 4514 text
    serial_hex: str
    not_before: datetime
    not_after: datetime

    @classmethod
    def of(cls, certificate: Certificate) -> CertificateFacts:
        """Return the facts of `certificate`."""
        return cls(
            sha256=certificate.sha256,
            holder=certificate.common_name,
            issuer=certificate.issuer,
            serial_hex=f"{certificate.serial:x}",
            not_before=certificate.not_before,
            not_after=certificate.not_after,
        )


@dataclass(frozen=True, slots=True)
class ListedDigest:
    """One digest that waits for its value, with what names it."""

    number: int  # in the list, from 1
    serial: str
    version: int
    slot_id: str
    format: SignatureFormat
    class_name: str
    pupil_code: str
    digest: bytes  # raw, as long as the algorithm's hash

    @property
    def where(self) -> str:
        """Return what error messages name."""
        return f"document {self.serial} version {self.version}, slot {self.slot_id}, {self.format.value}"

    @property
    def name(self) -> tuple[str, int, str, SignatureFormat]:
        """Return what tells it from every other of its list."""
        return self.serial, self.version, self.slot_id, self.format


@dataclass(frozen=True, slots=True)
class ListedReview:
    """What the review of exactly these documents showed where the list was made."""

    sha256: bytes  # 32 raw bytes, `Review.digest`: over the content of every document
    lines: tuple[str, ...]  # in Vietnamese, printable

    @classmethod
    def of(cls, sha256: bytes, lines: Sequence[str]) -> ListedReview:
        """Return a review that shows these lines."""
        shown = [make_printable(line) for line in lines]
        if len(shown) > MAX_REVIEW_LINES:
            shown = [*shown[: MAX_REVIEW_LINES - 1], f"… và {len(shown) - MAX_REVIEW_LINES + 1} dòng nữa"]
        return cls(sha256, tuple(shown))


@dataclass(frozen=True, slots=True)
class ListHead:
    """What holds for all digests of a list."""

    batch_id: str
    school_code: str
    class_name: str | None  # None: of all classes
    certificate: CertificateFacts
    algorithm: SignatureAlgorithm
    signing_time: datetime  # that the signatures will state
    expires_at: datetime  # after which no value is taken any more
    documents: int
    digests: int
    review: ListedReview
    list_sha256: bytes  # 32 raw bytes, `digest_list`

    @property
    def code(self) -> str:
        """Return the short code that both machines show: "7K2M-Q0XA-…"."""
        return short_code(self.list_sha256)


@dataclass(frozen=True, slots=True)
class SigningList:
    """A whole list, checked."""

    head: ListHead
    digests: tuple[ListedDigest, ...]


def digest_list(head: ListHead, digests: Sequence[ListedDigest]) -> bytes:
    """Return SHA-256 over the lines of a list, the head without its `list_sha256`; 32 raw bytes."""
    state = hashlib.sha256(write_line(head_to_dict(head, with_digest=False)))
    for one in digests:
        state.update(write_line(digest_to_dict(one)))
    return state.digest()


def short_code(list_sha256: bytes) -> str:
    """Return the first 80 bits of a list's digest in groups of Crockford's base32, for people to compare."""
    value = int.from_bytes(list_sha256[:10], "big")
    text = "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(5 * (_CODE_SYMBOLS - 1), -1, -5))
    return "-".join(text[at : at + _CODE_GROUP] for at in range(0, _CODE_SYMBOLS, _CODE_GROUP))


def build_list_file(signing_list: SigningList) -> bytes:
    """Return the file that goes to the machine with the key."""
    lines = [
        write_line(head_to_dict(signing_list.head)),
        *(write_line(digest_to_dict(one)) for one in signing_list.digests),
    ]
    return b"".join(lines)


def parse_list_file(content: bytes) -> SigningList:
    """Return the list in a file, checked.

    Raises:
        SigningListInvalid: no list of this version, cut short, or changed since it was made.
        LimitExceeded: more lines, or longer ones, than a list has.
    """
    lines = content.splitlines()
    if not lines:
        raise SigningListInvalid("the file is empty; take the one that hocba batch prepare wrote")
    if len(lines) > MAX_LISTED_DIGESTS + 1:
        raise LimitExceeded(f"a list has at most {MAX_LISTED_DIGESTS} digests")
    head = parse_head(read_line(lines[0], 1, max_bytes=MAX_HEAD_BYTES))
    return check_list(head, [parse_digest(read_line(line, at)) for at, line in enumerate(lines[1:], 2)])


def check_list(head: ListHead, digests: Sequence[ListedDigest]) -> SigningList:
    """Return the list when it is whole and unchanged.

    Raises:
        SigningListInvalid: digests are missing, doubled, out of order or of the wrong length, or anything was changed.
    """
    if [one.number for one in digests] != list(range(1, head.digests + 1)):
        raise SigningListInvalid(f"the list is cut short or out of order: {head.digests} digests belong to it")
    _check_digests(head.algorithm, digests)
    if len({(one.serial, one.version) for one in digests}) != head.documents:
        raise SigningListInvalid("the list was changed: it names another number of documents than its head says")
    if digest_list(head, digests) != head.list_sha256:
        raise SigningListInvalid("the list was changed since it was made; fetch it again and compare the code")
    return SigningList(head, tuple(digests))


def _check_digests(algorithm: SignatureAlgorithm, digests: Sequence[ListedDigest]) -> None:
    names: set[tuple[str, int, str, SignatureFormat]] = set()
    seen: dict[bytes, ListedDigest] = {}
    for one in digests:
        if len(one.digest) != algorithm.digest_size:
            raise SigningListInvalid(
                f"{one.where}: the digest has {len(one.digest)} bytes, {algorithm.value} signs {algorithm.digest_size}"
            )
        if one.name in names:
            raise SigningListInvalid(f"{one.where}: it stands in the list twice")
        if one.digest in seen:
            raise SigningListInvalid(f"{one.where}: it has the same digest as {seen[one.digest].where}")
        names.add(one.name)
        seen[one.digest] = one


def head_to_dict(head: ListHead, *, with_digest: bool = True) -> dict[str, Any]:
    """Return the head as plain values; the same in a file and over HTTP."""
    plain: dict[str, Any] = {
        "type": LIST_TYPE,
        "batch": head.batch_id,
        "school_code": head.school_code,
        "class": head.class_name,
        "certificate": {
            "sha256": head.certificate.sha256.hex(),
            "holder": head.certificate.holder,
            "issuer": head.certificate.issuer,
            "serial": head.certificate.serial_hex,
            "not_before": write_instant(head.certificate.not_before),
            "not_after": write_instant(head.certificate.not_after),
        },
        "algorithm": head.algorithm.value,
        "signing_time": write_instant(head.signing_time),
        "expires_at": write_instant(head.expires_at),
        "documents": head.documents,
        "digests": head.digests,
        "review": review_to_dict(head.review),
    }
    return plain | {"list_sha256": head.list_sha256.hex()} if with_digest else plain


def parse_head(plain: Any) -> ListHead:
    """Return a head that `head_to_dict` wrote; other members are ignored.

    Raises:
        SigningListInvalid: not a head of this version.
    """
    with reading("the head of the list"):
        if get_member(plain, "type", str) != LIST_TYPE:
            raise SigningListInvalid(f"this is no signing list of this version ({LIST_TYPE})")
        class_name = plain.get("class")
        return ListHead(
            batch_id=get_member(plain, "batch", str),
            school_code=get_member(plain, "school_code", str),
            class_name=None if class_name is None else get_member(plain, "class", str),
            certificate=_parse_facts(plain.get("certificate")),
            algorithm=SignatureAlgorithm(get_member(plain, "algorithm", str)),
            signing_time=get_instant(plain, "signing_time"),
            expires_at=get_instant(plain, "expires_at"),
            documents=get_member(plain, "documents", int),
            digests=get_member(plain, "digests", int),
            review=parse_review(plain["review"]),
            list_sha256=get_octets_hex(plain, "list_sha256"),
        )


def review_to_dict(review: ListedReview) -> dict[str, Any]:
    """Return a review as plain values."""
    return {"sha256": review.sha256.hex(), "lines": list(review.lines)}


def parse_review(plain: Any) -> ListedReview:
    """Return a review that `review_to_dict` wrote.

    Raises:
        SigningListInvalid: something is missing or of another form.
    """
    with reading("the review of the list"):
        lines = get_texts(plain, "lines", at_most=MAX_REVIEW_LINES)
        return ListedReview(get_octets_hex(plain, "sha256"), lines)


def _parse_facts(plain: Any) -> CertificateFacts:
    return CertificateFacts(
        sha256=get_octets_hex(plain, "sha256"),
        holder=get_member(plain, "holder", str),
        issuer=get_member(plain, "issuer", str),
        serial_hex=get_member(plain, "serial", str),
        not_before=get_instant(plain, "not_before"),
        not_after=get_instant(plain, "not_after"),
    )


def digest_to_dict(one: ListedDigest) -> dict[str, Any]:
    """Return one digest as plain values; the same in a file and over HTTP."""
    return {
        "number": one.number,
        "serial": one.serial,
        "version": one.version,
        "slot": one.slot_id,
        "format": one.format.value,
        "class": one.class_name,
        "pupil_code": one.pupil_code,
        "digest": one.digest.hex(),
    }


def parse_digest(plain: Any) -> ListedDigest:
    """Return a digest that `digest_to_dict` wrote.

    Raises:
        SigningListInvalid: something is missing or of another form.
    """
    with reading("a digest of the list"):
        return ListedDigest(
            number=get_member(plain, "number", int),
            serial=parse_serial(get_member(plain, "serial", str)),
            version=get_member(plain, "version", int),
            slot_id=get_member(plain, "slot", str),
            format=SignatureFormat(get_member(plain, "format", str)),
            class_name=get_member(plain, "class", str),
            pupil_code=get_member(plain, "pupil_code", str),
            digest=get_octets_hex(plain, "digest"),
        )
