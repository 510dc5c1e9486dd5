"""Every table.  Rows say which document lacks which signature; status is derived from `events`, never stored.

Documents themselves lie in the content-addressed store and are named here by the SHA-256 of their bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC instants, on SQLite too, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Return the instant in UTC; a naive one is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("instants are stored aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Return the instant aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of the tables."""


class SchoolYearRow(Base):
    """One school year of one school: the result of its last import."""

    __tablename__ = "school_years"

    school_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    school_year: Mapped[str] = mapped_column(String(9), primary_key=True)
    import_digest: Mapped[str] = mapped_column(String(64))  # SHA-256 over the imported records
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    records: Mapped[Any] = mapped_column(JSON)  # staff, classes, assignments; pupils have rows of their own
    problems: Mapped[Any] = mapped_column(JSON)


class PupilRow(Base):
    """One pupil's imported year.  A held-back pupil has no record and cannot be built or signed."""

    __tablename__ = "pupils"

    school_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    school_year: Mapped[str] = mapped_column(String(9), primary_key=True)
    pupil_code: Mapped[str] = mapped_column(String(64), primary_key=True)  # or a row key when there is no code
    class_name: Mapped[str] = mapped_column(String(20), default="")
    held_back: Mapped[bool] = mapped_column(Boolean, default=False)
    record: Mapped[Any] = mapped_column(JSON)

    __table_args__ = (
        ForeignKeyConstraint(["school_code", "school_year"], ["school_years.school_code", "school_years.school_year"]),
    )


class TranscriptRow(Base):
    """One pupil's transcript at one school level; its documents are the years."""

    __tablename__ = "transcripts"

    transcript_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    pupil_code: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(4))

    __table_args__ = (UniqueConstraint("pupil_code", "level"),)


class DocumentRow(Base):
    """One version of one school year's document."""

    __tablename__ = "documents"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    transcript_id: Mapped[str] = mapped_column(String(36))
    school_code: Mapped[str] = mapped_column(String(20))
    school_year: Mapped[str] = mapped_column(String(9))
    class_name: Mapped[str] = mapped_column(String(20))
    pupil_code: Mapped[str] = mapped_column(String(20))
    event: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(8))  # DocumentState
    locked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    xml_sha256: Mapped[str] = mapped_column(String(64))
    pdf_sha256: Mapped[str] = mapped_column(String(64))
    json_sha256: Mapped[str | None] = mapped_column(String(64), default=None)  # the seal's JWS, once issued
    view_secret_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), default=None)

    __table_args__ = (
        Index("ix_documents_school", "school_code", "school_year", "class_name", "state"),
        Index("ix_documents_pupil", "pupil_code", "school_year"),
    )


class SlotRow(Base):
    """One slot of one document, and what it still lacks."""

    __tablename__ = "slots"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    slot_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    role: Mapped[str] = mapped_column(String(14))
    order: Mapped[int] = mapped_column(Integer)
    staff_code: Mapped[str | None] = mapped_column(String(20))  # None: the school's seal
    xades: Mapped[bool] = mapped_column(Boolean, default=False)
    pades: Mapped[bool] = mapped_column(Boolean, default=False)

    __table_args__ = (
        ForeignKeyConstraint(["serial", "version"], ["documents.serial", "documents.version"]),
        Index("ix_slots_open", "staff_code", "xades", "pades"),
    )


class EvidenceRow(Base):
    """Chain and revocation status as fetched when a slot was signed (TT 15/2025/TT-BKHCN asks to keep them)."""

    __tablename__ = "evidence"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    slot_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    format: Mapped[str] = mapped_column(String(5), primary_key=True)  # SignatureFormat
    certificate_sha256: Mapped[str] = mapped_column(String(64))
    evidence_sha256: Mapped[str] = mapped_column(String(64))  # in the document store
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RecallRow(Base):
    """One CANCEL document on its way: requested by one person, approved by another, sealed, recorded."""

    __tablename__ = "recalls"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    school_code: Mapped[str] = mapped_column(String(20))
    target_version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(9))  # RecallState
    xml_sha256: Mapped[str] = mapped_column(String(64))


class EventRow(Base):
    """One signed event: what status is derived from.  `document_sha256` names the signed file that proves it."""

    __tablename__ = "events"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    school_code: Mapped[str] = mapped_column(String(20))
    school_year: Mapped[str] = mapped_column(String(9))
    document_sha256: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_events_school", "school_code", "school_year"),)


class SigningBatchRow(Base):
    """A list of digests that waits for values from a key on another machine.  It expires; nothing is locked by it."""

    __tablename__ = "signing_batches"

    batch_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    school_code: Mapped[str] = mapped_column(String(20))
    class_name: Mapped[str | None] = mapped_column(String(20))  # None: of all classes
    certificate_sha256: Mapped[str] = mapped_column(String(64))
    certificates: Mapped[str] = mapped_column(Text)  # PEM: the signer's, then its CA certificates, issuer first
    algorithm: Mapped[str] = mapped_column(String(20))  # SignatureAlgorithm
    evidence_sha256: Mapped[str] = mapped_column(String(64))  # in the document store
    prepared_at: Mapped[datetime] = mapped_column(UtcDateTime)  # the signing time of all its signatures
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    documents: Mapped[int] = mapped_column(Integer, default=0)
    digests: Mapped[int] = mapped_column(Integer, default=0)
    list_sha256: Mapped[str | None] = mapped_column(String(64), default=None)  # None: still being prepared
    review: Mapped[str] = mapped_column(Text, default="")  # JSON: what was shown of exactly these documents

    __table_args__ = (Index("ix_signing_batches_expiry", "expires_at"),)


class PendingRow(Base):
    """One digest of a signing batch, with the state that attaching its value needs; `slots` say what was attached."""

    __tablename__ = "pendings"

    batch_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # in the list, from 1
    serial: Mapped[str] = mapped_column(String(26))
    version: Mapped[int] = mapped_column(Integer)
    slot_id: Mapped[str] = mapped_column(String(40))
    format: Mapped[str] = mapped_column(String(5))  # SignatureFormat
    class_name: Mapped[str] = mapped_column(String(20))
    pupil_code: Mapped[str] = mapped_column(String(20))
    digest: Mapped[bytes] = mapped_column(LargeBinary(64))
    pending: Mapped[str] = mapped_column(Text)  # Pending.to_json

    __table_args__ = (
        ForeignKeyConstraint(["batch_id"], ["signing_batches.batch_id"], ondelete="CASCADE"),
        Index("ix_pendings_document", "serial", "version", "format"),
    )


class LevelRow(Base):
    """The baseline level that one stored file has reached.  Derived: a row about another file than the one stored now
    says nothing, and the file is read again."""

    __tablename__ = "levels"

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    format: Mapped[str] = mapped_column(String(5), primary_key=True)  # SignatureFormat
    file_sha256: Mapped[str] = mapped_column(String(64))  # the file that was looked at
    level: Mapped[str] = mapped_column(String(5))  # SignatureLevel
    renew_by: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)  # end of its last timestamp

    __table_args__ = (Index("ix_levels_renewal", "level", "renew_by"),)


class AuditRow(Base):
    """One change of state, written in the same transaction.  Names serials and codes, never pupils or marks."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(Text, default="")
