"""`hocba import`: a school's spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import JsonOption, SchoolOption, open_settings_workspace
from service.cli.output import fail, print_json, print_problems, problem_to_dict, say
from service.schools.enrolment import get_enrolled_school
from service.schools.importing import ImportHasErrors, ImportOutcome, import_folder
from transcript_core.records import Severity

ACTOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("import")(import_)


def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with the school's workbooks.", exists=True, file_okay=False)],
    school_code: SchoolOption = None,
    hold_back: Annotated[
        bool, typer.Option("--hold-back", help="Take the good pupils; hold the others back, who cannot be signed.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Import one school year.  An import with errors takes nothing; the same files twice change nothing."""
    workspace = open_settings_workspace()
    school = get_enrolled_school(workspace.get_authority(), school_code)
    try:
        outcome = import_folder(workspace, folder, school=school, hold_back=hold_back, actor=ACTOR)
    except ImportHasErrors as error:
        if json:
            print_json({"taken": 0, "problems": [problem_to_dict(one) for one in error.problems]})
        else:
            print_problems(error.problems)
            fail(str(error), code=error.code)
        return 1
    if json:
        print_json(_to_dict(outcome))
    else:
        _print(outcome)
    return 0


def _to_dict(outcome: ImportOutcome) -> dict[str, object]:
    return {
        "school_code": outcome.school_code,
        "school_year": outcome.records.school_year,
        "taken": len(outcome.records.pupils),
        "held_back": list(outcome.records.held_back),
        "changed": outcome.changed,
        "problems": [problem_to_dict(one) for one in outcome.problems],
    }


def _print(outcome: ImportOutcome) -> None:
    print_problems(outcome.problems)
    records = outcome.records
    warnings = sum(one.severity is Severity.WARNING for one in outcome.problems)
    say(
        f"{records.school_name}, {records.school_year}: {len(records.pupils)} pupils of {len(records.classes)} classes "
        f"taken, {len(records.held_back)} held back, {warnings} warnings"
    )
    if not outcome.changed:
        say("the same was imported before; nothing changed")
