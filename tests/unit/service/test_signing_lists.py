"""Lists of digests and files of values: what is written is read back, what was changed or cannot be is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.signing.jsonlines import SigningListInvalid, write_line
from service.signing.key_side import check_key, keep_values, sign_list
from service.signing.lists import (
    MAX_REVIEW_LINES,
    BatchExpired,
    CertificateFacts,
    ListedDigest,
    ListedReview,
    ListHead,
    SigningList,
    build_list_file,
    check_list,
    digest_list,
    head_to_dict,
    parse_head,
    parse_list_file,
    short_code,
)
from service.signing.values import (
    SignedValue,
    ValuesHead,
    parse_values_file,
    value_to_dict,
    write_value,
    write_values_head,
)
from service.signing.values_file import open_values_file, read_bounded, read_kept
from signing.signer import Signer
from tests.support.signers import MemorySigner, WatchedSigner, make_signer, with_scheme
from transcript_core.errors import LimitExceeded, SignatureMismatch
from transcript_core.limits import MAX_LIST_BYTES, MAX_LISTED_DIGESTS
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.policy import SignatureFormat

AT = datetime(2026, 5, 31, 2, 0, tzinfo=UTC)
SERIAL = "3NWDYYJG9KG5BFRS7RKCTGR3RD"


def make_list(signer: Signer, documents: int = 3) -> SigningList:
    """Return a list of both formats of one slot of each document."""
    digests = tuple(
        ListedDigest(
            number=number + 1,
            serial=SERIAL,
            version=number // 2 + 1,
            slot_id="gvbm-TOAN-1",
            format=tuple(SignatureFormat)[number % 2],
            class_name="7A1",
            pupil_code="4864103220",
            digest=hashlib.new(signer.algorithm.hash_name, str(number).encode()).digest(),
        )
        for number in range(2 * documents)
    )
    review = ListedReview.of(bytes(range(32)), ["Sẽ ký 3 học bạ", "  lớp 7A1: 3 học bạ\n\x1b[2J"])
    head = ListHead(
        review=review,
        batch_id=SERIAL,
        school_code="48000501",
        class_name=None,
        certificate=CertificateFacts.of(signer.certificate),
        algorithm=signer.algorithm,
        signing_time=AT,
        expires_at=AT + timedelta(hours=24),
        documents=documents,
        digests=len(digests),
        list_sha256=b"",
    )
    return SigningList(replace(head, list_sha256=digest_list(head, digests)), digests)


@pytest.fixture(params=["rsa-2048", "p-256", "p-384"])
def signer(request: pytest.FixtureRequest) -> MemorySigner:
    return make_signer(request.param)


def test_another_review_is_another_list(signer: MemorySigner) -> None:
    made = make_list(signer)
    review = made.head.review
    for changed in (
        replace(review, lines=review.lines[:-1]),
        replace(review, lines=("Sẽ ký 2 học bạ", *review.lines[1:])),
        replace(review, sha256=bytes(32)),
    ):
        with pytest.raises(SigningListInvalid, match="was changed"):
            parse_list_file(build_list_file(replace(made, head=replace(made.head, review=changed))))


def test_a_review_shows_nothing_that_a_terminal_would_obey() -> None:
    assert make_list(make_signer()).head.review.lines[1] == "  lớp 7A1: 3 học bạ  [2J"
    long = ListedReview.of(bytes(32), [f"dòng {number}" for number in range(MAX_REVIEW_LINES + 5)])
    assert len(long.lines) == MAX_REVIEW_LINES
    assert long.lines[-1] == "… và 6 dòng nữa"
    made = make_list(make_signer("p-256"))
    plain = head_to_dict(made.head) | {"review": {"sha256": "00" * 32, "lines": ["x\x1b[2J"]}}
    with pytest.raises(SigningListInvalid, match="review"):
        parse_head(plain)


def test_a_list_is_read_as_it_was_written(signer: MemorySigner) -> None:
    made = make_list(signer)
    content = build_list_file(made)
    assert parse_list_file(content) == made
    assert content.count(b"\n") == 7
    lines = content.splitlines(keepends=True)
    bare = {name: one for name, one in json.loads(lines[0]).items() if name != "list_sha256"}
    head_line = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert hashlib.sha256(head_line + b"".join(lines[1:])).digest() == made.head.list_sha256, "as the document says"


def test_the_code_is_the_first_eighty_bits() -> None:
    assert short_code(bytes(32)) == "0000-0000-0000-0000"
    assert short_code(b"\xff" * 32) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    assert short_code(bytes([0] * 9 + [1] + [255] * 22)) == "0000-0000-0000-0001"


def test_every_change_of_a_list_is_seen() -> None:
    made = make_list(make_signer())
    lines = build_list_file(made).splitlines(keepends=True)
    for at, line in enumerate(lines):
        for name, value in json.loads(line).items():
            if name == "certificate":
                changed: object = value | {"holder": "Another Person"}
            else:
                changed = value + 1 if isinstance(value, int) else f"{value}0"
            edited = [*lines[:at], write_line(json.loads(line) | {name: changed}), *lines[at + 1 :]]
            with pytest.raises(SigningListInvalid):
                parse_list_file(b"".join(edited))
        with pytest.raises(SigningListInvalid):
            parse_list_file(b"".join(lines[:at]))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"type":"hocba-signing-list/2"}\n', b'{"type":7}\n', b"{" * 9_000],
)
def test_what_is_no_list_is_refused(content: bytes) -> None:
    with pytest.raises(SigningListInvalid):
        parse_list_file(content)
    with pytest.raises(SigningListInvalid):
        parse_values_file(content)


@pytest.mark.parametrize("value", [-1, 2**31, 1.5, True, None, "1", [1]])
def test_numbers_are_whole_and_small(value: object) -> None:
    plain = head_to_dict(make_list(make_signer()).head)
    with pytest.raises(SigningListInvalid):
        parse_head(plain | {"digests": value})


@pytest.mark.parametrize("text", ["7A1\n", "\x1b[2J", "\u202e7A1", "x" * 3_000])
def test_texts_are_printable_and_short(text: str) -> None:
    plain = head_to_dict(make_list(make_signer()).head)
    with pytest.raises(SigningListInvalid):
        parse_head(plain | {"class": text})


def test_a_digest_stands_in_a_list_once() -> None:
    made = make_list(make_signer())
    first, second, *rest = made.digests
    for doubled in (replace(second, digest=first.digest), replace(first, number=2, digest=second.digest)):
        digests = (first, doubled, *rest)
        head = replace(made.head, list_sha256=digest_list(made.head, digests))
        with pytest.raises(SigningListInvalid, match=r"twice|the same digest"):
            check_list(head, digests)


def test_a_digest_of_another_length_is_named() -> None:
    made = make_list(make_signer())
    digests = (replace(made.digests[0], digest=bytes(48)), *made.digests[1:])
    with pytest.raises(SigningListInvalid, match="slot gvbm-TOAN-1, xades: the digest has 48 bytes"):
        check_list(replace(made.head, list_sha256=digest_list(made.head, digests)), digests)


def test_lists_and_files_have_an_end(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        parse_list_file(b"\n" * (MAX_LISTED_DIGESTS + 2))
    with pytest.raises(LimitExceeded):
        parse_values_file(b"\n" * (MAX_LISTED_DIGESTS + 2))
    with (tmp_path / "long").open("wb") as file:
        file.truncate(MAX_LIST_BYTES + 1)
    with pytest.raises(LimitExceeded):
        read_bounded(tmp_path / "long")


def test_only_the_key_of_the_list_signs_it_and_only_in_time() -> None:
    signer = make_signer()
    head = make_list(signer).head
    check_key(head, signer, at=AT)
    with pytest.raises(SignatureMismatch, match="serial"):
        check_key(head, make_signer("p-256"), at=AT)
    with pytest.raises(SignatureMismatch, match="rsa-pss-sha256"):
        check_key(head, with_scheme(signer, SignatureAlgorithm.RSA_PSS_SHA256), at=AT)
    with pytest.raises(BatchExpired):
        check_key(head, signer, at=AT + timedelta(hours=24))


@dataclass
class OddSigner(WatchedSigner):
    """A key's holder that answers a list in its own way."""

    odd: str = ""

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        values = list(super().sign_digests(digests))
        if self.odd == "refusing":
            raise SignatureMismatch("host: signatures/signHash: it signed with another algorithm")
        if self.odd == "fewer":
            return values[:-1]
        return values[::-1] if self.odd == "reversed" else values


def test_the_key_is_asked_in_lists_that_suit_it() -> None:
    signer = OddSigner(make_signer(), list_size=4)
    made = make_list(signer.inner)
    values = [value for chunk in sign_list(made, signer, done={2}) for value in chunk.values]
    assert signer.lists == [4, 1]
    assert [one.number for one in values] == [1, 3, 4, 5, 6]
    assert [len(chunk.values) for chunk in sign_list(made, signer, most=3)] == [3, 3]
    assert list(sign_list(made, signer, done=range(1, 7))) == []


@pytest.mark.parametrize("odd", ["fewer", "refusing"])
def test_a_request_that_is_answered_wrongly_is_refused_by_name(odd: str) -> None:
    signer = OddSigner(make_signer(), list_size=2, odd=odd)
    made = make_list(signer.inner)
    chunks = list(sign_list(made, signer))
    assert [chunk.values for chunk in chunks] == [(), (), ()]
    assert [one for chunk in chunks for one, _ in chunk.refused] == list(made.digests)
    for one, error in (pair for chunk in chunks for pair in chunk.refused):
        assert str(error).startswith(f"{one.where}: ")


def test_values_in_another_order_are_refused_by_name() -> None:
    signer = OddSigner(make_signer(), list_size=2, odd="reversed")
    made = make_list(signer.inner)
    chunks = list(sign_list(made, signer))
    assert [chunk.values for chunk in chunks] == [(), (), ()]
    assert [one for chunk in chunks for one, _ in chunk.refused] == list(made.digests)
    assert "version 1, slot gvbm-TOAN-1, xades" in str(chunks[0].refused[0][1])


def test_values_are_read_as_they_were_written(signer: MemorySigner) -> None:
    made = make_list(signer)
    values = tuple(value for chunk in sign_list(made, signer) for value in chunk.values)
    content = write_values_head(ValuesHead.of(made.head)) + b"".join(write_value(one) for one in values)
    found = parse_values_file(content)
    assert (found.head, found.values, found.troubles) == (ValuesHead.of(made.head), values, ())


def test_a_line_that_cannot_be_read_is_named_and_the_rest_stands() -> None:
    made = make_list(make_signer())
    one = SignedValue.of(made.digests[0], b"value")
    broken = [b"{\n", b"\n", write_line(value_to_dict(one) | {"value": "no base64"}), write_line({"number": 1})]
    head = write_values_head(ValuesHead.of(made.head))
    found = parse_values_file(head + b"".join(broken) + write_value(one))
    assert found.values == (one,)
    assert [str(error).partition(" cannot")[0] for error in found.troubles] == ["line 2", "line 3", "line 4", "line 5"]


def test_a_run_that_goes_on_keeps_what_verifies(tmp_path: Path) -> None:
    signer, path = make_signer("p-256"), tmp_path / "values"
    made = make_list(signer)
    assert read_kept(path, made, signer) == []
    values = [value for chunk in sign_list(made, signer) for value in chunk.values]
    with open_values_file(path, made.head, []) as file:
        file.add(values[:2])
        file.add([replace(values[2], value=values[3].value), replace(values[3], number=1), values[0]])
    kept = read_kept(path, made, signer)
    assert kept == values[:2]
    assert keep_values(made, kept, make_signer("p-256", number=1)) == []
    with open_values_file(path, made.head, kept) as file:
        assert file.done == {1, 2}
        file.add(values[2:])
    assert read_kept(path, made, signer) == values
    other = replace(made, head=replace(made.head, list_sha256=bytes(32)))
    with pytest.raises(SigningListInvalid, match="another list"):
        read_kept(path, other, signer)
    path.write_bytes(b"a letter")
    with pytest.raises(SigningListInvalid, match="something else"):
        read_kept(path, made, signer)
