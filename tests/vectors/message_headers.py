"""Headers of a JWS that point at other keys, ask for other rules or name another document.  RFC 7515; RFC 8725.

As in `messages`, each is asked about beside the XML that wins over it; what the forger holds is another school's seal.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa

from signing.signer import Signer
from tests.support.samples import build_transcript
from tests.vectors.cases import fails, sound
from tests.vectors.messages import LYING, UNREAD, decode, encode, headed, make, x5c_of
from tests.vectors.pictures import pictured_xml, signed_json
from tests.vectors.school import OTHER_MST, OTHER_SCHOOL_NAME, STEP, school, signed
from tests.vectors.versions import CORRECTED_AT, LOCKED_AT, build_corrected, correct
from transcript_core.json import build_json
from transcript_core.xml import document_digest

_FORGED: Final = ("signature.references", "signature.value")
"""What fails when the key of the certificate in `x5c` did not sign."""

_CRITICAL: Final = "RFC 7515, 4.1.11: `crit` names what is there, once, and what is understood"
_DOUBLED: Final = "RFC 8259, 4: doubled members"
_NONE: Final = "RFC 8725, 3.1: alg none"
_TYPE: Final = "RFC 7515, 4.1.9: a message of another kind"


def _forger() -> Signer:
    return school().seal(OTHER_SCHOOL_NAME, OTHER_MST)


def _jwk() -> dict[str, str]:
    """Return the forger's public key as JWK."""
    key = _forger().certificate.public_key
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    return {"kty": "RSA", "n": encode(modulus).decode(), "e": encode(numbers.e.to_bytes(3)).decode()}


def _header() -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decode(headed().split(b".")[0]))
    return header


def _payload() -> bytes:
    return decode(headed().split(b".")[1])


def _forge(**changes: object) -> bytes:
    """Return the school's own message, its header changed, signed by the forger."""
    return make({**_header(), **changes}, signer=_forger())


# Keys


@fails("RFC 8725, 3.8: a key in the header is nobody's", *_FORGED, xml=pictured_xml)
def embedded_key_of_the_forger() -> bytes:
    return _forge(jwk=_jwk())


@fails("RFC 7515, 4.1.2 and 4.1.5: addresses of keys are never followed", *_FORGED, xml=pictured_xml)
def addresses_of_the_forgers_key() -> bytes:
    return _forge(jku="https://evil.example/keys.json", x5u="https://evil.example/key.pem", kid="1")


@fails("RFC 7515, 4.1.4: a key identifier chooses no key", *_FORGED, xml=pictured_xml)
def key_identifier_of_the_forgers_file() -> bytes:
    return _forge(kid="../../../../tmp/key.pem")


@sound("RFC 7515, 4.1.3: a key in the header is not looked at", xml=pictured_xml)
def embedded_key_beside_the_right_signature() -> bytes:
    return headed(jwk=_jwk())


@fails(
    "RFC 7515, 4.1.6: the signer's certificate comes first",
    *_FORGED,
    "signature.profile",
    "signature.certificate-reference",
    "signer.identified",
    "certificate.usage",
    "certificate.path",
    "slots.signers",
    "authority",
    xml=pictured_xml,
)
def chain_in_reverse_order() -> bytes:
    return headed(x5c=x5c_of(school().seal())[::-1])


@fails("RFC 7515, 4.1.6: standard base64", *UNREAD, xml=pictured_xml)
def chain_in_base64url() -> bytes:
    return headed(x5c=[one.replace("+", "-").replace("/", "_") for one in x5c_of(school().seal())])


@fails("RFC 7515, 4.1.6: certificates", *UNREAD, xml=pictured_xml)
def chain_of_nonsense() -> bytes:
    return headed(x5c=["AAAA"])


@fails("RFC 7515, 4.1.6: a list", *UNREAD, xml=pictured_xml)
def chain_that_is_one_text() -> bytes:
    return headed(x5c=x5c_of(school().seal())[0])


# Algorithms


@fails(_NONE, "document.type", xml=pictured_xml)
def json_with_algorithm_none_and_no_value() -> bytes:
    head, body, _ = headed(alg="none").split(b".")
    return head + b"." + body + b"."


@fails("RFC 7515, 4.1.1: alg is there", *UNREAD, xml=pictured_xml)
def json_without_an_algorithm() -> bytes:
    return headed(alg=None)


@fails("RFC 7515, 4.1.1: names of algorithms are case-sensitive", *UNREAD, xml=pictured_xml)
def json_with_an_algorithm_in_small_letters() -> bytes:
    return headed(alg="rs256")


@fails("RFC 7515, 4.1.1: one algorithm", *UNREAD, xml=pictured_xml)
def json_with_a_list_of_algorithms() -> bytes:
    return headed(alg=["RS256", "none"])


@fails("RFC 7518, 3.5: another scheme than the value was made with", *_FORGED, xml=pictured_xml)
def json_with_another_scheme_of_the_same_key() -> bytes:
    return headed(alg="PS256")


# Rules


@fails(_CRITICAL, *UNREAD, xml=pictured_xml)
def json_with_an_empty_critical_list() -> bytes:
    return headed(crit=[])


@fails(_CRITICAL, *UNREAD, xml=pictured_xml)
def json_with_a_critical_header_that_is_absent() -> bytes:
    return headed(crit=["sigT"])


@fails(_CRITICAL, *UNREAD, xml=pictured_xml)
def json_with_a_critical_header_of_the_standard() -> bytes:
    return headed(crit=["alg"])


@fails(_CRITICAL, *UNREAD, xml=pictured_xml)
def json_with_a_critical_text() -> bytes:
    return headed(crit="typ")


@fails("RFC 7797, 3: what says how the payload is encoded is not understood here", *UNREAD, xml=pictured_xml)
def json_that_says_how_its_payload_is_encoded() -> bytes:
    return headed(b64=True, crit=["b64"])


@fails("RFC 7797, 6: an unencoded payload that is not critical", *UNREAD, xml=pictured_xml)
def json_with_an_unencoded_payload_in_silence() -> bytes:
    return headed(b64=False)


# Members


@fails(_DOUBLED, *UNREAD, xml=pictured_xml)
def doubled_member_in_the_header_spelt_otherwise() -> bytes:
    return make(json.dumps(_header()).encode()[:-1] + b',"\\u0061lg":"none"}')


@fails(_DOUBLED, *LYING, xml=pictured_xml)
def doubled_member_in_the_content_spelt_otherwise() -> bytes:
    return make(_header(), _payload().replace(b'"dinhDang":', b'"dinhDan\\u0067":"x","dinhDang":', 1))


@fails(_DOUBLED, *LYING, xml=pictured_xml)
def doubled_member_deep_in_the_content() -> bytes:
    payload = _payload()
    at = payload.rindex(b'"maSo"') if b'"maSo"' in payload else payload.rindex(b'{"') + 1
    name = payload[at : payload.index(b":", at) + 1]
    return make(_header(), payload[:at] + name + b'"x",' + payload[at:])


# Documents


@fails(_TYPE, *LYING, xml=pictured_xml)
def json_of_no_type() -> bytes:
    return headed(typ=None)


@fails(_TYPE, *LYING, xml=pictured_xml)
def json_of_the_type_of_tokens() -> bytes:
    return headed(typ="JWT")


@fails("docs/schema.md: a version is a whole number", *LYING, xml=pictured_xml)
def version_in_the_header_that_is_a_truth_value() -> bytes:
    return headed(version=True)


@fails("docs/schema.md: a version is a whole number", *LYING, xml=pictured_xml)
def version_in_the_header_that_is_a_text() -> bytes:
    return headed(version="1")


@fails("docs/schema.md: a version is a whole number", *UNREAD, xml=pictured_xml)
def version_in_the_header_that_is_a_fraction() -> bytes:
    return headed(version=1.0)


@fails("time: the signing time is a whole number of seconds", "time.plausible", xml=pictured_xml)
def signing_time_that_is_a_text() -> bytes:
    return headed(iat="1780023600")


@fails("docs/schema.md: the JSON names its XML", "json.content", xml=pictured_xml)
def digest_of_the_content_in_place_of_the_xmls() -> bytes:
    return headed(digest=school().seal().certificate.sha256.hex())


@fails(
    "docs/schema.md: the JSON says what the XML says",
    "json.content",
    "time.plausible",
    xml=build_corrected,
    at=CORRECTED_AT,
)
def json_of_the_first_version_beside_the_second() -> bytes:
    """Both are genuine; the JSON was good until the mark was corrected, and signed before that."""
    return signed_json(build_transcript(), signed())


@fails("docs/schema.md: the JSON names its XML", "json.content", xml=build_corrected, at=CORRECTED_AT)
def json_of_the_second_version_that_names_the_first_xml() -> bytes:
    header = {"version": 2, "digest": document_digest(signed()).hex(), "iat": int((LOCKED_AT + 3 * STEP).timestamp())}
    return make({**_header(), **header}, build_json(correct()))


@fails("docs/schema.md: the JSON says what the XML says", "json.content", xml=signed)
def json_of_another_pupil_that_names_this_xml() -> bytes:
    return signed_json(build_transcript(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ"), signed())


@sound("docs/verification.md: a line end behind a message is an editor's", xml=pictured_xml)
def json_with_a_line_end_behind() -> bytes:
    return headed() + b"\r\n"
