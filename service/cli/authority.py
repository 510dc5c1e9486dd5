"""`hocba authority`: draft, sign and show the department's list of who may sign what."""

from __future__ import annotations

import csv
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import JsonOption, KeyOption, PasswordOption, open_key, open_settings_workspace
from service.cli.output import print_json, print_table, say
from service.schools.authority_files import sign_authority
from service.schools.enrolment import Enrolment, draft_authority
from service.settings import load_settings
from service.store import write_atomically
from service.trust_material import read_authority
from transcript_core.authority import AuthorityList, build_authority_payload, parse_authority
from transcript_core.clock import VIETNAM_TIME, SystemClock
from transcript_core.errors import InputError
from transcript_core.intake import import_school, list_blocking
from transcript_core.model import School, SchoolLevel
from transcript_core.pki.trust import load_trust_store
from transcript_core.tables import get_province

app = typer.Typer(help="The department's signed list of who may sign what.", no_args_is_help=True)


@app.command("draft")
def draft(
    folder: Annotated[Path, typer.Argument(help="Folder with the school's workbooks.", exists=True, file_okay=False)],
    identities: Annotated[
        Path, typer.Option(help="CSV with the columns staff_code and identity (CCCD:…).", exists=True)
    ],
    school_code: Annotated[str, typer.Option(help="Code of the sector database.")],
    level: Annotated[SchoolLevel, typer.Option(help="School level.")],
    seal: Annotated[str, typer.Option(help="Identity in the seal's certificate: MST:…")],
    commune: Annotated[str, typer.Option(help="Xã, phường or đặc khu of the school.")],
    province: Annotated[str, typer.Option(help="Two-digit code of the province.")],
    number: Annotated[int, typer.Option(min=1, help="Number of the list, higher than all before.")],
    out: Annotated[Path, typer.Option(help="Where the draft goes, JSON.")],
    days: Annotated[int, typer.Option(min=1, help="Days the list is valid.")] = 400,
    deputy: Annotated[
        list[str] | None, typer.Option(help="STAFF_CODE=decision: a vice-principal who may sign for the principal.")
    ] = None,
) -> None:
    """Draft the list of one school from its own lists of staff and assignments."""
    now = SystemClock().now()
    result = import_school(folder, school_level=level, as_of=now.astimezone(VIETNAM_TIME).date())
    if list_blocking(result):
        raise InputError("the workbooks have errors that concern the whole school; run: hocba import, and mend them")
    records = result.records
    today = now.astimezone(VIETNAM_TIME).date()
    school = School(
        school_code=school_code,
        name=records.school_name,
        level=level,
        commune=commune,
        province_code=province,
        province_name=get_province(province, on=today).name,
        department_name=records.department_name,
    )
    enrolment = Enrolment(
        school=school,
        seal_identity=seal,
        identities=_read_identities(identities),
        from_day=date(int(records.school_year[:4]), 8, 1),
        deputies=dict(_split_deputy(one) for one in deputy or []),
    )
    made = draft_authority(
        {school_code: (enrolment, records)},
        number=number,
        issuer=records.department_name,
        issued_at=now,
        valid_to=datetime.combine(today + timedelta(days=days), time(), UTC),
    )
    write_atomically(out, build_authority_payload(made))
    say(f"draft of list {number}: {len(made.schools)} school, {len(made.staff)} people; next: hocba authority sign")


@app.command("sign")
def sign(
    payload: Annotated[Path, typer.Argument(help="The draft, JSON.", exists=True, dir_okay=False)],
    key: KeyOption,
    out: Annotated[Path, typer.Option(help="Where the signed list goes.")],
    password_file: PasswordOption = None,
) -> None:
    """Check a draft and sign it with the department's key."""
    with closing(open_key(key, password_file)) as signer:
        signed = sign_authority(parse_authority(payload.read_bytes()), signer)
    write_atomically(out, signed)
    say(f"signed authority list: {out}")


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="The signed list.", exists=True, dir_okay=False)],
    anchors: Annotated[Path | None, typer.Option(help="Folder of anchors with authority/ in it.")] = None,
    json: JsonOption = False,
) -> None:
    """Verify a signed list and show what it says."""
    folder = anchors or load_settings().anchors_dir
    trust = open_settings_workspace().trust if folder is None else load_trust_store(folder)
    authority = read_authority(file, trust, SystemClock())
    if json:
        print_json(_to_dict(authority))
        return
    say(f"list {authority.number} of {authority.issuer}, valid until {authority.valid_to:%Y-%m-%d}")
    rows = [
        (person.staff_code, person.name, ", ".join(sorted({office.office.value for office in person.offices})))
        for person in authority.staff
    ]
    print_table("Who may sign", ("staff code", "name", "offices"), rows)


def _read_identities(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return {row["staff_code"].strip(): row["identity"].strip() for row in rows}
    except (KeyError, AttributeError) as error:
        raise InputError(f"{path.name} needs the columns staff_code and identity") from error


def _split_deputy(text: str) -> tuple[str, str]:
    code, separator, decision = text.partition("=")
    if not separator or not decision.strip():
        raise InputError(f"--deputy is written STAFF_CODE=decision, not {text!r}")
    return code.strip(), decision.strip()


def _to_dict(authority: AuthorityList) -> dict[str, object]:
    return {
        "number": authority.number,
        "issuer": authority.issuer,
        "issued_at": authority.issued_at,
        "valid_to": authority.valid_to,
        "schools": [school.school_code for school in authority.schools],
        "staff": len(authority.staff),
    }
