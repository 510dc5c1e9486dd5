"""`hocba batch`: signing with a key that is on another machine, in three steps.

`prepare` and `attach` run where the documents are, `sign` where the key is; a file goes over and a file comes back.
`drop` gives a prepared batch up.  The same steps over HTTP: `hocba batch agent`.

Exit codes: 0 everything was done · 1 something was refused or is missing, the rest was done · 2 wrong usage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli import agent
from service.cli.batch_view import (
    confirm_list,
    print_refused,
    refusal_to_dict,
    show_head,
    show_list,
    warn_contested,
)
from service.cli.options import (
    ClassOption,
    JsonOption,
    KeyOption,
    PasswordOption,
    SchoolOption,
    open_key,
    open_settings_workspace,
)
from service.cli.output import fail, print_json, progress, say, warn
from service.schools.enrolment import get_enrolled_school
from service.signing.attaching import (
    AttachOutcome,
    AttachReport,
    AttachResult,
    attach_values,
    get_open_batch,
    result_to_dict,
)
from service.signing.batches import SigningBatch
from service.signing.desk import open_services
from service.signing.jsonlines import SigningListInvalid
from service.signing.key_side import check_key, sign_list
from service.signing.lists import SigningList, build_list_file, head_to_dict, parse_list_file
from service.signing.preparing import (
    NothingSignable,
    NothingToSign,
    PreparedBatch,
    build_identity,
    build_list_review,
    drop_batch,
    load_list,
    open_absent_desk,
    prepare_batch,
)
from service.signing.review_text import review_to_dict
from service.signing.values import ValuesFile, parse_values_file
from service.signing.values_file import ValuesWriter, open_values_file, read_bounded, read_kept
from service.store import write_atomically
from signing.http import HttpFetch
from signing.signer import Signer
from transcript_core.clock import SystemClock
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate, load_certificates

ACTOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the verb with its steps."""
    group = typer.Typer(help="Sign with a key on another machine: prepare, sign there, attach.", no_args_is_help=True)
    group.command("prepare")(prepare)
    group.command("sign")(sign)
    group.command("attach")(attach)
    group.command("drop")(drop)
    group.command("agent")(agent.agent)
    app.add_typer(group, name="batch")


def prepare(
    certificate: Annotated[Path, typer.Option(help="The signer's certificate, PEM or DER.", exists=True)],
    out: Annotated[Path, typer.Option(help="Where the list for the machine with the key goes.")],
    chain: Annotated[
        list[Path] | None, typer.Option(help="CA certificates above it, issuer first; may be repeated.", exists=True)
    ] = None,
    algorithm: Annotated[
        SignatureAlgorithm | None, typer.Option(help="When the key cannot sign with its kind's usual algorithm.")
    ] = None,
    school_code: SchoolOption = None,
    class_name: ClassOption = None,
    json: JsonOption = False,
) -> int:
    """Write the digests of every slot that is open for this certificate, with what to see before approving."""
    workspace = open_settings_workspace()
    school = get_enrolled_school(workspace.get_authority(), school_code)
    identity = build_identity(_read_certificates([certificate, *(chain or [])]), algorithm)
    with HttpFetch() as fetch:
        desk = open_absent_desk(workspace, identity, open_services(workspace, fetch))
        review = build_list_review(desk, school_code=school.school_code, class_name=class_name)
        try:
            with progress("prepare", len(review.slots)) as advance:
                made = prepare_batch(desk, review, actor=ACTOR, advance=advance)
        except (NothingToSign, NothingSignable) as nothing:
            return _tell_nothing(nothing, json=json)
    write_atomically(out, build_list_file(load_list(workspace, made.head.batch_id)))
    if json:
        print_json(_prepared_to_dict(made) | {"review": review_to_dict(review)})
    else:
        _print_prepared(made, out)
    return 1 if made.refused else 0


def sign(
    file: Annotated[Path, typer.Argument(help="The list that prepare wrote.", exists=True, dir_okay=False)],
    key: KeyOption,
    out: Annotated[Path, typer.Option(help="Where the values go; a file of an earlier run is continued.")],
    password_file: PasswordOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every line of the list.")] = False,
    json: JsonOption = False,
) -> int:
    """Show a list, ask, sign it.  Needs the key alone: no database, no documents, no network of its own."""
    signing_list = parse_list_file(read_bounded(file))
    signer = open_key(key, password_file)
    try:
        check_key(signing_list.head, signer, at=SystemClock().now())
        kept = read_kept(out, signing_list, signer)
        if not json:
            show_list(signing_list, every=every, done=len(kept))
        confirm_list(signing_list.head, yes=yes)
        with open_values_file(out, signing_list.head, kept) as values:
            _sign(signing_list, signer, values)
    finally:
        signer.close()
    missing = signing_list.head.digests - len(values.done)
    told = {"batch": signing_list.head.batch_id, "code": signing_list.head.code, "signed": len(values.done)}
    print_json(told | {"missing": missing}) if json else say(f"{len(values.done)} digests are signed: {out}")
    return 1 if missing else 0


def attach(
    file: Annotated[Path, typer.Argument(help="The values that sign wrote.", exists=True, dir_okay=False)],
    json: JsonOption = False,
) -> int:
    """Put the values into their documents, each by itself; the same file again changes nothing."""
    workspace = open_settings_workspace()
    values = parse_values_file(read_bounded(file))
    batch = get_open_batch(workspace, values.head.batch_id)
    _check_head(values, batch)
    with HttpFetch() as fetch, progress("attach", len(values.values)) as advance:
        timestamps = open_services(workspace, fetch).timestamps
        report = attach_values(workspace, batch, values.values, timestamps=timestamps, actor=ACTOR, advance=advance)
    missing = batch.digests - len({one.number for one in values.values})
    print_json(_attach_to_dict(values, report, missing)) if json else _print_attach(values, report, missing)
    return 1 if missing or values.troubles or _list_refused(report) else 0


def drop(batch: Annotated[str, typer.Argument(help="Id of the batch, as prepare named it.")]) -> None:
    """Give a prepared batch up; its values can never be attached any more."""
    drop_batch(open_settings_workspace(), batch, actor=ACTOR)
    say(f"batch {batch} is given up; what was attached stays")


def _read_certificates(paths: Sequence[Path]) -> list[Certificate]:
    return [certificate for path in paths for certificate in load_certificates(read_bounded(path))]


def _sign(signing_list: SigningList, signer: Signer, values: ValuesWriter) -> None:
    """Sign what has no value yet; what the key refuses is told and left out."""
    with progress("sign", signing_list.head.digests - len(values.done)) as advance:
        for chunk in sign_list(signing_list, signer, done=frozenset(values.done)):
            values.add(chunk.values)
            advance(len(chunk.values) + len(chunk.refused))
            for _, error in chunk.refused:
                fail(str(error), code=error.code)


def _check_head(values: ValuesFile, batch: SigningBatch) -> None:
    if values.head.certificate_sha256 != batch.identity.certificate.sha256:
        raise SigningListInvalid("these values were made with another certificate than the batch was prepared for")
    if values.head.list_sha256 != batch.list_sha256:
        raise SigningListInvalid("these values were made for another list than this batch has; sign its own list")


def _tell_nothing(nothing: NothingToSign | NothingSignable, *, json: bool) -> int:
    refused = nothing.refused if isinstance(nothing, NothingSignable) else ()
    if json:
        print_json({"batch": None, "refused": [refusal_to_dict(one) for one in refused]})
    else:
        say("nothing can be signed for the holder of this certificate now; no list was written")
        print_refused((f"{one.key} {one.slot_id}", one.error) for one in refused)
    return 1 if refused else 0


def _prepared_to_dict(made: PreparedBatch) -> dict[str, Any]:
    return head_to_dict(made.head) | {
        "code": made.head.code,
        "refused": [refusal_to_dict(one) for one in made.refused],
        "contested": made.contested,
        "left_over": made.left_over,
    }


def _print_prepared(made: PreparedBatch, out: Path) -> None:
    show_head(made.head)
    warn_contested(made.contested)
    if made.left_over:
        warn(f"{made.left_over} more slots are open; prepare again when this list is attached")
    print_refused((f"{one.key} {one.slot_id}", one.error) for one in made.refused)
    say(f"next, where the key is: hocba batch sign {out.name} --key … --out values.jsonl")


def _list_refused(report: AttachReport) -> list[AttachResult]:
    return [one for one in report.results if one.outcome is AttachOutcome.REFUSED]


def _attach_to_dict(values: ValuesFile, report: AttachReport, missing: int) -> dict[str, Any]:
    def count(outcome: AttachOutcome) -> int:
        return sum(one.outcome is outcome for one in report.results)

    return {
        "batch": values.head.batch_id,
        "attached": count(AttachOutcome.ATTACHED),
        "already_attached": count(AttachOutcome.ALREADY),
        "refused": [result_to_dict(one) for one in _list_refused(report)],
        "unreadable": [str(one) for one in values.troubles],
        "missing": missing,
        "open": report.open,
    }


def _print_attach(values: ValuesFile, report: AttachReport, missing: int) -> None:
    told = _attach_to_dict(values, report, missing)
    say(f"{told['attached']} signatures attached, {told['already_attached']} were attached before")
    print_refused((one.value.where, one.error) for one in _list_refused(report) if one.error is not None)
    for trouble in values.troubles:
        fail(str(trouble), code=trouble.code)
    if missing:
        fail(f"{missing} digests of the batch have no value in this file; sign its list to the end", code="incomplete")
    if report.open:
        warn(f"{report.open} signatures of this batch are still open")
