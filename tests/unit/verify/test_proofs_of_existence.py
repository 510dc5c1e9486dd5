"""A PDF signature proves those earlier ones alone whose octets its range covers (EN 319 102-1, 5.6.2.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vectors.pictures import signed_pdf
from verify.documents import PdfInput, read_pdf
from verify.facts import list_pdf_facts
from verify.formats.pades import PdfSignature


def _cover(*signatures: PdfSignature) -> list[frozenset[str]]:
    """Return what each of these signatures covers of the others."""
    pdf = read_pdf(signed_pdf())
    changed: PdfInput = replace(pdf, signed=replace(pdf.signed, signatures=signatures))
    return [one.covered_labels for one in list_pdf_facts(changed)]


@pytest.fixture(scope="module")
def pair() -> tuple[PdfSignature, PdfSignature]:
    first, second, *_ = read_pdf(signed_pdf()).signed.signatures
    return first, second


def test_usual_range_covers_every_earlier_signature(pair: tuple[PdfSignature, PdfSignature]) -> None:
    assert _cover(*pair) == [frozenset(), {pair[0].slot_id}]


def test_range_that_leaves_out_more_than_its_own_value_proves_nothing(pair: tuple[PdfSignature, PdfSignature]) -> None:
    first, second = pair
    assert _cover(first, replace(second, leaves_out=True)) == [frozenset(), frozenset()]
    assert _cover(replace(first, leaves_out=True), second) == [frozenset(), frozenset()]


def test_range_that_ends_before_an_earlier_value_does_not_prove_it(pair: tuple[PdfSignature, PdfSignature]) -> None:
    first, second = pair
    assert _cover(first, replace(second, covered_end=first.gap[1] - 1)) == [frozenset(), frozenset()]
