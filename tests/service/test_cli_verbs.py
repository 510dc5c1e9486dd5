"""Every verb of `hocba`, from the draft of the authority list to the recall, as an office would use them.

One office does the main job once, by the command alone and over HTTP to the development servers; tests look at what
each verb printed and left.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.correction import correct_final_mark
from demo.school_generator import write_school
from keys_dev.pki import DevelopmentPki, Subscriber
from keys_dev.server import running
from tests.support.command import Ran, run_command
from transcript_core.clock import VIETNAM_TIME, SystemClock
from transcript_core.intake import import_school
from transcript_core.model import SchoolLevel
from transcript_core.pki.trust import World
from transcript_core.records import SchoolRecords

pytestmark = pytest.mark.xdist_group("cli-verbs")  # the main job is done once, by one worker

SCHOOL_CODE = "48000501"
SEAL_IDENTITY = "MST:0401112223"
REASON = "Nhập nhầm điểm đánh giá cuối kì"
PUPILS = 2


@dataclass
class Office:
    """A school's office: its folder, keys, and what it ran."""

    folder: Path
    pki: DevelopmentPki
    records: SchoolRecords
    keys: dict[str, Path]  # staff code or "seal" → PKCS#12
    ran: dict[str, Ran] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, object]:
        """Return the settings of the installation."""
        return {
            "HOCBA_HOME": self.folder / "home",
            "HOCBA_ANCHORS_DIR": self.pki.anchors_dir,
            "HOCBA_AUTHORITY_FILE": self.folder / "authority.jws",
            "HOCBA_TSA_URLS": self.pki.tsa_url,
        }

    def run(self, *argv: object, **environment: object) -> Ran:
        """Run one verb with the office's settings."""
        return run_command(*argv, environment={**self.environment, **environment})

    def key(self, holder: str) -> tuple[object, ...]:
        """Return the options that name a holder's key."""
        path = self.keys[holder]
        return ("--key", path, "--password-file", path.with_suffix(".password"))

    def find(self, position: str) -> str:
        """Return the staff code of the one who holds this position."""
        return next(one.staff_code for one in self.records.staff if one.position == position)

    def copy(self, folder: Path) -> Office:
        """Return an office of one's own that goes on from here."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("keys"))
        return Office(folder, self.pki, self.records, self.keys)

    def sign_all(self) -> list[Ran]:
        """Let everybody sign until nothing is open."""
        runs = []
        signed = True
        while signed:
            signed = False
            for holder in self.keys:
                if holder != "seal":
                    runs.append(self.run("sign", *self.key(holder), "--yes", "--json"))
                    signed = signed or bool(runs[-1].json["signed"])
        return runs

    def write_files(self, folder: Path) -> list[Path]:
        """Write the XML of every stored, sealed document; return the paths."""
        folder.mkdir(exist_ok=True)
        found = []
        for path in sorted((self.folder / "home" / "store").glob("*/*")):
            content = path.read_bytes()
            if content.startswith(b"<HOC_BA") and b'Id="sig-ky-phat-hanh"' in content:
                found.append(folder / f"{path.name}.xml")
                found[-1].write_bytes(content)
        return found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    write_school(folder / "school", pupils_per_class=PUPILS)
    today = SystemClock().now().astimezone(VIETNAM_TIME).date()
    records = import_school(folder / "school", school_level=SchoolLevel.LOWER_SECONDARY, as_of=today).records
    with running(folder / "keys") as pki:
        made = Office(folder, pki, records, issue_keys(pki, records))
        do_the_main_job(made)
        yield made


def issue_keys(pki: DevelopmentPki, records: SchoolRecords) -> dict[str, Path]:
    name = "Trường THCS Sao Mai"
    people = [
        Subscriber(one.name, identity_of(number), name, World.PUBLIC_DUTY, "p-256")
        for number, one in enumerate(records.staff)
    ]
    *files, seal = pki.issue_all([*people, Subscriber(name, SEAL_IDENTITY, name, World.PUBLIC_DUTY, "p-256")])
    return {**dict(zip((one.staff_code for one in records.staff), files, strict=True)), "seal": seal}


def identity_of(number: int) -> str:
    return f"CCCD:0480800{number:05d}"


def do_the_main_job(office: Office) -> None:
    folder = office.folder
    with (folder / "identities.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("staff_code", "identity"))
        writer.writerows((one.staff_code, identity_of(number)) for number, one in enumerate(office.records.staff))
    department = office.pki.authority_p12
    office.ran["draft"] = office.run(
        "authority", "draft", folder / "school", "--identities", folder / "identities.csv", "--school-code",
        SCHOOL_CODE, "--level", "THCS", "--seal", SEAL_IDENTITY, "--commune", "Phường Sao Mai", "--province", "48",
        "--number", 1, "--out", folder / "draft.json", "--deputy", f"{office.find('Phó hiệu trưởng')}=Quyết định 15",
    )  # fmt: skip
    office.ran["authority-sign"] = office.run(
        "authority", "sign", folder / "draft.json", "--key", department, "--password-file",
        department.with_suffix(".password"), "--out", folder / "authority.jws",
    )  # fmt: skip
    office.ran["import"] = office.run("import", folder / "school", "--json")
    office.ran["build"] = office.run("build", "--json")
    office.ran["build-again"] = office.run("build")
    runs = office.sign_all()
    office.ran["signs"] = Ran(max(one.code for one in runs), json.dumps([one.json for one in runs]), "")
    office.ran["issue"] = office.run("issue", *office.key("seal"), "--yes", "--json")
    office.ran["status"] = office.run("status", "export", *office.key("seal"), "--out", folder / "status.jws")


def test_every_verb_of_the_main_job_ends_well(office: Office) -> None:
    assert {name: ran.code for name, ran in office.ran.items()} == dict.fromkeys(office.ran, 0)
    assert "hocba authority sign" in office.ran["draft"].out
    assert (office.folder / "authority.jws").is_file()
    assert "0 documents built" in office.ran["build-again"].out
    assert str(SCHOOL_CODE) in office.ran["status"].out


def test_json_of_import_build_sign_and_issue(office: Office) -> None:
    imported = office.ran["import"].json
    assert (imported["taken"], imported["held_back"], imported["changed"]) == (PUPILS, [], True)
    built = office.ran["build"].json
    assert len(built["built"]) == PUPILS
    assert {tuple(one) for one in built["built"]} == {("serial", "version")}
    signed = [one for run in office.ran["signs"].json for one in run["signed"]]
    assert len({(one["document"], one["slot"]) for one in signed}) == len(signed) == 18 * PUPILS
    assert [one for run in office.ran["signs"].json for one in run["failed"]] == []
    issued = office.ran["issue"].json
    assert len(issued["issued"]) == PUPILS
    assert issued["failed"] == []


def test_authority_show(office: Office) -> None:
    shown = office.run("authority", "show", office.folder / "authority.jws", "--json")
    assert shown.code == 0
    assert (shown.json["number"], shown.json["schools"]) == (1, [SCHOOL_CODE])
    text = office.run("authority", "show", office.folder / "authority.jws")
    assert office.find("Hiệu trưởng") in text.out
    nobody = run_command("authority", "show", office.folder / "authority.jws", environment={})
    assert nobody.code == 1
    assert nobody.err.startswith("error (authority-list-invalid):")


def test_verify_exits_with_the_outcome(office: Office, tmp_path: Path) -> None:
    genuine, *_ = office.write_files(tmp_path)
    status = ("--status", office.folder / "status.jws")
    passed = office.run("verify", genuine, *status, "--json")
    assert (passed.code, passed.json["outcome"], passed.json["document"]["status"]) == (0, "TOTAL-PASSED", "valid")
    assert office.run("verify", genuine, "--json").code == 3, "without any status"
    edited = tmp_path / "edited.xml"
    edited.write_bytes(genuine.read_bytes().replace(b"<DIEM>", b"<DIEM>1", 1))
    failed = office.run("verify", edited, *status, "--json")
    assert (failed.code, failed.json["outcome"]) == (1, "TOTAL-FAILED")
    stranger = run_command("verify", genuine, "--json", environment={})
    assert (stranger.code, stranger.json["outcome"]) == (3, "INDETERMINATE")
    assert office.run("verify", genuine, "--en", *status).out.count("TOTAL-PASSED") >= 1


def test_verify_of_several_files_exits_with_the_worst(office: Office, tmp_path: Path) -> None:
    first, second = office.write_files(tmp_path)
    status = ("--status", office.folder / "status.jws")
    both = office.run("verify", first, second, *status, "--json")
    assert (both.code, len(both.json)) == (0, 2)
    broken = tmp_path / "broken.xml"
    broken.write_bytes(b"<HOC_BA>")
    worst = office.run("verify", first, broken, *status, "--json")
    assert worst.code == 1
    assert [one["file"] for one in worst.json] == [first.name, broken.name]
    assert office.run("verify", first, "--at", "2020-01-01T00:00:00Z", *status).code in {1, 3}, "before it was signed"


@pytest.mark.parametrize(
    "options",
    [
        ("--at", "yesterday"),
        ("--at", "2026-05-31T08:00:00"),
        ("--authority", "{folder}/draft.json"),
        ("--authority", "{folder}/nowhere.jws"),
        ("--anchors", "{folder}/school"),
        ("--status", "{folder}/authority.jws"),
        ("--status", "{folder}/nowhere.jws"),
        ("--no-such-option",),
    ],
    ids=lambda options: " ".join(options).replace("{folder}/", ""),
)
def test_verify_that_cannot_judge_exits_2(office: Office, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Nothing was judged, so this must never look like a document that failed."""
    genuine, *_ = office.write_files(tmp_path)
    ran = office.run("verify", genuine, *(one.format(folder=office.folder) for one in options))
    assert ran.code == 2
    assert len(ran.err.strip().splitlines()) == 1
    assert ran.err.startswith("error")
    assert ran.out == ""


def test_inspect(office: Office, tmp_path: Path) -> None:
    genuine, *_ = office.write_files(tmp_path)
    inspected = office.run("inspect", genuine, "--json")
    assert inspected.code in {0, 3}
    assert len(inspected.json["signatures"]) == 19
    noise = tmp_path / "noise.bin"
    noise.write_bytes(bytes(range(256)))
    assert office.run("inspect", noise, "--json").json["outcome"] != "TOTAL-PASSED"
    assert office.run("inspect", tmp_path / "nowhere.xml").code == 2


def test_replace_recall_and_audit(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "office")
    serial = mine.ran.get("", office.ran["build"]).json["built"][0]["serial"]
    genuine = next(path for path in mine.write_files(tmp_path) if serial.encode() in path.read_bytes())
    correct_final_mark(mine.folder / "school", "Toán.xlsx", [one.pupil_code for one in office.records.pupils])
    assert mine.run("import", mine.folder / "school").code == 0
    without = mine.run("build", "--replaces", serial)
    assert (without.code, without.err.startswith("error (input-error): a replacement needs --reason")) == (1, True)
    changed = [one["serial"] for one in office.ran["build"].json["built"]]
    builds = [mine.run("build", "--replaces", one, "--reason", REASON, "--json") for one in changed]
    assert sorted(one.code for one in builds) == [0, 1], "one pupil's mark was corrected"
    replaced = next(one.json for one in builds if one.code == 0)
    assert replaced["version"] == 2
    approve_what_was_reviewed(mine, replaced["serial"])
    mine.sign_all()
    issue_what_was_reviewed(mine, f"{replaced['serial']}/2")

    recalled = next(one for one in changed if one != replaced["serial"])
    clerk, principal = mine.find("Văn thư"), mine.find("Hiệu trưởng")
    asked = mine.run(
        "recall", "request", recalled, 1, "--reason", "Phát hành nhầm", "--approver", principal, *mine.key(clerk)
    )
    assert (asked.code, f"hocba recall approve {recalled}" in asked.out) == (0, True)
    refused = mine.run("recall", "approve", recalled, *mine.key(clerk))
    assert (refused.code, refused.err.startswith("error (not-eligible):")) == (1, True)
    assert mine.run("recall", "approve", recalled, *mine.key(principal)).code == 0
    sealed = mine.run("recall", "seal", recalled, *mine.key("seal"))
    assert (sealed.code, "in force" in sealed.out) == (0, True)

    status = tmp_path / "status.jws"
    assert mine.run("status", "export", *mine.key("seal"), "--out", status).code == 0
    report = mine.run("verify", genuine, "--status", status, "--json")
    assert report.code == 1
    assert report.json["document"]["status"] in {"superseded", "recalled"}

    audited = mine.run("audit", recalled, "--json").json
    assert [one["event"] for one in audited["events"]] == ["NEW", "CANCEL"]
    assert [one["status"] for one in audited["events"]] == ["recalled", None]
    actions = [one["action"] for one in audited["actions"]]
    assert actions.count("sign") == 19
    assert actions[0] == "lock"
    assert {"issue", "recall-request", "recall-approved", "recall"} <= set(actions)
    again = mine.run("audit", replaced["serial"], "--json").json
    assert [one["status"] for one in again["events"]] == ["superseded", "valid"]
    text = mine.run("audit", recalled.lower())
    assert (text.code, "CANCEL" in text.out) == (0, True)


def approve_what_was_reviewed(office: Office, serial: str) -> None:
    """The teacher whose marks changed looks first, is not asked where nobody can answer, and approves by the digest."""
    teacher = next(one.staff_code for one in office.records.assignments if one.subject_code == "TOAN")
    shown = office.run("sign", *office.key(teacher), "--review")
    assert (shown.code, "Sẽ ký 1 học bạ" in shown.out, "thay phiên bản 1: TOAN" in shown.out) == (0, True, True)
    assert REASON in shown.out
    review = office.run("sign", *office.key(teacher), "--review", "--json").json
    assert {one["key"]["serial"] for one in review["slots"]} == {serial}
    assert review["digest"] in shown.out
    unanswered = office.run("sign", *office.key(teacher))
    assert (unanswered.code, "nobody can be asked" in unanswered.err) == (1, True)
    unknown = office.run("sign", *office.key(teacher), "--approve", "0" * 64)
    assert (unknown.code, "hocba sign --review" in unknown.err) == (1, True)
    signed = office.run("sign", *office.key(teacher), "--approve", review["digest"], "--json")
    assert (signed.code, signed.json["failed"]) == (0, [])
    assert {one["document"] for one in signed.json["signed"]} == {f"{serial}/2"}
    assert {one["slot"] for one in signed.json["signed"]} == {one["slot_id"] for one in review["slots"]}


def issue_what_was_reviewed(office: Office, name: str) -> None:
    """Whoever keeps the seal sees what it will be put on, and approves by the digest, too."""
    shown = office.run("issue", *office.key("seal"), "--review")
    assert (shown.code, "Sẽ ký 1 học bạ: 1 chữ ký XML, 1 chữ ký PDF, 1 chữ ký JSON." in shown.out) == (0, True)
    review = office.run("issue", *office.key("seal"), "--review", "--json").json
    assert [(one["slot_id"], one["role"]) for one in review["slots"]] == [("ky-phat-hanh", "KY_PHAT_HANH")]
    unanswered = office.run("issue", *office.key("seal"))
    assert (unanswered.code, "nobody can be asked" in unanswered.err) == (1, True)
    issued = office.run("issue", *office.key("seal"), "--approve", review["digest"], "--json")
    assert (issued.code, issued.json["issued"], issued.json["review"]["digest"]) == (0, [name], review["digest"])


def test_audit_tells_a_forged_row(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "office")
    serial = office.ran["build"].json["built"][0]["serial"]
    store = mine.folder / "home" / "store"
    digest = mine.run("audit", serial, "--json").json["events"][0]["file"]
    (store / digest[:2] / digest).unlink()
    (event,) = mine.run("audit", serial, "--json").json["events"]
    assert event["status"] == "unproven"


def test_audit_of_what_is_not_here(office: Office) -> None:
    unknown = office.run("audit", "0" * 26)
    assert (unknown.code, unknown.err.startswith("error (not-found):")) == (1, True)
    odd = office.run("audit", "nonsense")
    assert (odd.code, odd.err.startswith("error (input-error):")) == (1, True)


def test_import_with_errors_lists_every_problem(office: Office, tmp_path: Path) -> None:
    write_school(tmp_path / "troubled", pupils_per_class=PUPILS, troubles=True)
    home = {"HOCBA_HOME": tmp_path / "home"}
    refused = office.run("import", tmp_path / "troubled", "--json", **home)
    assert refused.code == 1
    assert refused.json["taken"] == 0
    problems = refused.json["problems"]
    assert any(one["severity"] == "error" for one in problems)
    assert all(one["file"] and one["what"] and one["remedy"] for one in problems)
    text = office.run("import", tmp_path / "troubled", **home)
    assert text.code == 1
    assert text.err.count("\n") > len(problems)
    assert "error (import-rejected):" in text.err
    held = office.run("import", tmp_path / "troubled", "--hold-back", "--json", **home)
    assert (held.code, held.json["taken"], len(held.json["held_back"])) == (0, PUPILS - 1, 1)
    again = office.run("import", tmp_path / "troubled", "--hold-back", **home)
    assert (again.code, "nothing changed" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("build", "--year", "2024-2025"), 1, "hocba import"),
        (("build", "--replaces", "0" * 26, "--reason", "x"), 1, "no document"),
        (("build", "--school-code", "99999999"), 1, "99999999"),
        (("import", "nowhere"), 2, "nowhere"),
        (("sign",), 2, "--key"),
        (("sign", "--key", "nowhere.p12", "--password-file", "nowhere"), 1, "nowhere"),
        (("recall", "request", "0" * 26, "1"), 2, "--reason"),
        (("build", "--stage", "HK9"), 2, "HK9"),
        (("verify",), 2, "files"),
        (("frobnicate",), 2, "frobnicate"),
        (("issue", "--key", "{clerk}", "--password-file", "{clerk_password}"), 1, "seal"),
        (("sign", "--key", "{clerk}", "--password-file", "{folder}/draft.json"), 1, "password"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_told_in_one_line(office: Office, argv: tuple[str, ...], code: int, says: str) -> None:
    clerk = office.keys[office.find("Văn thư")]
    names = {"clerk": clerk, "clerk_password": clerk.with_suffix(".password"), "folder": office.folder}
    ran = office.run(*(one.format(**names) for one in argv))
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert ran.err.startswith("error")
    assert len(ran.err.strip().splitlines()) == 1
    assert says in ran.err


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HOCBA_STATUS_VALID_DAYS", "soon", "HOCBA_STATUS_VALID_DAYS"),
        ("HOCBA_DATABASE_URL", "nonsense", "HOCBA_DATABASE_URL"),
        ("HOCBA_DATABASE_URL", "postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "HOCBA_DATABASE_URL"),
        ("HOCBA_AUTHORITY_FILE", "/nowhere/authority.jws", "authority"),
        ("HOCBA_TSA_URLS", "http://tsa.example|budget=many", "HOCBA_TSA_URLS"),
        ("HOCBA_ANCHORS_DIR", "/nowhere", "/nowhere"),
    ],
)
def test_settings_that_cannot_be_used_are_named(office: Office, variable: str, value: str, says: str) -> None:
    ran = office.run("build", **{variable: value})
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1
    assert says in ran.err
    assert "secret" not in ran.err


def test_a_file_that_cannot_be_written_is_named(office: Office, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_bytes(b"")
    ran = office.run("status", "export", *office.key("seal"), "--out", blocked / "status.jws")
    assert (ran.code, ran.err.startswith("error (file-error):")) == (1, True)
    assert "a-file" in ran.err


def test_a_database_that_breaks_is_told_in_one_line(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "office")
    with sqlite3.connect(mine.folder / "home" / "hocba.db") as database:
        database.execute("DROP TABLE audit_events")
    database.close()
    ran = mine.run("audit", office.ran["build"].json["built"][0]["serial"])
    assert (ran.code, ran.err.startswith("error (database-error):")) == (1, True)
    assert len(ran.err.strip().splitlines()) == 1


def test_keys_dev_lists_what_was_issued(office: Office) -> None:
    listed = office.run("keys-dev", "list", "--folder", office.pki.folder)
    assert listed.code == 0
    assert SEAL_IDENTITY in listed.out
    assert office.run("keys-dev", "list", "--folder", office.folder / "school").code == 1


@pytest.mark.parametrize(
    "verb", ["import", "build", "sign", "issue", "extend", "verify", "inspect", "recall", "serve", "audit"]
)
def test_every_verb_explains_itself(office: Office, verb: str) -> None:
    ran = office.run(verb, "--help")
    assert ran.code == 0
    assert "Usage" in ran.out


def test_extend_raises_what_was_issued(office: Office, tmp_path: Path) -> None:
    own = office.copy(tmp_path / "own")
    first = own.run("extend", "--all", "--to", "B-LTA", "--json", HOCBA_TSA_URLS=f"{own.pki.tsa_url}|budget=1/1h")
    assert first.code == 1
    assert len(first.json["waiting"]) == PUPILS
    assert first.json["retry_at"]
    second = own.run("extend", "--all", "--to", "B-LTA", "--json")
    assert (second.code, second.json["waiting"], second.json["failed"]) == (0, [], [])
    assert {one["level"] for one in second.json["raised"]} == {"B-LTA"}
    assert "0 documents raised" in own.run("extend", "--all", "--to", "B-LTA").out
    for path in own.write_files(tmp_path / "files"):
        if b"ArchiveTimeStamp" in path.read_bytes():
            assert own.run("verify", path, "--status", own.folder / "status.jws").code == 0


def test_extend_raises_loose_files_in_their_place(office: Office, tmp_path: Path) -> None:
    path = office.write_files(tmp_path / "files")[0]
    ran = office.run("extend", path, "--to", "B-LTA", "--json")
    assert ran.code == 0, ran.err
    assert [one["level"] for one in ran.json] == ["B-LTA"]
    assert path.read_bytes().count(b"<xades141:ArchiveTimeStamp") == 1
    assert office.run("extend", path, "--to", "B-LTA").out.strip().endswith("B-LTA")
    assert path.read_bytes().count(b"<xades141:ArchiveTimeStamp") == 1
    path.write_bytes(b"%PDF-1.7 nothing")
    assert office.run("extend", path).code == 1


@pytest.mark.parametrize("argv", [(), ("--all", "file.xml"), ("--all", "--to", "B-X")])
def test_extend_says_what_it_needs(office: Office, argv: tuple[str, ...]) -> None:
    ran = office.run("extend", *argv)
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1
