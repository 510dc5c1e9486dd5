"""The JSON of a transcript as JWS: everything that RFC 7515 lets a forger play with, and JSON of the seal alone.

A JWS is asked about beside the XML that wins over it, or in its place.  RFC 7515, RFC 7518, RFC 8725.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing.signer import Signer
from tests.support.samples import build_transcript
from tests.vectors.cases import UNANCHORED, cannot_tell, fails, sound
from tests.vectors.pictures import pictured_xml, signed_json
from tests.vectors.school import OTHER_MST, OTHER_SCHOOL_NAME, TEACHERS_SIGN_AT, school, signed
from transcript_core.json import build_json
from transcript_core.jws import MAX_X5C
from transcript_core.limits import MAX_JSON_DEPTH

OTHER_SERIAL: Final = "01J9ZK3T5V7X9ABCDEFGHJKMNQ"
UNREAD: Final = ("document.structure",)
"""What a JWS beside its sound XML answers that cannot be read; the XML's signatures stay good."""

LYING: Final = ("document.structure", "json.content")
"""What a JWS answers whose content cannot be used, though its signature may be right."""


def encode(octets: bytes) -> bytes:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def decode(part: bytes) -> bytes:
    """Return the octets of a part."""
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


@cache
def _sound() -> bytes:
    return signed_json(build_transcript(), pictured_xml())


def _header() -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decode(_sound().split(b".")[0]))
    return header


def _payload() -> bytes:
    return decode(_sound().split(b".")[1])


def make(header: Mapping[str, Any] | bytes, payload: bytes | None = None, *, signer: Signer | None = None) -> bytes:
    """Return a compact JWS with this protected header, signed with the seal or another key."""
    octets = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    signing_input = encode(octets) + b"." + encode(_payload() if payload is None else payload)
    key = signer or school().seal()
    (value,) = key.sign_digests([hashlib.new(key.algorithm.hash_name, signing_input).digest()])
    return signing_input + b"." + encode(value)


def headed(**changes: object) -> bytes:
    """Return the sample JWS with some members of its header set, or left out when None, signed again."""
    header = {**_header(), **changes}
    return make({name: value for name, value in header.items() if value is not None})


def x5c_of(signer: Signer) -> list[str]:
    """Return a signer's chain as `x5c`."""
    return [base64.b64encode(one.der).decode() for one in (signer.certificate, *signer.chain)]


def x5t_of(signer: Signer) -> str:
    """Return a signer's `x5t#S256`."""
    return encode(signer.certificate.sha256).decode()


@sound("RFC 7515: beside its XML", xml=pictured_xml)
def json_beside_its_xml() -> bytes:
    return _sound()


@sound("RFC 7515: the XML is asked about, the JWS comes along", json=_sound)
def xml_with_its_json() -> bytes:
    return pictured_xml()


@cannot_tell(
    "design: the JSON of the seal alone is the word of one of nineteen",
    "certificate.revocation",
    "certificate.path",
    "slots.complete",
)
def json_of_the_seal_alone() -> bytes:
    return _sound()


@fails("docs/schema.md: the JSON says what the XML says", "json.content", xml=pictured_xml)
def json_with_other_marks() -> bytes:
    flattering = replace(build_transcript(), homeroom_comment="Xuất sắc về mọi mặt.")
    return make(_header(), build_json(flattering))


@fails("docs/schema.md: the JSON names its XML", "json.content", xml=pictured_xml)
def json_of_another_document() -> bytes:
    return signed_json(build_transcript(), signed())


@fails("docs/schema.md: the digest is 64 hexadecimal digits", "json.content", xml=pictured_xml)
def json_without_a_digest() -> bytes:
    return headed(digest=None)


@fails("the header and the content name different serials", *LYING, xml=pictured_xml)
def other_serial_in_the_header() -> bytes:
    return headed(serial=OTHER_SERIAL)


@fails("the header and the content name different versions", *LYING, xml=pictured_xml)
def other_version_in_the_header() -> bytes:
    return headed(version=2)


@fails("RFC 7515, 4.1.9: a message of another kind", *LYING, xml=pictured_xml)
def json_of_another_type() -> bytes:
    return headed(typ="hocba-status+jws")


@fails("RFC 8725, 3.1: alg none", *UNREAD, xml=pictured_xml)
def json_with_algorithm_none() -> bytes:
    head, body, _ = headed(alg="none").split(b".")
    return head + b"." + body + b".AA"


@fails("RFC 8725, 3.1: alg none in capitals", *UNREAD, xml=pictured_xml)
def json_with_algorithm_none_in_capitals() -> bytes:
    return headed(alg="NONE")


@fails("RFC 8725, 2.1: HMAC keyed with the public key", *UNREAD, xml=pictured_xml)
def json_with_a_mac() -> bytes:
    head, body, _ = headed(alg="HS256").split(b".")
    key = school().seal().certificate.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    value = hmac.digest(key, head + b"." + body, "sha256")
    return head + b"." + body + b"." + encode(value)


@fails(
    "RFC 8725, 3.1: an algorithm that is not for this key",
    "signature.references",
    "signature.value",
    "signature.algorithms",
    xml=pictured_xml,
)
def json_with_the_algorithm_of_another_key() -> bytes:
    return headed(alg="ES256")


@fails("RFC 7515, 4.1.11: a critical header that is not understood", *UNREAD, xml=pictured_xml)
def json_with_a_critical_header() -> bytes:
    return headed(crit=["exp"], exp=1)


@fails("RFC 7797: an unencoded payload", *UNREAD, xml=pictured_xml)
def json_with_an_unencoded_payload() -> bytes:
    return headed(b64=False, crit=["b64"])


@fails("RFC 7515, 4: doubled header members", *UNREAD, xml=pictured_xml)
def doubled_member_in_the_header() -> bytes:
    header = json.dumps(_header()).encode()
    return make(header[:-1] + b',"serial":"' + OTHER_SERIAL.encode() + b'"}')


@fails("RFC 8259, 4: doubled members of the content", *LYING, xml=pictured_xml)
def doubled_member_in_the_content() -> bytes:
    return make(_header(), _payload().replace(b'"dinhDang":', b'"dinhDang":"x","dinhDang":', 1))


@fails("RFC 8259: numbers that are no numbers", *LYING, xml=pictured_xml)
def infinity_in_the_content() -> bytes:
    return make(_header(), _payload().replace(b"{", b'{"x":Infinity,', 1))


@fails("RFC 8259: data behind the value", *LYING, xml=pictured_xml)
def data_behind_the_content() -> bytes:
    return make(_header(), _payload() + b"{}")


@fails("RFC 8259, 8.1: a byte order mark", *LYING, xml=pictured_xml)
def byte_order_mark_in_the_content() -> bytes:
    return make(_header(), b"\xef\xbb\xbf" + _payload())


@fails("limits: MAX_JSON_DEPTH", *LYING, xml=pictured_xml)
def content_nested_too_deep() -> bytes:
    depth = MAX_JSON_DEPTH + 1
    return make(_header(), b'{"a":' * depth + b"1" + b"}" * depth)


@fails("docs/schema.md: members that the schema does not know", *LYING, xml=pictured_xml)
def unknown_member_in_the_content() -> bytes:
    return make(_header(), _payload().replace(b"{", b'{"diem":"10.0",', 1))


@fails(
    "RFC 7515, 4.1.6: the chain of somebody else",
    "signature.references",
    "signature.value",
    "authority",
    "slots.signers",
    "signature.certificate-reference",
    "signature.profile",
    "signature.algorithms",
    xml=pictured_xml,
)
def chain_of_somebody_else() -> bytes:
    return headed(x5c=x5c_of(school().person("0148712189", "Hoàng Hữu An")))


@fails(
    "another school's seal over the same content",
    "slots.signers",
    "authority",
    "certificate.revocation",
    "certificate.path",
    xml=pictured_xml,
)
def json_of_another_schools_seal() -> bytes:
    other = school().seal(OTHER_SCHOOL_NAME, OTHER_MST)
    return make({**_header(), "x5c": x5c_of(other), "x5t#S256": x5t_of(other)}, signer=other)


@fails(
    "RFC 7515, 4.1.8: the digest names another certificate",
    "signature.certificate-reference",
    "signature.profile",
    xml=pictured_xml,
)
def thumbprint_of_another_certificate() -> bytes:
    return headed(**{"x5t#S256": x5t_of(school().person("0148712189", "Hoàng Hữu An"))})


@fails(
    "TS 119 182-1, 5.1.7: the certificate is named",
    "signature.certificate-reference",
    "signature.profile",
    xml=pictured_xml,
)
def thumbprint_missing() -> bytes:
    return headed(**{"x5t#S256": None})


@fails(
    "RFC 7515, 4.1.6: nobody is named",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    *UNANCHORED,
    xml=pictured_xml,
)
def chain_missing() -> bytes:
    return headed(x5c=None)


@fails("RFC 7515, 4.1.6: too long a chain", *UNREAD, xml=pictured_xml)
def chain_too_long() -> bytes:
    return headed(x5c=x5c_of(school().seal())[:1] * (MAX_X5C + 1))


@sound("RFC 7515, 4.1.2 and 4.1.5: addresses of keys are never followed", xml=pictured_xml)
def address_of_a_key_in_the_header() -> bytes:
    return headed(jku="https://example.org/keys.json", x5u="https://example.org/key.pem")


@fails("time: signed before the lock", "time.plausible", xml=pictured_xml)
def json_signed_before_the_lock() -> bytes:
    return headed(iat=int((TEACHERS_SIGN_AT - timedelta(days=100)).timestamp()))


@fails("time: the signing time is missing", "time.plausible", xml=pictured_xml)
def json_without_a_signing_time() -> bytes:
    return headed(iat=None)


@fails("RFC 7515, 5.2: the value was changed", "signature.references", "signature.value", xml=pictured_xml)
def json_value_changed() -> bytes:
    head, body, value = _sound().split(b".")
    return b".".join((head, body, value[:-8] + b"AAAAAAAA"))


@fails(
    "RFC 7515, 5.2: the content was changed",
    "signature.references",
    "signature.value",
    "json.content",
    xml=pictured_xml,
)
def json_content_changed() -> bytes:
    head, _, value = _sound().split(b".")
    flattering = replace(build_transcript(), homeroom_comment="Xuất sắc về mọi mặt.")
    return b".".join((head, encode(build_json(flattering)), value))


@fails("RFC 7515, 2: base64url with padding", "document.type", xml=pictured_xml)
def padding_in_a_part() -> bytes:
    head, body, value = _sound().split(b".")
    return b".".join((head + b"==", body, value))


@fails(
    "RFC 4648, 3.5: another spelling of the same octets", "signature.references", "signature.value", xml=pictured_xml
)
def stray_bits_in_the_value() -> bytes:
    head, body, value = _sound().split(b".")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters[letters.index(value[-1:]) + 1 :][:1]
    return b".".join((head, body, value[:-1] + last))


@fails("RFC 7515, 7.1: a fourth part", "document.type", xml=pictured_xml)
def fourth_part() -> bytes:
    return _sound() + b".e30"


@fails("RFC 7515, F: detached content", *UNREAD, xml=pictured_xml)
def detached_content() -> bytes:
    head, _, value = _sound().split(b".")
    return head + b".." + value


@fails("RFC 7515, 7.2: the JSON form is not accepted", "document.type", "signature.form")
def json_serialisation() -> bytes:
    head, body, value = (part.decode() for part in _sound().split(b"."))
    return json.dumps({"payload": body, "protected": head, "signature": value, "header": {"alg": "none"}}).encode()
