"""The signature values that come back from the machine with the key.  Their form is described in docs/agent.md.

JSON lines: a head that names the batch, the certificate and the list, then one line a value.  Lines are appended list
by list while the key signs, so a run that was stopped leaves a file that the next run continues.  Nothing here is
believed: every value is verified against the certificate before it is attached, or kept by a run that continues.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

from service.signing.jsonlines import (
    SigningListInvalid,
    get_member,
    get_octets_base64,
    get_octets_hex,
    read_line,
    reading,
    write_line,
)
from service.signing.lists import ListedDigest, ListHead
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_LISTED_DIGESTS
from transcript_core.policy import SignatureFormat

VALUES_TYPE: Final = "hocba-signature-values/1"


@dataclass(frozen=True, slots=True)
class ValuesHead:
    """Which list the values of a file are for."""

    batch_id: str
    certificate_sha256: bytes  # 32 raw bytes
    list_sha256: bytes  # 32 raw bytes

    @classmethod
    def of(cls, head: ListHead) -> ValuesHead:
        """Return the head of the values for this list."""
        return cls(head.batch_id, head.certificate.sha256, head.list_sha256)


@dataclass(frozen=True, slots=True)
class SignedValue:
    """One signature value, named as its digest was."""

    number: int
    serial: str
    version: int
    slot_id: str
    format: SignatureFormat
    value: bytes  # RSA octets, or raw r‖s for ECDSA

    @classmethod
    def of(cls, one: ListedDigest, value: bytes) -> SignedValue:
        """Return the value for this digest."""
        return cls(one.number, one.serial, one.version, one.slot_id, one.format, value)

    @property
    def where(self) -> str:
        """Return what error messages name."""
        return f"document {self.serial} version {self.version}, slot {self.slot_id}, {self.format.value}"

    @property
    def name(self) -> tuple[str, int, str, SignatureFormat]:
        """Return what tells it from every other of its batch."""
        return self.serial, self.version, self.slot_id, self.format


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """What a file of values holds."""

    head: ValuesHead
    values: tuple[SignedValue, ...]
    troubles: tuple[SigningListInvalid, ...]  # lines that cannot be read; the others stand


def write_values_head(head: ValuesHead) -> bytes:
    """Return the first line of a file of values."""
    return write_line(
        {
            "type": VALUES_TYPE,
            "batch": head.batch_id,
            "certificate_sha256": head.certificate_sha256.hex(),
            "list_sha256": head.list_sha256.hex(),
        }
    )


def write_value(one: SignedValue) -> bytes:
    """Return the line of one value."""
    return write_line(value_to_dict(one))


def value_to_dict(one: SignedValue) -> dict[str, Any]:
    """Return one value as plain values; the same in a file and over HTTP."""
    return {
        "number": one.number,
        "serial": one.serial,
        "version": one.version,
        "slot": one.slot_id,
        "format": one.format.value,
        "value": b64encode(one.value).decode("ascii"),
    }


def parse_value(plain: Any, *, what: str = "a signature value") -> SignedValue:
    """Return a value that `value_to_dict` wrote.

    Args:
        what: how the error names it.

    Raises:
        SigningListInvalid: something is missing or of another form.
    """
    with reading(what):
        return SignedValue(
            number=get_member(plain, "number", int),
            serial=get_member(plain, "serial", str),
            version=get_member(plain, "version", int),
            slot_id=get_member(plain, "slot", str),
            format=SignatureFormat(get_member(plain, "format", str)),
            value=get_octets_base64(plain, "value"),
        )


def parse_values_file(content: bytes) -> ValuesFile:
    """Return what a file of values holds; a line that cannot be read is named and does not stop the others.

    Raises:
        SigningListInvalid: its head is not one of this version.
        LimitExceeded: more lines than a list has.
    """
    lines = content.splitlines()
    if not lines:
        raise SigningListInvalid("the file is empty; take the one that hocba batch sign wrote")
    if len(lines) > MAX_LISTED_DIGESTS + 1:
        raise LimitExceeded(f"a file of values has at most {MAX_LISTED_DIGESTS} of them")
    head = _parse_head(read_line(lines[0], 1))
    values: list[SignedValue] = []
    troubles: list[SigningListInvalid] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            values.append(parse_value(read_line(line, number), what=f"line {number}"))
        except SigningListInvalid as error:
            troubles.append(error)
    return ValuesFile(head, tuple(values), tuple(troubles))


def _parse_head(plain: Any) -> ValuesHead:
    with reading("the head of the values"):
        if get_member(plain, "type", str) != VALUES_TYPE:
            raise SigningListInvalid(f"this is no file of signature values of this version ({VALUES_TYPE})")
        return ValuesHead(
            batch_id=get_member(plain, "batch", str),
            certificate_sha256=get_octets_hex(plain, "certificate_sha256"),
            list_sha256=get_octets_hex(plain, "list_sha256"),
        )
