"""A timestamp ends with its authority's certificate, or with an algorithm before that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.pki import development_pki, open_person
from tests.support.signed_pdf import request_timestamp
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.constraints import find_hash_end, find_hash_renewal, find_key_end, find_key_renewal
from transcript_core.pki.endings import find_end
from transcript_core.pki.timestamps import parse_timestamp


def test_an_algorithm_ends_before_a_long_lived_certificate() -> None:
    stamp = parse_timestamp(request_timestamp(bytes(32)))
    authority = load_certificate(development_pki().read_key("tsa")[0])
    assert stamp.certificate == authority
    assert find_key_renewal(authority.public_key) == datetime(2036, 1, 1, tzinfo=UTC)
    assert authority.not_after > datetime(2036, 1, 1, tzinfo=UTC)
    assert find_end(stamp) == datetime(2031, 1, 1, tzinfo=UTC)  # its certificate is signed with RSA of 2048 bits


def test_rsa_2048_ends_before_curves() -> None:
    rsa = open_person().certificate.public_key
    curve = open_person("Vũ Thu Hiền", "001080000102", algorithm="p-256").certificate.public_key
    assert find_key_end(rsa) == find_key_renewal(rsa) == datetime(2031, 1, 1, tzinfo=UTC)
    assert find_key_end(curve) is None
    assert find_key_renewal(curve) == datetime(2036, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512", "unheard-of"])
def test_no_end_is_announced_for_these_hashes(name: str) -> None:
    assert find_hash_end(name) is None
    assert find_hash_renewal(name) is None
