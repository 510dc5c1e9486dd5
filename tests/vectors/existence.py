"""What a timestamp proves of other signatures: only those that are in the octets which the stamped one digested.

In each broken file an old, stamped signature stands beside one that was added later with a back-dated time, by somebody
whose certificate has run out since.  Alone nothing can be said of that; the other's stamp must not change it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from tests.vectors.cases import Question, cannot_tell, sound
from tests.vectors.detached import BASE64, CONTENT, FILTER_2, NAME, beside, xpath
from tests.vectors.foreign import (
    DS_URI,
    ENVELOPED,
    EXCLUSIVE,
    MANIFEST_TYPE,
    SIGNED_AT,
    Ref,
    Wanted,
    canonical,
    sign,
    write_transform,
)
from tests.vectors.school import school
from transcript_core.canonical import canonicalize, parse_xml

UNPROVEN: Final = ("certificate.path", "certificate.period")
"""What cannot be told of a signer whose certificate has run out, without a proof of when the signature existed."""

_BODY: Final = "<diem>8,4</diem>"
_PLACE: Final = "<ds:Object></ds:Object>"

asked: Final = Question.SIGNATURES


def _write_filter(expression: str) -> str:
    inside = f'<f:XPath xmlns:f="{FILTER_2}" xmlns:ds="{DS_URI}" Filter="subtract">{expression}</f:XPath>'
    return write_transform(FILTER_2, inside)


def _sign_late() -> str:
    """Return a signature over its own Object, without a stamp, by somebody whose certificate has run out since."""
    promise = '<ds:Object Id="o"><loiHua>9,9</loiHua></ds:Object>'
    signer = school().person("0148712189", "Hoàng Hữu An", valid_to=SIGNED_AT + timedelta(days=1))
    ref = Ref("#o", canonical(promise), (EXCLUSIVE,))
    return sign(Wanted((ref,), signature_id="late", objects=(promise,), stamped=False, signer=signer))


def _sign_early(*transforms: str, signed: str = f"<hoSo>{_BODY}</hoSo>", objects: tuple[str, ...] = ()) -> str:
    """Return a stamped signature over the document by these transforms."""
    octets = canonicalize(parse_xml(signed.encode()))
    return sign(Wanted((Ref("", octets, transforms),), signature_id="early", objects=objects))


def _put_together(*signatures: str) -> bytes:
    return f"<hoSo>{_BODY}{''.join(signatures)}</hoSo>".encode()


@sound("EN 319 102-1, 5.6.2.3: the other signature is among what the stamped one signed", question=asked)
def late_signature_that_a_stamped_one_signed() -> bytes:
    late = _sign_late()
    return _put_together(late, _sign_early(ENVELOPED, EXCLUSIVE, signed=f"<hoSo>{_BODY}{late}</hoSo>"))


@cannot_tell("EN 319 102-1, 5.6.2.3: no proof of when it existed", *UNPROVEN, question=asked)
def late_signature_alone() -> bytes:
    return _sign_late().encode()


@cannot_tell("EN 319 102-1, 5.6.2.3: an XPath leaves it out", *UNPROVEN, question=asked)
def late_signature_left_out_by_xpath() -> bytes:
    return _put_together(_sign_early(xpath("not(ancestor-or-self::ds:Signature)"), EXCLUSIVE), _sign_late())


@cannot_tell("EN 319 102-1, 5.6.2.3: a filter leaves it out", *UNPROVEN, question=asked)
def late_signature_left_out_by_filter() -> bytes:
    return _put_together(_sign_early(_write_filter("/descendant::ds:Signature"), EXCLUSIVE), _sign_late())


@cannot_tell("EN 319 102-1, 5.6.2.3: a filter of the root's children leaves it out", *UNPROVEN, question=asked)
def late_signature_left_out_among_the_children() -> bytes:
    return _put_together(_sign_early(_write_filter("/*/ds:Signature"), EXCLUSIVE), _sign_late())


@cannot_tell(
    "EN 319 102-1, 5.6.2.3: it lies in the signature that enveloped-signature leaves out", *UNPROVEN, question=asked
)
def late_signature_inside_an_enveloped_one() -> bytes:
    early = _sign_early(ENVELOPED, EXCLUSIVE, objects=(_PLACE,))
    return _put_together(early.replace(_PLACE, f"<ds:Object>{_sign_late()}</ds:Object>"))


# What was decoded, not digested


def _sign_decoded_manifest() -> bytes:
    """Return a signature over the octets that the text of a manifest is Base64 of: its only entry's digest."""
    entry = Ref(NAME, CONTENT)
    markup = f'<ds:Manifest Id="m">{entry.to_xml()}</ds:Manifest>'
    ref = Ref("#m", hashlib.sha256(CONTENT).digest(), (BASE64,), MANIFEST_TYPE)
    return sign(Wanted((ref,), objects=(f"<ds:Object>{markup}</ds:Object>",))).encode()


@cannot_tell(
    "XML Signature 1.1, 5.1: the names in a manifest are not signed", "signature.form", question=asked, files=beside
)
def manifest_of_which_only_the_text_is_signed() -> bytes:
    return _sign_decoded_manifest()
