"""`hocba build`: locks documents; `--replaces` makes the next version of an issued one."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.options import ClassOption, JsonOption, SchoolOption, open_settings_workspace
from service.cli.output import print_json, print_table, progress, say
from service.schools.enrolment import get_enrolled_school
from service.schools.years import choose_year
from service.transcripts.building import BuildOptions, BuildResult, build_documents
from service.transcripts.replacing import build_replacement
from transcript_core.errors import InputError
from transcript_core.model import Stage, Substitution

ACTOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("build")(build)


def build(
    school_code: SchoolOption = None,
    year: Annotated[str | None, typer.Option(help="School year, 2025-2026; needed when several are imported.")] = None,
    class_name: ClassOption = None,
    stage: Annotated[Stage, typer.Option(help="HK1: only term I; CA_NAM: the whole year.")] = Stage.YEAR,
    replaces: Annotated[
        str | None, typer.Option(help="Serial of an issued document: build its next version from the records.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is replaced.")] = None,
    unlock: Annotated[
        bool, typer.Option(help="Also rebuild documents that are not issued yet and whose records or signers changed.")
    ] = False,
    deputy: Annotated[str | None, typer.Option(help="Staff code of the deputy who signs for the principal.")] = None,
    deputy_reason: Annotated[str, typer.Option(help="Why the deputy signs.")] = "",
    deputy_authority: Annotated[str, typer.Option(help="Number and date of the decision that allows it.")] = "",
    json: JsonOption = False,
) -> int:
    """Build and lock the transcripts of all good pupils.  What was built stays; run it again to go on."""
    workspace = open_settings_workspace()
    school = get_enrolled_school(workspace.get_authority(), school_code)
    options = BuildOptions(
        stage=stage,
        deputy_staff_code=deputy,
        deputy=None if deputy is None else Substitution(deputy_reason, deputy_authority),
    )
    if replaces is not None:
        if not reason:
            raise InputError("a replacement needs --reason")
        key = build_replacement(
            workspace, replaces, school=school, reason=reason, options=options, unlock=unlock, actor=ACTOR
        )
        print_json({"serial": key.serial, "version": key.version}) if json else say(f"built and locked {key}")
        return 0
    school_year = choose_year(workspace, school.school_code, year)
    with progress("build", 0) as advance:
        result = build_documents(
            workspace,
            school=school,
            school_year=school_year,
            class_name=class_name,
            options=options,
            unlock=unlock,
            actor=ACTOR,
            advance=advance,
        )
    print_json(_to_dict(result)) if json else _print(result)
    return 1 if result.incomplete else 0


def _to_dict(result: BuildResult) -> dict[str, object]:
    return {
        "built": [{"serial": key.serial, "version": key.version} for key in result.built],
        "rebuilt": [{"serial": key.serial, "version": key.version} for key in result.rebuilt],
        "unchanged": result.unchanged,
        "incomplete": dict(result.incomplete),
        "held_back": list(result.held_back),
    }


def _print(result: BuildResult) -> None:
    say(
        f"{len(result.built)} documents built and locked, {len(result.rebuilt)} rebuilt, {result.unchanged} were "
        f"there already, {len(result.held_back)} pupils held back"
    )
    if result.incomplete:
        print_table("Not built, something is missing", ("pupil", "what"), sorted(result.incomplete.items()))
