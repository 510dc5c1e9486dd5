"""Builds version n+1 of an issued document: unchanged parts keep their teachers' signatures byte for byte."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from service.db.engine import transaction
from service.schools import repository as schools
from service.transcripts import repository
from service.transcripts.building import (
    BuildOptions,
    build_current,
    build_issue_info,
    get_transcript_document,
    list_signatures,
    remove_unissued,
    save_draft,
)
from service.transcripts.rendering import Draft, render
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.workspace import Workspace
from transcript_core.build import build_update
from transcript_core.canonical import parse_xml
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import Conflict, MalformedTranscript, NotFound
from transcript_core.model import School
from transcript_core.records import PupilRecord, SchoolRecords
from transcript_core.xml import document_digest

_SIGNING_TIME = "{http://uri.etsi.org/01903/v1.3.2#}SigningTime"


def build_replacement(
    workspace: Workspace,
    serial: str,
    *,
    school: School,
    reason: str,
    options: BuildOptions | None = None,
    unlock: bool = False,
    actor: str,
) -> DocumentKey:
    """Build and lock the next version of `serial` from the records as they now are.

    Args:
        unlock: a newer version that is not issued yet is given up for the new one, all its new signatures with it.

    Raises:
        NotFound: nothing of this serial was issued, or the pupil is no longer in the records or is held back.
        Conflict: a newer version is being signed already, and `unlock` is False.
        InputError: nothing changed, or no reason was given.
    """
    choices = options or BuildOptions()
    with transaction(workspace.sessions) as session:
        previous, given_up = _find_versions(session, serial, unlock=unlock)
        highest = repository.find_highest_version(session, serial)
        year = schools.get_year(session, school_code=school.school_code, school_year=previous.school_year)
    version = highest if given_up is not None and given_up.key.version == highest else highest + 1
    pupil = _get_pupil(year.records, previous.pupil_code)
    xml = workspace.store.get(previous.xml_sha256)
    before = get_transcript_document(xml)
    current = build_current(
        workspace, pupil, records=year.records, school=school, options=choices, serial=serial, version=version
    )
    signatures = list_signatures(xml, before, [one.subject_code for one in before.transcript.subjects])
    transcript = build_update(
        before.transcript,
        previous_digest=document_digest(xml),
        current=current,
        reason=reason,
        signed_on={slot_id: read_signing_day(signature) for slot_id, signature in signatures.items()},
        version=version,
    )
    kept = {signer.slot_id: signatures[signer.slot_id] for signer in transcript.signers if signer.kept is not None}
    rendered = render(Draft(transcript, build_issue_info(transcript, year.records, choices), kept))
    with transaction(workspace.sessions) as session:
        if given_up is not None:
            remove_unissued(session, workspace, given_up, actor=actor)
        return save_draft(session, workspace, rendered, actor=actor)


def read_signing_day(signature: bytes) -> date:
    """Return the day, in Vietnam, that the signed SigningTime of a ds:Signature states.

    Raises:
        MalformedTranscript: it states none.
    """
    element = parse_xml(signature).find(f".//{_SIGNING_TIME}")
    if element is None or not element.text:
        raise MalformedTranscript("a signature to keep states no signing time")
    return datetime.fromisoformat(element.text).astimezone(VIETNAM_TIME).date()


def _find_versions(session: Session, serial: str, *, unlock: bool) -> tuple[StoredDocument, StoredDocument | None]:
    """Return the issued version to replace, and the newer one that is given up for the new one."""
    latest = repository.find_latest(session, serial)
    if latest is None:
        raise NotFound(f"there is no document {serial}")
    if latest.state is DocumentState.ISSUED:
        return latest, None
    issued = repository.find_latest(session, serial, state=DocumentState.ISSUED)
    if issued is None:
        raise Conflict(f"document {latest.key} is not issued yet; change the records and run: hocba build --unlock")
    if not unlock:
        raise Conflict(
            f"document {latest.key} is being signed already; to give it up for a new one, run: "
            f"hocba build --replaces {serial} --unlock"
        )
    return issued, latest


def _get_pupil(records: SchoolRecords, pupil_code: str) -> PupilRecord:
    for pupil in records.pupils:
        if pupil.pupil_code == pupil_code:
            return pupil
    raise NotFound("the pupil of this document is not in the imported records, or is held back")
