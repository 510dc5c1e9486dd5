"""Opens status files: only the seal of the school that a file speaks of is believed, and only until `next_update`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from transcript_core.authority import AuthorityList
from transcript_core.clock import Clock
from transcript_core.errors import InputError, TrustMaterialError
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.limits import MAX_STATUS_BYTES
from transcript_core.pki.path import PathOutcome, SubIndication, validate_path
from transcript_core.pki.trust import TrustStore
from transcript_core.status import STATUS_TYPE, DocumentStatus, StatusAnswer, StatusFile, parse_status_payload


class StatusFileInvalid(TrustMaterialError):
    """A status file is not what it should be, or not signed by the school's seal."""

    code = "status-file-invalid"


class StatusFileOutOfDate(StatusFileInvalid):
    """A status file is genuine, but a newer one should exist by now: it says nothing about today."""

    code = "status-file-out-of-date"


@dataclass(frozen=True, slots=True)
class StatusFiles:
    """Several opened status files as one `StatusSource`."""

    files: tuple[StatusFile, ...]  # at least one

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return what the newest file that knows the document says; of two equally new ones the worse."""
        answers = [one.find_status(serial, version, digest) for one in self.files]
        known = [one for one in answers if one.status is not DocumentStatus.UNKNOWN]
        return max(known or answers, key=_rank)


def _rank(answer: StatusAnswer) -> tuple[datetime, bool]:
    return answer.as_of or datetime.min.replace(tzinfo=UTC), answer.status is not DocumentStatus.VALID


def open_status_file(
    path: Path, *, trust: TrustStore | None, authority: AuthorityList | None, clock: Clock
) -> StatusFile:
    """Return the content of a status file after verifying it.

    Raises:
        StatusFileInvalid: not signed by the seal that the authority list gives to its school.
        StatusFileOutOfDate: its `next_update` is over, or it is of the future.
    """
    if trust is None or authority is None:
        raise StatusFileInvalid("a status file needs trust anchors and the authority list to be believed")
    try:
        signed = path.read_bytes()
        certificates = parse_jws(signed, max_bytes=MAX_STATUS_BYTES).certificates
        if not certificates:
            raise StatusFileInvalid(f"{path.name} carries no certificate")
        seal = certificates[0]
        verified = verify_jws(signed, seal, max_bytes=MAX_STATUS_BYTES, typ=STATUS_TYPE)
        content = parse_status_payload(verified.payload)
    except (OSError, InputError) as error:
        raise StatusFileInvalid(f"{path.name} cannot be used: {error}") from error
    school = authority.find_school(content.school_code)
    if school is None or seal.identity not in {one.identity for one in school.seals}:
        raise StatusFileInvalid(f"{path.name} is not signed by the seal of school {content.school_code}")
    now = clock.now()
    if not content.as_of <= now <= content.next_update:
        raise StatusFileOutOfDate(
            f"{path.name} speaks of {content.as_of:%Y-%m-%d}; a newer one was due on "
            f"{content.next_update:%Y-%m-%d}: fetch the current one"
        )
    result = validate_path(seal, trust=trust, at=now, extra=certificates[1:])
    # A status file is read offline, where nobody can say whether the seal was revoked since: that alone is accepted.
    if result.outcome is not PathOutcome.VALID and result.sub_indication is not SubIndication.TRY_LATER:
        raise StatusFileInvalid(f"the certificate of {path.name} is not valid: {result.detail}")
    return content
