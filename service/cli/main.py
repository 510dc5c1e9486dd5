"""The command `hocba`: parses, calls one use case, prints, returns a documented exit code.

Exit codes: 0 done or passed · 1 failed · 2 wrong usage · 3 indeterminate.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

import typer
from sqlalchemy.exc import SQLAlchemyError

from service.cli import (
    audit,
    authority,
    batch,
    building,
    extending,
    importing,
    recalls,
    serving,
    signing,
    status,
    verifying,
)
from service.cli.output import fail
from transcript_core.errors import TranscriptError

EXIT_FAILED = 1
EXIT_USAGE = 2


def build_app() -> typer.Typer:
    """Return the command with every verb, those of other installed packages included (group `hocba.commands`)."""
    app = typer.Typer(
        name="hocba", help="Digital school transcripts: build, sign, issue, verify.", no_args_is_help=True,
        add_completion=False, pretty_exceptions_enable=False,
    )  # fmt: skip
    for module in (importing, building, signing, batch, extending, verifying, recalls, audit, serving):
        module.register(app)
    app.add_typer(authority.app, name="authority")
    app.add_typer(status.app, name="status")
    for entry in sorted(entry_points(group="hocba.commands"), key=lambda one: one.name):
        register: Callable[[typer.Typer], None] = entry.load()
        register(app)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        code = build_app()(list(sys.argv[1:] if argv is None else argv), standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        fail("stopped; what was finished is kept, run the same command again to go on")
        return EXIT_FAILED
    except (typer.TyperException, TranscriptError, SQLAlchemyError, OSError) as error:
        return _tell(error)
    return code if isinstance(code, int) else 0


def _tell(error: Exception) -> int:
    """Print an error as one line that says what, where and how to mend it; return the exit code."""
    if isinstance(error, typer.TyperException):
        fail(_describe_misuse(error), code="usage")
        return EXIT_USAGE
    if isinstance(error, TranscriptError):
        fail(str(error), code=error.code)
    elif isinstance(error, OSError):
        fail(f"{error.filename or 'a file'}: {error.strerror or error}", code="file-error")
    else:
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        fail(f"the database could not be used, what was finished is kept: {told}", code="database-error")
    return EXIT_FAILED


def _describe_misuse(error: typer.TyperException) -> str:
    """Return one line that names the option or argument and what is wrong with it."""
    describe = getattr(error, "format_message", None)
    told = describe() if callable(describe) else str(error)
    return " ".join(str(told).split()) or "see hocba --help"


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main())
