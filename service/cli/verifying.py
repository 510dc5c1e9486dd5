"""`hocba verify` for transcripts, `hocba inspect` for any signed file.  Works offline, without the service's data.

Only `--fetch` asks servers, for chains and revocation data that a file does not carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from service.cli.output import fail, print_json, say, warn
from service.list_numbers import ListNumbers
from service.online import build_online_source
from service.settings import load_settings
from service.status.files import StatusFileOutOfDate, StatusFiles, open_status_file
from service.store import write_atomically
from service.trust_material import Moments, TrustListFile, load_trust, read_authority, split_world
from transcript_core.authority import AuthorityList
from transcript_core.clock import SystemClock
from transcript_core.errors import AuthorityListOutOfDate, InputError, TrustMaterialError
from transcript_core.pki.evidence import EvidenceSource
from transcript_core.pki.trust import TrustStore
from verify.detail import DetailedReport
from verify.report import Outcome, Report
from verify.reports.etsi import build_validation_report
from verify.reports.pdf import render_pdf
from verify.sniff import Container, sniff
from verify.text import render
from verify.verifier import Verifier
from verify.words import Language

EXIT_USAGE: Final = 2
EXIT_CODES: Final = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INDETERMINATE: 3}
_WORST_FIRST: Final = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.PASSED)

Files = Annotated[list[Path], typer.Argument(help="Signed files: XML, PDF or JWS.", exists=True, dir_okay=False)]
At = Annotated[str | None, typer.Option(help="Judge certificates and authority at this time, 2026-05-31T08:00:00Z.")]
Anchors = Annotated[Path | None, typer.Option(help="Folder of trust anchors; else HOCBA_ANCHORS_DIR.")]
TrustLists = Annotated[
    list[str] | None,
    typer.Option("--trust-list", help="Signed trust list, [WORLD=]FILE; else HOCBA_TRUST_LISTS.  May be repeated."),
]
ListSigners = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust-list-signer",
        help="Certificate of a list's operator: one for each list in their order, or one for all.",
        exists=True,
        dir_okay=False,
    ),
]
Fetch = Annotated[
    bool, typer.Option("--fetch", help="Ask CAs, over the network, for revocation data that the file lacks.")
]
English = Annotated[bool, typer.Option("--en", help="Report in English.")]
Json = Annotated[bool, typer.Option("--json", help="Report as JSON.")]
ReportXml = Annotated[
    Path | None, typer.Option(help="Also write the report here as XML after ETSI TS 119 102-2; for one file.")
]
ReportPdf = Annotated[Path | None, typer.Option(help="Also write the report here as a PDF; for one file.")]


@dataclass(frozen=True, slots=True)
class _Form:
    """How reports are told."""

    json: bool
    language: Language
    xml_file: Path | None
    pdf_file: Path | None

    def check(self, files: Sequence[Path]) -> None:
        """Refuse to write the reports of several files over each other, or over one of the files.

        Raises:
            InputError: so it would be.
        """
        written = [one.resolve() for one in (self.xml_file, self.pdf_file) if one is not None]
        if written and len(files) > 1:
            raise InputError("--report-xml and --report-pdf take the report on one file; verify the files one by one")
        if len(set(written)) < len(written) or any(path.resolve() in written for path in files):
            raise InputError("--report-xml and --report-pdf name a file of their own, not the verified one")

    def write(self, detailed: DetailedReport) -> None:
        """Write the files that were asked for."""
        if self.xml_file is not None:
            write_atomically(self.xml_file, build_validation_report(detailed))
        if self.pdf_file is not None:
            write_atomically(self.pdf_file, render_pdf(detailed.report, self.language))


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("verify")(verify)
    app.command("inspect")(inspect)


def verify(
    files: Files,
    at: At = None,
    anchors: Anchors = None,
    trust_list: TrustLists = None,
    trust_list_signer: ListSigners = None,
    authority: Annotated[
        Path | None, typer.Option(help="The department's signed authority list; else HOCBA_AUTHORITY_FILE.")
    ] = None,
    status: Annotated[list[Path] | None, typer.Option(help="Seal-signed status files.", exists=True)] = None,
    fetch: Fetch = False,
    report_xml: ReportXml = None,
    report_pdf: ReportPdf = None,
    json: Json = False,
    english: English = False,
) -> int:
    """Verify transcripts.  Exit code: 0 passed, 1 failed, 3 indeterminate; with several files the worst.

    A PDF or JWS is verified together with the XML of the same name beside it, if there is one.
    """
    form = _Form(json, "en" if english else "vi", report_xml, report_pdf)
    try:
        form.check(files)
        moment = None if at is None else _parse_time(at)
        trust = _load_trust(anchors, trust_list or [], trust_list_signer or [], moment)
        verifier = _build_verifier(trust, authority, status or [], moment, fetch=fetch)
    except (InputError, TrustMaterialError) as error:  # nothing was judged, so this is no "failed"
        fail(str(error), code=error.code)
        return EXIT_USAGE
    reports = []
    for path in files:
        content = path.read_bytes()
        detailed = verifier.verify_in_detail(content, at=moment, xml=_find_original(path, content))
        form.write(detailed)
        reports.append((path, detailed.report))
    return _print(reports, form)


def inspect(
    files: Files,
    at: At = None,
    anchors: Anchors = None,
    trust_list: TrustLists = None,
    trust_list_signer: ListSigners = None,
    detached: Annotated[
        list[Path] | None, typer.Option(help="Files that detached signatures mean.", exists=True, dir_okay=False)
    ] = None,
    fetch: Fetch = False,
    report_xml: ReportXml = None,
    report_pdf: ReportPdf = None,
    json: Json = False,
    english: English = False,
) -> int:
    """Tell what the signatures of any signed file are worth: XML, PDF, ASiC or JWS.  Exit codes as for `verify`."""
    form = _Form(json, "en" if english else "vi", report_xml, report_pdf)
    try:
        form.check(files)
        moment = None if at is None else _parse_time(at)
        trust = _load_trust(anchors, trust_list or [], trust_list_signer or [], moment)
        verifier = Verifier(trust=trust, clock=SystemClock(), source=_find_source(trust, fetch=fetch))
    except (InputError, TrustMaterialError) as error:
        fail(str(error), code=error.code)
        return EXIT_USAGE
    beside = [(path.name, path.read_bytes()) for path in detached or []]
    reports = []
    for path in files:
        detailed = verifier.inspect_in_detail(path.read_bytes(), at=moment, detached=beside)
        form.write(detailed)
        reports.append((path, detailed.report))
    return _print(reports, form)


def _build_verifier(
    trust: TrustStore | None,
    authority: Path | None,
    status: Sequence[Path],
    moment: datetime | None,
    *,
    fetch: bool,
) -> Verifier:
    clock = SystemClock()
    listed = _read_authority(authority, trust, moment)
    files = []
    for path in status:
        try:
            files.append(open_status_file(path, trust=trust, authority=listed, clock=clock))
        except StatusFileOutOfDate as error:  # it says nothing about today: status is then not checked
            warn(str(error))
    known = StatusFiles(tuple(files)) if files else None
    source = _find_source(trust, fetch=fetch)
    return Verifier(trust=trust, authority=listed, status=known, clock=clock, source=source)


def _find_source(trust: TrustStore | None, *, fetch: bool) -> EvidenceSource | None:
    return build_online_source(trust, SystemClock(), load_settings().chain_hosts) if fetch else None


def _print(reports: Sequence[tuple[Path, Report]], form: _Form) -> int:
    if form.json:
        values = [{"file": path.name, **report.to_dict()} for path, report in reports]
        print_json(values[0] if len(values) == 1 else values)
    else:
        for path, report in reports:
            say(f"{path}\n{render(report, form.language)}")
    worst = next(one for one in _WORST_FIRST if any(report.outcome is one for _, report in reports))
    return EXIT_CODES[worst]


def _load_trust(
    folder: Path | None, lists: Sequence[str], signers: Sequence[Path], moment: datetime | None
) -> TrustStore | None:
    """Return what the options name, else what the environment does; only of the latter the numbers are remembered."""
    settings, moments = load_settings(), Moments(SystemClock().now(), moment)
    anchors = folder or settings.anchors_dir
    if lists or signers:
        return load_trust(anchors, _pair(lists, signers), moments, None)
    own = settings.trust_list_files if folder is None else ()
    return load_trust(anchors, own, moments, ListNumbers(settings.home))


def _pair(lists: Sequence[str], signers: Sequence[Path]) -> list[TrustListFile]:
    each = list(signers) * len(lists) if len(signers) == 1 else list(signers)
    if not lists or len(each) != len(lists):
        raise InputError("give every --trust-list its --trust-list-signer, in the same order, or one for all of them")
    named = [split_world(one) for one in lists]
    return [TrustListFile(path, (signer,), world) for (world, path), signer in zip(named, each, strict=True)]


def _read_authority(path: Path | None, trust: TrustStore | None, moment: datetime | None) -> AuthorityList | None:
    settings = load_settings()
    file = path or settings.authority_file
    if file is None:
        return None
    numbers = ListNumbers(settings.home) if path is None else None
    try:
        return read_authority(file, trust, SystemClock(), asked=moment, numbers=numbers)
    except AuthorityListOutOfDate as error:  # it says nothing about today: authority is then not checked
        warn(str(error))
        return None


def _find_original(path: Path, content: bytes) -> bytes | None:
    beside = path.with_suffix(".xml")
    if sniff(content) not in {Container.PDF, Container.JWS} or not beside.is_file():
        return None
    return beside.read_bytes()


def _parse_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--at is a time such as 2026-05-31T08:00:00Z, not {text!r}") from error
    if moment.tzinfo is None:
        raise InputError("--at needs a time zone: end it with Z or +07:00")
    return moment
