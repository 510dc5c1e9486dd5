"""The long-term levels: archive timestamps that are moved, copied, out of order, over something else or uncovered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

from signing import xades
from signing.xades.unsigned import UnsignedPart, UnsignedProperty, build_archive_timestamp, read_unsigned
from tests.support.samples import build_issue, build_transcript
from tests.vectors.cases import cannot_tell, fails, sound
from tests.vectors.forge import SEAL, replace_once
from tests.vectors.school import TEACHERS_SIGN_AT, describe, school, signed
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import get_signature

SEALED_AT = TEACHERS_SIGN_AT + timedelta(hours=3)
ARCHIVED_AT = SEALED_AT + timedelta(days=1)
RENEWED_AT = SEALED_AT + timedelta(days=600)
LATER = datetime(2030, 6, 1, tzinfo=UTC)
Change = Callable[[list[UnsignedProperty]], list[UnsignedProperty]]


@cache
def _seal() -> tuple[Slot, SigningPolicy]:
    transcript = build_transcript()
    _, slots, policy = describe(transcript, build_issue(transcript))
    return slots[-1], policy


@contextmanager
def at_time(moment: datetime) -> Iterator[None]:
    """Let authorities answer as of this time while the block runs; other vectors go on with the school's own."""
    clock = school().clock
    before, clock.at = clock.at, moment
    try:
        yield
    finally:
        clock.at = before


def archive(document: bytes, at: datetime) -> bytes:
    """Return the document with an archive timestamp of this time, and behind it the evidence of its authority."""
    slot, policy = _seal()
    with at_time(at):
        token, evidence = school().stamp(xades.get_archive_imprint(document, SEAL))
    stamped = xades.add_archive_timestamp(document, slot, token, policy=policy)
    return xades.add_evidence(stamped, slot, [evidence], policy=policy)


@cache
def archived() -> bytes:
    """Return the sample transcript at B-LTA."""
    return archive(signed(), ARCHIVED_AT)


@cache
def renewed() -> bytes:
    """Return the sample transcript with a second archive timestamp over the first."""
    return archive(archived(), RENEWED_AT)


def rearrange(document: bytes, change: Change) -> bytes:
    """Return the document with the seal's unsigned properties changed."""
    signature = get_signature(document, SEAL)
    assert signature is not None
    part: UnsignedPart = read_unsigned(signature)
    return replace_once(document, signature, part.with_properties(change(list(part.properties))).to_octets())


def find(properties: list[UnsignedProperty], name: str, number: int = 0) -> int:
    """Return the position of the `number`-th property of this name."""
    return [n for n, one in enumerate(properties) if one.kind.value.endswith(f":{name}")][number]


@sound("EN 319 132-1, 6.3: B-LTA", at=LATER)
def at_archive_level() -> bytes:
    return archived()


@sound("EN 319 132-1, 5.5.2: an archive timestamp over another", at=LATER)
def archive_level_renewed() -> bytes:
    return renewed()


@fails("EN 319 132-1, 5.5.2.2: a copied archive timestamp covers something else", "time.timestamps")
def archive_timestamp_of_another_document() -> bytes:
    slot, policy = _seal()
    other = signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")
    with at_time(ARCHIVED_AT):
        token, _ = school().stamp(xades.get_archive_imprint(other, SEAL))
    assert xades.add_archive_timestamp(other, slot, token, policy=policy)
    return rearrange(signed(), lambda properties: [*properties, build_archive_timestamp(token)])


@fails("EN 319 132-1, 5.5.2.2: it covers what stands before it", "time.timestamps")
def archive_timestamp_moved_before_the_evidence() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        stamp = properties.pop(find(properties, "ArchiveTimeStamp"))
        properties.insert(find(properties, "RevocationValues"), stamp)
        return properties

    return rearrange(archived(), change)


@fails("EN 319 132-1, 5.5.2.2: in order", "time.timestamps")
def archive_timestamps_out_of_order() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        first, second = find(properties, "ArchiveTimeStamp"), find(properties, "ArchiveTimeStamp", 1)
        properties[first], properties[second] = properties[second], properties[first]
        return properties

    return rearrange(renewed(), change)


@fails("EN 319 132-1, 5.5.2.2: a timestamp does not cover itself", "time.timestamps")
def archive_timestamp_doubled() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        return [*properties, properties[find(properties, "ArchiveTimeStamp")]]

    return rearrange(archived(), change)


@fails("EN 319 132-1, 5.5.2.2: the first archive timestamp is covered by the second", "time.timestamps")
def covered_archive_timestamp_removed() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        del properties[find(properties, "ArchiveTimeStamp")]
        return properties

    return rearrange(renewed(), change)


@fails("EN 319 132-1, 5.5.2.2: the timestamp on the value is covered", "time.timestamps")
def covered_signature_timestamp_removed() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        del properties[find(properties, "SignatureTimeStamp")]
        return properties

    return rearrange(archived(), change)


@fails("EN 319 132-1, 5.5.2.2: the evidence is covered", "time.timestamps")
def covered_evidence_removed() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        position = find(properties, "RevocationValues")
        values = properties[position]
        less = re.sub(rb"<xades:CRLValues>.*</xades:CRLValues>", b"", values.octets)
        assert less != values.octets
        properties[position] = UnsignedProperty(values.kind, less)
        return properties

    return rearrange(archived(), change)


@fails("EN 319 132-1, 5.5.2.2: nothing can be slipped in before it", "time.timestamps")
def evidence_slipped_in_before_the_archive_timestamp() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        extra = properties[find(properties, "TimeStampValidationData")]
        properties.insert(find(properties, "ArchiveTimeStamp"), extra)
        return properties

    return rearrange(renewed(), change)


@fails("EN 319 102-1, 5.5.4: a timestamp is not older than what it covers", "time.timestamps")
def archive_timestamp_older_than_the_signature_timestamp() -> bytes:
    return archive(signed(), SEALED_AT - timedelta(hours=1))


@fails("EN 319 102-1, 5.4: a token that is none", "time.timestamps")
def archive_timestamp_of_nonsense() -> bytes:
    return rearrange(signed(), lambda properties: [*properties, build_archive_timestamp(b"\x30\x00")])


@cannot_tell("TS 101 903 v1.3.2: that archive timestamp covers other things", "signature.form")
def archive_timestamp_of_the_old_version() -> bytes:
    old = archived().replace(b"xades141:ArchiveTimeStamp", b"xades:ArchiveTimeStamp")
    return old.replace(b'<xades:ArchiveTimeStamp xmlns:xades141="http://uri.etsi.org/01903/v1.4.1#">', _OLD)


_OLD = b"<xades:ArchiveTimeStamp>"


@fails("form of transcripts: properties are bare", "signature.profile")
def attribute_on_an_archive_timestamp() -> bytes:
    start = b'<xades141:ArchiveTimeStamp xmlns:xades141="http://uri.etsi.org/01903/v1.4.1#"'
    return replace_once(archived(), start + b">", start + b' Id="x">')


@fails("form of transcripts: one token in a container", "signature.profile")
def two_tokens_in_one_archive_timestamp() -> bytes:
    def change(properties: list[UnsignedProperty]) -> list[UnsignedProperty]:
        position = find(properties, "ArchiveTimeStamp")
        stamp = properties[position]
        token = re.search(rb"<xades:EncapsulatedTimeStamp>.*</xades:EncapsulatedTimeStamp>", stamp.octets)
        assert token is not None
        properties[position] = UnsignedProperty(stamp.kind, stamp.octets.replace(token[0], 2 * token[0]))
        return properties

    return rearrange(archived(), change)


@cannot_tell("EN 319 132-1, 5.5.1: nothing else in validation data", "signature.form")
def stranger_in_the_validation_data() -> bytes:
    end = b"</xades141:TimeStampValidationData>"
    return replace_once(archived(), end, b"<xades:CompleteRevocationRefs></xades:CompleteRevocationRefs>" + end)


@cannot_tell("EN 319 102-1, 5.4: an archive timestamp whose authority may be revoked", "time.timestamps")
def archive_timestamp_without_evidence() -> bytes:
    slot, policy = _seal()
    with at_time(RENEWED_AT):
        token, _ = school().stamp(xades.get_archive_imprint(signed(), SEAL))
    return xades.add_archive_timestamp(signed(), slot, token, policy=policy)
