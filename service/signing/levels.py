"""SQL for the levels that stored files have reached, and for what is still to be raised.  Functions never commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import and_, literal, null, or_, select
from sqlalchemy.orm import Session, aliased

from service.db.tables import DocumentRow, LevelRow, RecallRow
from service.transcripts.repository import DocumentKey, DocumentState
from transcript_core.policy import SignatureFormat, SignatureLevel

RECORDED: Final = "RECORDED"
"""State of a recall that is in force."""

_LEVELS: Final = tuple(SignatureLevel)


@dataclass(frozen=True, slots=True)
class FileLevel:
    """What is known of one stored file."""

    level: SignatureLevel | None  # None: the file was not looked at
    renew_by: datetime | None  # aware, UTC; the end of its last timestamp; None: it has none, or not looked at

    def is_due(self, target: SignatureLevel, renew_before: datetime) -> bool:
        """Return whether anything is to be done about the file."""
        if self.level is None or _LEVELS.index(self.level) < _LEVELS.index(target):
            return True
        return self.ends_before(renew_before)

    def ends_before(self, moment: datetime) -> bool:
        """Return whether its last timestamp ends before this moment."""
        return self.renew_by is not None and self.renew_by < moment


@dataclass(frozen=True, slots=True)
class LevelTask:
    """One issued document or recorded recall whose files are below the level wanted, or end soon."""

    key: DocumentKey
    is_recall: bool
    issued_at: datetime | None  # None: a recall
    xml_sha256: str
    pdf_sha256: str | None  # None: a recall
    xml: FileLevel
    pdf: FileLevel | None

    def is_due(self, target: SignatureLevel, renew_before: datetime) -> bool:
        """Return whether anything is to be done about a file of it."""
        return any(one.is_due(target, renew_before) for one in (self.xml, self.pdf) if one is not None)

    def needs_timestamp(self, target: SignatureLevel, renew_before: datetime) -> bool:
        """Return whether it can get no further without an authority, rather than with evidence alone."""
        files = [one for one in (self.xml, self.pdf) if one is not None]
        stamped = all(one.level not in {None, SignatureLevel.B_B} for one in files)
        return not stamped or target is SignatureLevel.B_LTA or any(one.ends_before(renew_before) for one in files)

    @property
    def urgency(self) -> tuple[int, datetime]:
        """Return what to sort by: unproven times first, then what ends soon, then what lacks evidence or archive."""
        files = [one for one in (self.xml, self.pdf) if one is not None]
        issued = self.issued_at or datetime.max.replace(tzinfo=UTC)
        if any(one.level in {None, SignatureLevel.B_B} for one in files):
            return 0, issued
        ends = [one.renew_by for one in files if one.renew_by is not None]
        return 1, min(ends, default=issued)


def list_level_tasks(
    session: Session, *, target: SignatureLevel, renew_before: datetime, class_name: str | None = None
) -> list[LevelTask]:
    """Return what is below `target` or ends before `renew_before`, the most urgent first.

    Args:
        class_name: of documents; recalls belong to no class and are left out then.
    """
    xml, pdf = aliased(LevelRow), aliased(LevelRow)
    documents = (
        select(
            DocumentRow.serial, DocumentRow.version, DocumentRow.issued_at, DocumentRow.xml_sha256,
            DocumentRow.pdf_sha256, xml.level, xml.renew_by, pdf.level, pdf.renew_by,
        )
        .outerjoin(xml, _is_about(xml, DocumentRow, SignatureFormat.XADES, DocumentRow.xml_sha256))
        .outerjoin(pdf, _is_about(pdf, DocumentRow, SignatureFormat.PADES, DocumentRow.pdf_sha256))
        .where(DocumentRow.state == DocumentState.ISSUED.value)
        .where(or_(_is_due(xml, target, renew_before), _is_due(pdf, target, renew_before)))
    )  # fmt: skip
    if class_name is not None:
        documents = documents.where(DocumentRow.class_name == class_name)
    found = [*_read(session, documents, is_recall=False)]
    if class_name is None:
        recalls = (
            select(
                RecallRow.serial, RecallRow.version, literal(None), RecallRow.xml_sha256,
                literal(None), xml.level, xml.renew_by, null(), null(),
            )
            .outerjoin(xml, _is_about(xml, RecallRow, SignatureFormat.XADES, RecallRow.xml_sha256))
            .where(RecallRow.state == RECORDED)
            .where(_is_due(xml, target, renew_before))
        )  # fmt: skip
        found += _read(session, recalls, is_recall=True)
    return sorted(found, key=lambda one: one.urgency)


def put_level(
    session: Session,
    key: DocumentKey,
    kind: SignatureFormat,
    found: FileLevel,
    *,
    file_sha256: str,
) -> None:
    """Keep what was found out about a stored file."""
    if found.level is None:
        return
    session.merge(
        LevelRow(
            serial=key.serial,
            version=key.version,
            format=kind.value,
            file_sha256=file_sha256,
            level=found.level.value,
            renew_by=found.renew_by,
        )
    )


def _is_about(level: Any, owner: Any, kind: SignatureFormat, file_sha256: Any) -> Any:
    same = (level.serial == owner.serial, level.version == owner.version, level.format == kind.value)
    return and_(*same, level.file_sha256 == file_sha256)


def _is_due(level: Any, target: SignatureLevel, renew_before: datetime) -> Any:
    lower = [one.value for one in _LEVELS[: _LEVELS.index(target)]]
    return or_(level.level.is_(None), level.level.in_(lower), level.renew_by < renew_before)


def _read(session: Session, query: Any, *, is_recall: bool) -> Iterator[LevelTask]:
    for serial, version, issued_at, xml_sha256, pdf_sha256, level, renew_by, pdf_level, pdf_renew_by in session.execute(
        query
    ):
        yield LevelTask(
            key=DocumentKey(serial, version),
            is_recall=is_recall,
            issued_at=issued_at,
            xml_sha256=xml_sha256,
            pdf_sha256=pdf_sha256,
            xml=_to_level(level, renew_by),
            pdf=None if is_recall else _to_level(pdf_level, pdf_renew_by),
        )


def _to_level(level: str | None, renew_by: datetime | None) -> FileLevel:
    return FileLevel(None if level is None else SignatureLevel(level), renew_by)
