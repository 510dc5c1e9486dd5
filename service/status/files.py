"""Opens status files: only the seal of the school that a file speaks of is believed, and only until `next_update`."""

from __future__ import annotations

from pathlib import Path

from transcript_core.authority import AuthorityList
from transcript_core.clock import Clock
from transcript_core.errors import InputError, TrustMaterialError
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.limits import MAX_STATUS_BYTES
from transcript_core.pki.path import PathOutcome, SubIndication, validate_path
from transcript_core.pki.trust import TrustStore
from transcript_core.status import STATUS_TYPE, StatusFile, parse_status_payload


class StatusFileInvalid(TrustMaterialError):
    """A status file is not signed by the school's seal, or a newer one should exist by now."""

    code = "status-file-invalid"


def open_status_file(
    path: Path, *, trust: TrustStore | None, authority: AuthorityList | None, clock: Clock
) -> StatusFile:
    """Return the content of a status file after verifying it.

    Raises:
        StatusFileInvalid: not signed by the seal that the authority list gives to its school, or out of date.
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
        raise StatusFileInvalid(
            f"{path.name} speaks of {content.as_of:%Y-%m-%d}; a newer one was due on "
            f"{content.next_update:%Y-%m-%d}: fetch the current one"
        )
    result = validate_path(seal, trust=trust, at=now, extra=certificates[1:])
    # A status file is read offline, where nobody can say whether the seal was revoked since: that alone is accepted.
    if result.outcome is not PathOutcome.VALID and result.sub_indication is not SubIndication.TRY_LATER:
        raise StatusFileInvalid(f"the certificate of {path.name} is not valid: {result.detail}")
    return content
