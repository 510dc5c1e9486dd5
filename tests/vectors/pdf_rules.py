"""PDFs of transcripts that break one rule of the revisions before the seal, which is put on over them.

In others the seal's CMS names other algorithms than it is made by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import pytest
from asn1crypto import cms

from signing.pades import phases
from tests.support.signed_pdf import append_objects
from tests.vectors.cases import fails
from tests.vectors.pdf_files import replace_contents
from tests.vectors.pdf_forge import (
    describe_slots,
    find_fields,
    find_reference,
    find_root,
    seal_edited,
    swap,
    unsealed_pdf,
)
from tests.vectors.pdf_stamps import document_timestamp_before_the_seal
from tests.vectors.pictures import _sign as sign_field
from tests.vectors.pictures import build_appearance, first_revision, sign_pdf, signed_pdf
from tests.vectors.school import STEP, TEACHERS_SIGN_AT, school
from transcript_core.pdf import Value, read_pdf, write_value
from transcript_core.policy import Slot

_RULE: Final = "revision rule: what stands before the seal"
_UNPROVEN: Final = ("certificate.revocation", "certificate.path")
"""What is open of a signature for which no evidence is carried."""

_ALGORITHM: Final = "RFC 5652, 5.1 and 5.3: the algorithms that are named are those that were used"


@contextmanager
def _no_field_counts_as_signed() -> Iterator[None]:
    """Let our own signer sign what it would refuse while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "_find_problem", lambda *_: None)
        yield


def _seal_over(bodies: dict[int, bytes]) -> bytes:
    """Return the file sealed over an update that writes these objects."""
    with _no_field_counts_as_signed():
        return seal_edited(append_objects(unsealed_pdf(), bodies))


def _newest(number: int) -> dict[str, Value]:
    value = read_pdf(unsealed_pdf()).get_object(number).value
    assert isinstance(value, dict)
    return value


def _sign_anyway(pdf: bytes, slot: Slot) -> bytes:
    """Return the file with this slot signed, whatever our own signer would say of that."""
    _, policy = describe_slots()
    here = school()
    here.clock.at = TEACHERS_SIGN_AT + STEP * (slot.rule.order - 1)
    with _no_field_counts_as_signed():
        return sign_field(pdf, slot, here.signer_of(slot), policy, build_appearance(pdf, slot), stamped=False)


# --- revisions --------------------------------------------------------------------------------------------------


@fails(f"{_RULE}: a field is signed once", "pdf.revisions")
def field_signed_a_second_time() -> bytes:
    return seal_edited(_sign_anyway(unsealed_pdf(), describe_slots()[0][-2]))


@fails(f"{_RULE}: a field is written with its signature", "pdf.revisions")
def empty_field_written_again() -> bytes:
    field = find_fields()[-1]
    return _seal_over({field: write_value(_newest(field))})


@fails(f"{_RULE}: a field stays a field", "pdf.revisions")
def signed_field_overridden_by_a_list() -> bytes:
    return _seal_over({find_fields()[0]: b"[1]"})


@fails("EN 319 142-1, 5.4.2: form of the security store", "pdf.revisions")
def store_with_an_unknown_entry_before_the_seal() -> bytes:
    store = find_reference(find_root(), "DSS")
    return _seal_over({store: write_value({**_newest(store), "JS": []})})


@fails("ISO 32000-2, 12.8.5: a document timestamp closes nothing", "pdf.revisions")
def seal_over_a_document_timestamp() -> bytes:
    return seal_edited(document_timestamp_before_the_seal())


@fails("revision rule: a signature's appearance is drawn plainly", "pdf.revisions", "pdf.appearances")
def seal_with_a_layer_in_its_appearance() -> bytes:
    return seal_edited(unsealed_pdf(), after=swap(b"/Type/XObject", b"/OC 1 0 R"))


@cache
def _sealed_too_early() -> tuple[bytes, Slot]:
    """Return the file sealed without one teacher, and the teacher's slot."""
    slots, policy = describe_slots()
    return sign_pdf(first_revision(), slots[1:], policy), slots[0]


@fails("ISO 32000-1, 12.8.2.4: the seal closes the file", "pdf.revisions", "slots.order", *_UNPROVEN)
def teacher_signs_behind_the_seal() -> bytes:
    return _sign_anyway(*_sealed_too_early())


# --- what the CMS says ------------------------------------------------------------------------------------------


@fails(f"{_ALGORITHM}: all of them are listed", "signature.form")
def seal_whose_hash_is_not_listed() -> bytes:
    def change(structure: cms.ContentInfo) -> None:
        structure["content"]["digest_algorithms"] = [{"algorithm": "sha512"}]

    return replace_contents(signed_pdf(), change)


@fails(f"{_ALGORITHM}: the key is one for them", "signature.form", "signature.value", "signature.algorithms")
def seal_of_an_elliptic_curve_by_an_rsa_key() -> bytes:
    def change(structure: cms.ContentInfo) -> None:
        structure["content"]["signer_infos"][0]["signature_algorithm"] = {"algorithm": "sha256_ecdsa"}

    return replace_contents(signed_pdf(), change)
