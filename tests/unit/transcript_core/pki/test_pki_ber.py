"""Elements of BER are cut out as they stand, whatever their lengths look like."""

from __future__ import annotations

import pytest
from asn1crypto import core

from transcript_core.pki.ber import list_elements, measure_element, split_elements, write_set

_INDEFINITE = bytes.fromhex("30800201053080020106000004010a0000")
_INTEGER = bytes.fromhex("020107")


def test_elements_of_indefinite_length_are_cut_out_whole() -> None:
    assert measure_element(_INDEFINITE + bytes(9)) == len(_INDEFINITE)
    assert split_elements(_INDEFINITE + _INTEGER) == [_INDEFINITE, _INTEGER]
    assert list_elements(_INDEFINITE)[0] == bytes.fromhex("020105")


@pytest.mark.parametrize("size", [0, 0x7D, 0x7E, 0x7F, 0x80, 0x180, 0x480, 0x10080])
def test_set_has_the_length_that_der_asks_for(size: int) -> None:
    inner = core.OctetString(bytes(size)).dump()
    whole = write_set(inner)
    assert whole == core.SetOf([core.OctetString(bytes(size))], spec=core.OctetString).dump()
    assert list_elements(whole) == [inner]


def test_too_many_elements_are_refused_soon() -> None:
    with pytest.raises(ValueError, match="more than"):
        split_elements(b"\5\0" * 500_000)


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x05\x02", b"\x30\x80\x02\x01\x05"])
def test_what_is_no_element_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):
        measure_element(octets)
