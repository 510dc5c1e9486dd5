"""Whatever the bytes, verification answers; the last-resort guard is there, and is never needed."""

from __future__ import annotations

import logging

import pytest

from tests.vectors.school import CHECKED_AT, school, signed
from verify import verifier as module
from verify.report import INTERNAL_ERROR, Outcome
from verify.sniff import Container, sniff

NONSENSE = (
    b"",
    b"\x00",
    b"<",
    b"<a/>",
    b"<HOC_BA/>",
    b"<HOC_BA><DU_LIEU_HOC_BA/><PHAT_HANH_HOC_BA/></HOC_BA>",
    b"<THU_HOI_HOC_BA><a/></THU_HOI_HOC_BA>",
    b'<HOC_BA xmlns="urn:x"/>',
    b"%PDF-",
    b"%PDF-1.7\n%%EOF",
    b"a.b.c",
    b"eyJhbGciOiJub25lIn0.e30.AA",
    b"{}",
    b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>',
    b'<a><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature></a>',
    b"\xef\xbb\xbf<HOC_BA></HOC_BA>",
    b"PK\x03\x04",
)


@pytest.mark.parametrize("octets", NONSENSE, ids=repr)
def test_nonsense_gets_a_report(octets: bytes, caplog: pytest.LogCaptureFixture) -> None:
    verifier = school().verifier()
    with caplog.at_level(logging.ERROR):
        reports = [verifier.verify(octets, at=CHECKED_AT), verifier.inspect(octets, at=CHECKED_AT)]
        reports += [
            verifier.verify(signed(), at=CHECKED_AT, json=octets),
            verifier.verify(b"%PDF-1.7", at=CHECKED_AT, xml=octets),
        ]
    assert all(report.outcome is not Outcome.PASSED and report.findings for report in reports)
    assert not caplog.records


def test_guard_answers_when_verification_itself_breaks_down(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("Phan Ngọc Yến")

    monkeypatch.setattr(module, "examine", explode)
    with caplog.at_level(logging.ERROR):
        report = school().verifier().verify(signed(), at=CHECKED_AT)
    assert report.outcome is Outcome.INDETERMINATE
    assert [finding.check for finding in report.findings] == [INTERNAL_ERROR]
    assert "RuntimeError" in caplog.text
    assert "verify.verifier:" in caplog.text
    assert "Yến" not in caplog.text  # an error's message may quote the document
    assert report.transcript is None


@pytest.mark.parametrize(
    ("octets", "container"),
    [
        (b"<a/>", Container.XML),
        (b"  \n<a/>", Container.XML),
        (b"%PDF-1.7", Container.PDF),
        (b"<!-- %PDF-1.7 -->", Container.PDF),
        (b"aa.bb.cc", Container.JWS),
        (b"aa.bb", Container.UNKNOWN),
    ],
)
def test_sniffing_gives_every_file_one_meaning(octets: bytes, container: Container) -> None:
    assert sniff(octets) is container
