"""`hocba batch` on two machines: one has the documents, the other nothing but the key and the file it was given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import Response

from demo.school import DemoSchool, enrol
from demo.school_generator import write_school
from keys_dev.pki import DevelopmentPki
from keys_dev.server import running
from service import audit
from service.app import create_app
from service.db.engine import transaction
from service.db.tables import SlotRow
from service.schools.importing import import_folder
from service.signing.jsonlines import write_line
from service.signing.lists import digest_list, parse_digest, parse_head
from service.transcripts.building import build_documents
from tests.support.command import Ran, run_command
from tests.support.http import TOKEN, TOKEN_SHA256
from tests.support.server import serving
from transcript_core.clock import SystemClock
from transcript_core.model import SchoolLevel
from transcript_core.pki.algorithms import Scheme

YEAR = "2025-2026"
PUPILS = 2


@dataclass
class Office:
    """A school's office and, in another folder, the laptop with the key."""

    folder: Path
    made: DemoSchool
    pki: DevelopmentPki
    _used: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, object]:
        """Return the settings of the machine with the documents."""
        settings = self.made.workspace.settings
        return {
            "HOCBA_HOME": settings.home,
            "HOCBA_ANCHORS_DIR": settings.anchors_dir,
            "HOCBA_AUTHORITY_FILE": settings.authority_file,
            "HOCBA_TSA_URLS": self.pki.tsa_url,
        }

    @property
    def laptop(self) -> Path:
        """Return the folder that would be the laptop's home, if it had any data."""
        return self.folder / "laptop"

    def run(self, *argv: object) -> Ran:
        """Run one step where the documents are."""
        return run_command("batch", *argv, environment=self.environment)

    def run_on_laptop(self, *argv: object, **environment: object) -> Ran:
        """Run one step where the key is, without any settings but a home of its own."""
        return run_command("batch", *argv, environment={"HOCBA_HOME": self.laptop, **environment})

    def let_clerks_in(self) -> None:
        """Let the holder of TOKEN prepare batches over HTTP."""
        settings = self.made.workspace.settings.model_copy(update={"clerk_token_sha256": TOKEN_SHA256})
        object.__setattr__(self.made.workspace, "settings", settings)

    def assert_signed_once(self, staff_code: str) -> None:
        """Fail unless the audit trail tells of one signature for each slot and format of this person."""
        with transaction(self.made.workspace.sessions) as session:
            slots = session.query(SlotRow).filter_by(staff_code=staff_code).all()
            assert len(slots) == PUPILS
            for one in slots:
                assert (one.xades, one.pades) == (True, True)
                subject = f"{one.serial}/{one.version}#{one.slot_id}"
                found = audit.list_events(session, subject_prefix=subject)
                assert [(event[2], event[4]) for event in found if event[3] == subject] == [("sign", "pades+xades")]

    def take_teacher(self, scheme: Scheme | None = None) -> str:
        """Return a teacher whom no other test used, with a key of this kind."""
        for one in self.made.keys.people:
            signer = self.made.keys.open_person(one)
            if one in self.teachers - self._used and scheme in {None, signer.algorithm.scheme}:
                self._used.add(one)
                return one
        raise AssertionError("no teacher is left")

    @property
    def teachers(self) -> set[str]:
        """Return the subject teachers who are not the class's homeroom teacher."""
        records = self.made.workspace.get_authority().staff
        return {one.staff_code for one in records if {o.office.value for o in one.offices} == {"subject-teacher"}}

    def key(self, staff_code: str) -> tuple[object, ...]:
        """Return the options that name a person's key."""
        path = self.pki.issue(self.made.keys.people[staff_code])
        return ("--key", path, "--password-file", path.with_suffix(".password"))

    def write_certificate(self, staff_code: str) -> tuple[Path, Path]:
        """Write a person's certificate and chain as PEM; return the two paths."""
        signer = self.made.keys.open_person(staff_code)
        certificate, chain = self.folder / f"{staff_code}.pem", self.folder / f"{staff_code}-chain.pem"
        certificate.write_bytes(signer.certificate.pem)
        chain.write_bytes(b"".join(one.pem for one in signer.chain))
        return certificate, chain

    def prepare(self, staff_code: str) -> tuple[Path, Ran]:
        """Prepare what is open for a person; return the list's file."""
        certificate, chain = self.write_certificate(staff_code)
        out = self.folder / f"{staff_code}.list"
        return out, self.run("prepare", "--certificate", certificate, "--chain", chain, "--out", out, "--json")

    def sign(self, listed: Path, staff_code: str, *more: object) -> tuple[Path, Ran]:
        """Sign a list on the laptop; return the file of values."""
        out = listed.with_suffix(".values")
        return out, self.run_on_laptop("sign", listed, *self.key(staff_code), "--yes", "--out", out, "--json", *more)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    write_school(folder / "school", pupils_per_class=PUPILS, classes=("7A1",))
    with running(folder / "keys") as pki:
        made = enrol(
            folder / "school",
            pki,
            folder,
            level=SchoolLevel.LOWER_SECONDARY,
            base_url="http://127.0.0.1:8000",
            clock=SystemClock(),
        )
        import_folder(made.workspace, made.folder, school=made.school, hold_back=False, actor="test")
        build_documents(made.workspace, school=made.school, school_year=YEAR, actor="test")
        yield Office(folder, made, pki)


@pytest.mark.parametrize("scheme", [Scheme.RSA_PKCS1, Scheme.ECDSA])
def test_a_list_goes_over_and_values_come_back(office: Office, scheme: Scheme) -> None:
    teacher = office.take_teacher(scheme)
    listed, prepared = office.prepare(teacher)
    assert (prepared.code, prepared.json["documents"], prepared.json["digests"]) == (0, PUPILS, 2 * PUPILS)
    assert len(prepared.json["review"]["slots"]) == PUPILS, "what is odd is told before the list goes away"
    values, signed = office.sign(listed, teacher)
    assert signed.code == 0, signed.err
    assert signed.json["code"] == prepared.json["code"], "both machines show the same code"
    assert not office.laptop.exists(), "the laptop needs no database and no documents"
    attached = office.run("attach", values, "--json")
    assert attached.code == 0, attached.err
    assert {name: attached.json[name] for name in ("attached", "already_attached", "refused", "missing", "open")} == {
        "attached": 2 * PUPILS, "already_attached": 0, "refused": [], "missing": 0, "open": 0,
    }  # fmt: skip
    again = office.run("attach", values)
    assert (again.code, again.out.count("0 signatures attached, 4 were attached before")) == (0, 1)
    _, nothing = office.prepare(teacher)
    assert (nothing.code, nothing.json) == (0, {"batch": None, "refused": []})


def test_a_list_names_no_pupil_and_no_mark(office: Office) -> None:
    listed, _ = office.prepare(office.take_teacher())
    content = listed.read_text("utf-8")
    people = office.made.workspace.get_authority().staff
    assert not [one.name for one in people if one.name in content and one.staff_code != listed.stem]
    lines = [json.loads(line) for line in content.splitlines()]
    assert {tuple(sorted(line)) for line in lines[1:]} == {
        ("class", "digest", "format", "number", "pupil_code", "serial", "slot", "version")
    }
    assert listed.stat().st_mode & 0o077 == 0, "for its owner alone"


def test_the_person_sees_the_list_and_is_asked(office: Office) -> None:
    teacher = office.take_teacher()
    listed, prepared = office.prepare(teacher)
    out = listed.with_suffix(".values")
    refused = office.run_on_laptop("sign", listed, *office.key(teacher), "--out", out, "--all")
    assert refused.code == 1
    assert not out.exists(), "nothing is signed without a yes"
    for shown in (prepared.json["code"], "4 digests of 2 documents", "7A1", prepared.json["certificate"]["serial"]):
        assert shown in refused.out
    assert all(line["pupil_code"] in refused.out for line in read_lines(listed)[1:])


def test_a_stopped_run_goes_on_and_signs_nothing_again(office: Office) -> None:
    teacher = office.take_teacher(Scheme.ECDSA)
    listed, _ = office.prepare(teacher)
    values, _ = office.sign(listed, teacher)
    whole = values.read_bytes().splitlines(keepends=True)
    values.write_bytes(b"".join(whole[:3]) + whole[3][:40])  # killed in the middle of a line
    short = office.run("attach", values, "--json")
    assert (short.code, short.json["attached"], short.json["missing"], len(short.json["unreadable"])) == (1, 2, 2, 1)
    assert "line 4" in short.json["unreadable"][0]
    _, signed = office.sign(listed, teacher)
    assert (signed.code, signed.json["signed"]) == (0, 4)
    assert values.read_bytes().splitlines(keepends=True)[:3] == whole[:3], "an ECDSA value made anew would differ"
    rest = office.run("attach", values, "--json")
    assert (rest.code, rest.json["attached"], rest.json["already_attached"]) == (0, 2, 2)


def test_an_edited_list_is_not_signed(office: Office) -> None:
    teacher = office.take_teacher()
    listed, _ = office.prepare(teacher)
    lines = read_lines(listed)
    edits: dict[str, list[dict[str, Any]]] = {
        "cut short": lines[:-1],
        "another order": [lines[0], lines[2], lines[1], *lines[3:]],
        "another class": [lines[0], lines[1] | {"class": "9A1"}, *lines[2:]],
        "short digest": [lines[0], lines[1] | {"digest": "00" * 20}, *lines[2:]],
        "twice": [lines[0], lines[1], lines[1] | {"number": 2}, *lines[3:]],
        "later": [lines[0] | {"expires_at": "2099-01-01T00:00:00+00:00"}, *lines[1:]],
        "hidden text": [lines[0], lines[1] | {"class": "7A1\u001b[2K"}, *lines[2:]],
        "no list": [{"type": "something else"}],
    }
    for edit, changed in edits.items():
        listed.write_bytes(b"".join(write_line(line) for line in changed))
        values, refused = office.sign(listed, teacher)
        assert (refused.code, refused.err.startswith("error (signing-list-invalid):")) == (1, True), edit
        assert not values.exists(), edit


def test_a_wrong_digest_is_named_even_when_the_list_agrees_with_itself(office: Office) -> None:
    teacher = office.take_teacher()
    listed, _ = office.prepare(teacher)
    lines = read_lines(listed)
    lines[1]["digest"] = "00" * 20
    _, refused = office.sign(reseal(listed, lines), teacher)
    assert refused.code == 1
    assert f"document {lines[1]['serial']} version 1, slot {lines[1]['slot']}" in refused.err


def test_what_an_edited_list_gets_signed_is_never_attached(office: Office) -> None:
    """Whoever carries the file may put other digests into it; the values fit nothing that was prepared."""
    teacher = office.take_teacher()
    listed, prepared = office.prepare(teacher)
    lines = read_lines(listed)
    lines[1]["digest"] = hashlib.sha256(b"something else").hexdigest()
    values, signed = office.sign(reseal(listed, lines), teacher)
    assert signed.json["code"] != prepared.json["code"], "the person who compares sees it"
    refused = office.run("attach", values)
    assert (refused.code, "signing-list-invalid" in refused.err) == (1, True)
    forged = read_lines(values)
    forged[0]["list_sha256"] = prepared.json["list_sha256"]
    values.write_bytes(b"".join(write_line(line) for line in forged))
    rest = office.run("attach", values, "--json")
    assert (rest.code, rest.json["attached"]) == (1, 2), "and the PDF of the refused XML waits"
    assert {one["code"] for one in rest.json["refused"]} == {"signature-mismatch", "slot-not-ready"}
    assert {one["serial"] for one in rest.json["refused"]} == {lines[1]["serial"]}


def test_another_key_signs_nothing(office: Office) -> None:
    teacher, other = office.take_teacher(), office.take_teacher()
    listed, prepared = office.prepare(teacher)
    values, refused = office.sign(listed, other)
    assert (refused.code, refused.err.startswith("error (signature-mismatch):")) == (1, True)
    assert prepared.json["certificate"]["serial"] in refused.err
    assert not values.exists()


def test_an_expired_list_is_not_signed(office: Office) -> None:
    teacher = office.take_teacher()
    listed, _ = office.prepare(teacher)
    lines = read_lines(listed)
    lines[0]["expires_at"] = (SystemClock().now() - timedelta(seconds=1)).isoformat()
    _, refused = office.sign(reseal(listed, lines), teacher)
    assert (refused.code, refused.err.startswith("error (signing-batch-expired):")) == (1, True)


def test_a_file_of_another_list_is_not_overwritten_and_not_attached(office: Office) -> None:
    teacher = office.take_teacher()
    listed, prepared = office.prepare(teacher)
    values, _ = office.sign(listed, teacher)
    kept = values.read_bytes()
    listed, _ = office.prepare(teacher)
    _, refused = office.sign(listed, teacher)
    assert (refused.code, values.read_bytes()) == (1, kept)
    dropped = office.run("drop", prepared.json["batch"])
    assert dropped.code == 0
    unknown = office.run("attach", values)
    assert (unknown.code, unknown.err.startswith("error (not-found):")) == (1, True)
    values.write_bytes(b"")
    assert "signing-list-invalid" in office.run("attach", values).err


def test_the_agent_signs_over_http(office: Office) -> None:
    teacher = office.take_teacher()
    office.let_clerks_in()
    with serving(create_app(office.made.workspace)) as port:
        command = ("agent", "--service", f"http://127.0.0.1:{port}", *office.key(teacher), "--json")
        nobody = office.run_on_laptop(*command, "--yes", HOCBA_CLERK_TOKEN="wrong")
        assert (nobody.code, nobody.err.startswith("error (unauthorized):")) == (1, True)
        unasked = office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN)
        assert unasked.code == 1
        done = office.run_on_laptop(*command, "--yes", HOCBA_CLERK_TOKEN=TOKEN)
        assert done.code == 0, done.err
        assert (done.json["attached"], done.json["refused"], done.json["not_prepared"]) == (2 * PUPILS, [], [])
        nothing = office.run_on_laptop(*command, "--yes", HOCBA_CLERK_TOKEN=TOKEN)
        assert (nothing.code, nothing.json) == (0, {"batch": None})
    assert list(office.laptop.rglob("*")) == [], "what was taken is not kept"


@dataclass
class Flaky:
    """A service that does not take values for a while."""

    app: FastAPI
    failing: bool = True
    refused: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.failing and scope["path"].endswith("/values"):
            self.refused += 1
            await Response(status_code=502)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def test_values_that_could_not_be_sent_are_kept_and_sent_by_the_next_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.signing.agent_client._PAUSE_S", 0.0)
    teacher = office.take_teacher(Scheme.ECDSA)
    office.let_clerks_in()
    flaky = Flaky(create_app(office.made.workspace))
    with serving(flaky) as port:
        command = ("agent", "--service", f"http://127.0.0.1:{port}", *office.key(teacher), "--yes", "--json")
        cut_off = office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN)
        assert (cut_off.code, cut_off.err.count("kept on this machine")) == (1, 1)
        assert flaky.refused == 3, "it tries again, then gives up"
        (kept,) = office.laptop.rglob("*.jsonl")
        assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert len(read_lines(kept)) == 1 + 2 * PUPILS
        still = office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN)
        assert (still.code, kept.exists()) == (1, True)
        flaky.failing = False
        done = office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN)
        assert (done.code, done.json) == (0, {"batch": None, "earlier": {"attached": 2 * PUPILS, "refused": []}})
    assert list(office.laptop.rglob("*")) == []
    office.assert_signed_once(teacher)


def test_values_that_come_too_late_are_told_and_forgotten(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.signing.agent_client._PAUSE_S", 0.0)
    teacher = office.take_teacher()
    office.let_clerks_in()
    flaky = Flaky(create_app(office.made.workspace))
    with serving(flaky) as port:
        command = ("agent", "--service", f"http://127.0.0.1:{port}", *office.key(teacher), "--yes", "--json")
        assert office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN).code == 1
        (kept,) = office.laptop.rglob("*.jsonl")
        assert office.run("drop", read_lines(kept)[0]["batch"]).code == 0
        flaky.failing = False
        done = office.run_on_laptop(*command, HOCBA_CLERK_TOKEN=TOKEN)
    assert (done.code, done.json["attached"]) == (0, 2 * PUPILS), "prepared and signed anew"
    assert "4 values of an earlier run came too late" in done.err
    assert list(office.laptop.rglob("*")) == []


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def reseal(path: Path, lines: list[dict[str, Any]]) -> Path:
    """Write an edited list that agrees with itself: its code is then another one."""
    head, digests = parse_head(lines[0]), [parse_digest(line) for line in lines[1:]]
    lines[0]["list_sha256"] = digest_list(head, digests).hex()
    path.write_bytes(b"".join(write_line(line) for line in lines))
    return path
