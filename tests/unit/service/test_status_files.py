"""Only the seal of the school that a status file speaks of is believed, and only while the file is current."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.status.files import StatusFileInvalid, StatusFileOutOfDate, StatusFiles, open_status_file
from signing.jades import sign_jws
from signing.signer import Signer
from tests.support.authority import SEAL_IDENTITY, build_authority
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.samples import build_school
from tests.support.signers import make_signer
from transcript_core.clock import FixedClock
from transcript_core.status import (
    STATUS_TYPE,
    DocumentStatus,
    StatusEntry,
    StatusFile,
    build_status_payload,
)

AS_OF = datetime(2026, 5, 31, 8, 0, tzinfo=UTC)
SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNP"
ENTRY = StatusEntry(SERIAL, 1, b"\1" * 32, DocumentStatus.RECALLED, reason="lý do")


def _write(path: Path, signer: Signer, *, school_code: str | None = None, typ: str = STATUS_TYPE) -> Path:
    content = StatusFile(
        school_code or build_school().school_code, "2025-2026", AS_OF, AS_OF + timedelta(days=7), (ENTRY,)
    )
    headers: Mapping[str, str] = {"typ": typ}
    path.write_bytes(sign_jws(build_status_payload(content), signer, headers=headers, at=AS_OF))
    return path


def _open(path: Path, *, at: datetime = AS_OF + timedelta(hours=1)) -> StatusFile:
    trust = development_pki().trust_store()
    return open_status_file(path, trust=trust, authority=build_authority(), clock=FixedClock(at))


def test_file_of_the_schools_seal_is_believed(tmp_path: Path) -> None:
    content = _open(_write(tmp_path / "status.jws", open_seal()))
    assert content.find_status(SERIAL, 1, b"\1" * 32).status is DocumentStatus.RECALLED


def test_self_made_certificate_with_the_seals_identity_is_refused(tmp_path: Path) -> None:
    forged = make_signer(name="Trường THCS Hoa Sen", identity=SEAL_IDENTITY)
    with pytest.raises(StatusFileInvalid, match="not valid"):
        _open(_write(tmp_path / "status.jws", forged))


def test_principal_cannot_sign_a_status_file(tmp_path: Path) -> None:
    with pytest.raises(StatusFileInvalid, match="seal of school"):
        _open(_write(tmp_path / "status.jws", open_person()))


def test_seal_of_another_school_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatusFileInvalid, match="seal of school"):
        _open(_write(tmp_path / "status.jws", open_seal(), school_code="99999999"))


def test_another_kind_of_jws_by_the_seal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatusFileInvalid):
        _open(_write(tmp_path / "status.jws", open_seal(), typ="hocba-transcript+jws"))


def test_file_past_its_next_update_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "status.jws", open_seal())
    with pytest.raises(StatusFileOutOfDate, match="fetch the current one"):
        _open(path, at=AS_OF + timedelta(days=8))


def test_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = _write(tmp_path / "status.jws", open_seal())
    content = bytearray(path.read_bytes())
    middle = content.index(b".") + 40
    content[middle] = ord("A") if content[middle] != ord("A") else ord("B")
    path.write_bytes(bytes(content))
    with pytest.raises(StatusFileInvalid):
        _open(path)


def test_without_anchors_nothing_is_believed(tmp_path: Path) -> None:
    path = _write(tmp_path / "status.jws", open_seal())
    with pytest.raises(StatusFileInvalid, match="trust anchors"):
        open_status_file(path, trust=None, authority=build_authority(), clock=FixedClock(AS_OF))


def _entry(status: DocumentStatus, as_of: datetime) -> StatusFile:
    entry = StatusEntry(SERIAL, 1, b"\1" * 32, status)
    return StatusFile("1", "2025-2026", as_of, as_of + timedelta(days=7), (entry,))


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_files_the_newest_counts_whatever_their_order(turned: bool) -> None:
    old = _entry(DocumentStatus.VALID, AS_OF)
    new = _entry(DocumentStatus.RECALLED, AS_OF + timedelta(days=1))
    files = StatusFiles((new, old) if turned else (old, new))
    assert files.find_status(SERIAL, 1, b"\1" * 32).status is DocumentStatus.RECALLED


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_equally_new_files_the_worse_counts(turned: bool) -> None:
    good, bad = _entry(DocumentStatus.VALID, AS_OF), _entry(DocumentStatus.SUPERSEDED, AS_OF)
    files = StatusFiles((bad, good) if turned else (good, bad))
    assert files.find_status(SERIAL, 1, b"\1" * 32).status is DocumentStatus.SUPERSEDED


def test_a_file_that_does_not_know_the_document_never_hides_one_that_does() -> None:
    silent = StatusFile("2", "2025-2026", AS_OF + timedelta(days=3), AS_OF + timedelta(days=9), ())
    files = StatusFiles((silent, _entry(DocumentStatus.RECALLED, AS_OF)))
    assert files.find_status(SERIAL, 1, b"\1" * 32).status is DocumentStatus.RECALLED
