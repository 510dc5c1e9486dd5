"""A server is down or the disk is full: a clear error, nothing done by halves, and the next run completes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keys_dev.services import Responder
from service.signing.desk import open_services
from service.signing.extending import extend_documents
from service.transcripts.repository import DocumentState
from tests.support.pki import development_pki
from tests.support.workflow import ACTOR, AT, SmallSchool, built_school, list_staff_of, refuse_addresses
from transcript_core.clock import FixedClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.policy import SignatureFormat, SignatureLevel

B_B = SignatureLevel.B_B
_ROOT = Path(__file__).resolve().parents[2]
_FULL_DISK = """
import json, os, resource, signal, sqlite3, sys
from pathlib import Path
from tests.support.deferred import attach, prepare_and_sign
from tests.support.workflow import open_enrolled

folder, job, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
school = open_enrolled(folder)
(teacher, *_) = school.list_open_staff() or [None]
if job == "issue":
    action = lambda: school.issue().failed
elif job == "sign":
    action = lambda: school.sign(teacher).failed
else:
    made, values = prepare_and_sign(school, school.open_person(teacher))
    action = lambda: [
        (f"{one.value.serial}/{one.value.version}", one.value.slot_id, one.error)
        for one in attach(school, made, values).results
    ]
if not limit:  # the database alone: its log is longer than any stored file, and the log may not grow
    reader, writer = (sqlite3.connect(folder / "home" / "hocba.db", isolation_level=None) for _ in range(2))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM documents").fetchone()  # whoever reads keeps the log from being begun anew
    writer.execute("CREATE TABLE filler AS SELECT randomblob(3000000) AS octets")
    limit = os.stat(folder / "home" / "hocba.db-wal").st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
failed = action()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if "writer" in globals():
    reader.execute("ROLLBACK")
    writer.execute("DROP TABLE filler")
told = [{"names": [str(one) for one in names], "code": error.code, "text": str(error)} for *names, error in failed]
print(json.dumps(told))
"""


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with built_school(tmp_path) as made:
        yield made


def test_no_revocation_server_nothing_is_signed_and_the_servers_are_named(school: SmallSchool) -> None:
    before = school.snapshot()
    (teacher,) = list_staff_of(school.records, "TOAN")
    down = refuse_addresses(refuse_addresses(school.fetch, "/ocsp"), "/crl")
    with pytest.raises(EvidenceUnavailable) as refused:
        school.sign(teacher, fetch=down)
    assert development_pki().base_url in str(refused.value)
    assert {"/ocsp/", "/crl/"} <= {
        part for url, _ in refused.value.servers for part in ("/ocsp/", "/crl/") if part in url
    }
    assert school.snapshot() == before
    assert len(school.sign(teacher).signed) == 2


def test_ocsp_down_is_no_obstacle_while_the_crl_answers(school: SmallSchool) -> None:
    for code in school.teachers:
        assert not school.sign(code, fetch=refuse_addresses(school.fetch, "/ocsp")).failed
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)


def test_no_time_stamp_documents_are_sealed_at_a_lower_level_which_is_said(school: SmallSchool) -> None:
    school.sign_people()
    report = school.issue(fetch=refuse_addresses(school.fetch, "/tsa"))
    assert not report.failed
    assert len(report.issued) == 2
    assert {(kind, level) for _, kind, level in report.below_aim} == {(kind, B_B) for kind in SignatureFormat}
    for one in school.list_documents():
        school.assert_passes(one.key)
        finding = school.verify(one.key)[0].get_finding("time.timestamps")
        assert "not proven yet" in finding.text_en
        assert "chưa được chứng minh" in finding.text_vi


def test_time_stamps_fail_in_the_middle(school: SmallSchool) -> None:
    """The authority answers a few times, then no more: every document is issued, each format at what it reached."""
    school.sign_people()
    answers = 0

    def fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        nonlocal answers
        if "/tsa" in url:
            answers += 1
            if answers > 3:
                raise EvidenceUnavailable(f"{url}: connection refused")
        return school.fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)

    report = school.issue(fetch=fetch)
    assert not report.failed
    assert len(report.below_aim) == 2
    school.assert_rows_tell_what_files_hold()
    for one in school.list_documents(DocumentState.ISSUED):
        school.assert_passes(one.key)


@pytest.mark.parametrize("wrong_by", [-timedelta(days=200), timedelta(days=40)])
def test_an_authority_with_a_wrong_clock_spoils_no_document(school: SmallSchool, wrong_by: timedelta) -> None:
    """Its tokens are refused as if it were down; what it left without is completed by one that is right."""
    school.sign_people()
    wrong = Responder(development_pki(), FixedClock(AT + wrong_by))

    def fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        asked = wrong if "/tsa" in url else school.fetch
        return asked(url, body=body, content_type=content_type, max_bytes=max_bytes)

    report = school.issue(fetch=fetch)
    assert not report.failed
    assert len(report.below_aim) == 4
    services = open_services(school.workspace, school.fetch)
    extended = extend_documents(
        school.context, services, level=SignatureLevel.B_T, renew_before=timedelta(days=180), actor=ACTOR
    )
    assert not extended.failed
    for one in school.list_documents(DocumentState.ISSUED):
        school.assert_passes(one.key)
        assert "not proven yet" not in school.verify(one.key)[0].get_finding("time.timestamps").text_en


@pytest.mark.parametrize("job", ["sign", "attach", "issue"])
@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        (
            20_000,
            "the document store cannot be written (File too large); free some space",
        ),  # evidence fits, no PDF does
        (0, "the database cannot be written (disk I/O error); free some space"),  # all files fit, the commit does not
    ],
    ids=["store", "database"],
)
def test_a_full_disk_loses_nothing(school: SmallSchool, job: str, limit: int, problem: str) -> None:
    """A file-size limit stands for it: the writes themselves fail, every slot is named, then there is room again."""
    if job == "issue":
        school.sign_people()
    before = school.snapshot()
    school.close()
    told = run_with_full_disk(school, job, limit)
    assert {one["code"] for one in told} == {"store-full"}
    assert {one["names"][0] for one in told} == {str(one.key) for one in school.list_documents()}
    for line in told:
        assert job == "attach" or all(name in line["text"] for name in line["names"])
        assert problem in line["text"]
    assert school.snapshot() == before
    assert not list((school.folder.parent / "home" / "store").rglob(".part-*"))
    school.assert_store_is_sound()
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)


def run_with_full_disk(school: SmallSchool, job: str, limit: int) -> list[dict[str, Any]]:
    """Return what a run in a process of its own could not do while no file could grow past `limit` bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(school.folder.parent), job, str(limit)],
        cwd=_ROOT,
        env={**os.environ, "PYTEST_XDIST_TESTRUNUID": development_pki().folder.name},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told
