"""`hocba sign`: all that is open for one person.  `hocba issue`: the seal, then the record."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from service.cli.options import (
    ClassOption,
    JsonOption,
    KeyOption,
    PasswordOption,
    SchoolOption,
    open_key,
    open_settings_workspace,
)
from service.cli.output import fail, print_json, progress, progress_bars, say, warn
from service.context import build_context
from service.housekeeping import sweep_store
from service.schools.enrolment import get_enrolled_school
from service.signing.batching import Approval
from service.signing.desk import SigningDesk, open_services
from service.signing.issuing import IssueReport, issue_documents
from service.signing.review import Review, build_review, build_seal_review
from service.signing.review_files import load_approval, save_review
from service.signing.review_text import MAX_SHOWN, describe, review_to_dict
from service.signing.workflow import SigningReport, sign_open_slots
from service.workspace import Workspace
from signing.http import HttpFetch
from signing.signer import Signer
from transcript_core.errors import InputError, TranscriptError

ACTOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("sign")(sign)
    app.command("issue")(issue)


ReviewOption = Annotated[bool, typer.Option("--review", help="Show what would be signed; sign nothing.")]
ApproveOption = Annotated[
    str | None,
    typer.Option("--approve", help="Sign what an earlier --review showed under this digest, and nothing else."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Approve what is open now without being asked.")]


def sign(
    key: KeyOption,
    password_file: PasswordOption = None,
    school_code: SchoolOption = None,
    class_name: ClassOption = None,
    only_review: ReviewOption = False,
    approve: ApproveOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> int:
    """Review, approve and sign, in XML and PDF, what is open for the key's owner; run again to go on after a stop."""
    workspace = open_settings_workspace()
    school = get_enrolled_school(workspace.get_authority(), school_code)
    with closing(open_key(key, password_file)) as signer, open_desk(workspace, signer) as desk:
        review = build_review(desk, school_code=school.school_code, class_name=class_name)
        if only_review:
            return _keep_review(workspace, review, json=json)
        approval = _get_approval(workspace, review, approve, yes=yes, json=json)
        with progress("sign", len(review.slots)) as advance:
            report = sign_open_slots(
                desk,
                school_code=school.school_code,
                class_name=class_name,
                approval=approval,
                actor=ACTOR,
                advance=advance,
            )
    if json:
        print_json({"review": review_to_dict(review), **_signing_to_dict(report)})
    else:
        _print_signing(report)
    return 1 if report.failed else 0


def issue(
    key: KeyOption,
    password_file: PasswordOption = None,
    class_name: ClassOption = None,
    only_review: ReviewOption = False,
    approve: ApproveOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> int:
    """Review, approve and seal what all persons have signed; verify it and record it as issued."""
    workspace = open_settings_workspace()
    with closing(open_key(key, password_file)) as signer, open_desk(workspace, signer) as desk:
        review = build_seal_review(desk, class_name=class_name)
        if only_review:
            return _keep_review(workspace, review, json=json)
        approval = _get_approval(workspace, review, approve, yes=yes, json=json)
        to_seal = sum(1 for one in review.slots if one.missing)
        with progress_bars(("seal", to_seal), ("issue", len(review.slots))) as (advance_sealed, advance):
            report = issue_documents(
                build_context(workspace),
                desk,
                class_name=class_name,
                approval=approval,
                actor=ACTOR,
                advance_sealed=advance_sealed,
                advance=advance,
            )
    sweep_store(workspace)
    if json:
        print_json({"review": review_to_dict(review), **_issue_to_dict(report)})
    else:
        _print_issue(report)
    return 1 if report.failed else 0


def _keep_review(workspace: Workspace, review: Review, *, json: bool) -> int:
    save_review(workspace, review)
    print_json(review_to_dict(review)) if json else _show_review(review)
    return 0


def _get_approval(workspace: Workspace, review: Review, approve: str | None, *, yes: bool, json: bool) -> Approval:
    """Return what the person approves: an earlier review by its digest, or this one, for which they are asked once.

    Raises:
        InputError: nobody can be asked here.
        Abort: they said no.
    """
    approval = review.contents if approve is None else load_approval(workspace, approve)
    if not json:
        _show_review(review)
    if review.slots and not (yes or approve):
        if not sys.stdin.isatty():
            raise InputError("nobody can be asked to approve here; add --yes, or --approve with the digest of a review")
        typer.confirm(f"Ký {review.documents} học bạ này?", abort=True, err=True)
    return approval


def _show_review(review: Review) -> None:
    for line in describe(review):
        say(line)


@contextmanager
def open_desk(workspace: Workspace, signer: Signer) -> Iterator[SigningDesk]:
    """Yield a desk for one action, now, with the network that the settings name; its connections are closed after."""
    with HttpFetch() as fetch:
        yield SigningDesk(workspace, signer, open_services(workspace, fetch), workspace.clock.now())


def describe_error(error: TranscriptError) -> str:
    """Return the sentence for the person who wanted to sign, Vietnamese where there is one."""
    return str(getattr(error, "text_vi", "")) or str(error)


def _signing_to_dict(report: SigningReport) -> dict[str, object]:
    return {
        "signed": [{"document": str(key), "slot": slot} for key, slot in report.signed],
        "failed": [
            {"document": str(key), "slot": slot, "code": error.code, "text": describe_error(error)}
            for key, slot, error in report.failed
        ],
    }


def _print_signing(report: SigningReport) -> None:
    say(f"{len(report.signed)} slots signed in XML and PDF")
    shown: Counter[str] = Counter()
    for key, slot, error in report.failed:
        shown[error.code] += 1
        if shown[error.code] <= MAX_SHOWN:
            fail(f"{key} {slot}: {describe_error(error)}", code=error.code)
    for code, count in shown.items():
        if count > MAX_SHOWN:
            fail(f"… and {count - MAX_SHOWN} more; see all of them with --json", code=code)


def _issue_to_dict(report: IssueReport) -> dict[str, object]:
    return {
        "issued": [str(key) for key in report.issued],
        "failed": [
            {"document": str(key), "code": error.code, "text": describe_error(error)} for key, error in report.failed
        ],
        "below_aim": [
            {"document": str(key), "format": kind.value, "level": level.value} for key, kind, level in report.below_aim
        ],
    }


def _print_issue(report: IssueReport) -> None:
    say(f"{len(report.issued)} documents sealed, verified and issued")
    if report.below_aim:
        documents = {key for key, _, _ in report.below_aim}
        warn(f"{len(documents)} of them lack a timestamp, so their time is not proven yet; run: hocba extend --all")
    for key, error in report.failed:
        fail(f"{key}: {describe_error(error)}", code=error.code)
