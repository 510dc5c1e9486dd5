"""Document timestamps and security stores as a forger would append them to a sealed PDF."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from asn1crypto import tsp
from certomancer.crypto_utils import load_private_key
from certomancer.services import TimeStamper
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from keys_dev.services import TSA_POLICY
from signing import pades
from signing.timestamp import build_query
from tests.support.pki import development_pki
from tests.support.signed_pdf import PDF_SIGNED_AT, append_objects, request_timestamp
from transcript_core.pdf import Value, read_pdf, write_value
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.trust import World

Edit = Callable[[bytes], bytes]


def stamp_edited(
    pdf: bytes, edit: Edit, *, request: Edit = request_timestamp, finish: Edit = lambda token: token
) -> bytes:
    """Return the file with a document timestamp whose section was edited before it was really stamped.

    Args:
        edit: changes the section's octets before and after the hole; lengths must stay.
        request: gives the token for an imprint.
        finish: changes the token before it is put in.
    """
    pending = pades.prepare_document_timestamp(pdf)
    section = replace(pending.section, before=edit(pending.section.before), after=edit(pending.section.after))
    sizes = [(len(one.before), len(one.after)) for one in (section, pending.section)]
    assert sizes[0] == sizes[1]
    assert section != pending.section or edit is keep
    imprint = hashlib.sha256(pdf + section.before + section.after).digest()
    return pdf + section.fill(finish(request(imprint)))


def keep(octets: bytes) -> bytes:
    """Change nothing."""
    return octets


def change(old: bytes, new: bytes) -> Edit:
    """Return the edit that puts `new` in place of `old`, which is as long."""
    return lambda octets: octets.replace(old, new.ljust(len(old)))


def stamp_short(pdf: bytes) -> bytes:
    """Return the file with a document timestamp, right over a range that leaves out the last octets of its section."""
    pending = pades.prepare_document_timestamp(pdf)
    before, after = pending.section.before, pending.section.after
    short = b"%d " % (len(after) - 7)
    before = before.replace(b"%d " % len(after), short.ljust(len(b"%d " % len(after))))
    assert before != pending.section.before
    imprint = hashlib.sha256(pdf + before + after[:-7]).digest()
    return pdf + replace(pending.section, before=before).fill(request_timestamp(imprint))


def request_by_signing_key(imprint: bytes) -> bytes:
    """Return a token whose authority is a school's seal: trusted, but not for time-stamping."""
    pki = development_pki()
    path = pki.issue_seal("Trường THCS Hoa Đào", "0107654321", world=World.NATIONAL)
    bundle = load_pkcs12(path.read_bytes(), pki.read_password(path).encode())
    assert bundle.key is not None
    assert bundle.cert is not None
    der = bundle.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stamper = TimeStamper(
        load_certificate(bundle.cert.certificate.public_bytes(Encoding.DER)).asn1,
        load_private_key(der, None)[0],
        certs_to_embed=[
            load_certificate(one.certificate.public_bytes(Encoding.DER)).asn1 for one in bundle.additional_certs
        ],
        fixed_dt=PDF_SIGNED_AT,
        policy=tsp.ObjectIdentifier(TSA_POLICY),
    )
    answer = stamper.request_tsa_response(tsp.TimeStampReq.load(build_query(imprint, 1)))
    token: bytes = answer["time_stamp_token"].dump()
    return token


def break_token(token: bytes) -> bytes:
    """Return the token with another signature value."""
    return token[:-1] + bytes([token[-1] ^ 1])


def get_object(pdf: bytes, number: int) -> dict[str, Value]:
    """Return a copy of the newest dictionary of that number."""
    value = read_pdf(pdf).get_object(number).value
    assert isinstance(value, dict)
    return dict(value)


def rewrite(pdf: bytes, number: int, **entries: Value) -> bytes:
    """Append an update that changes entries of one object; None removes one."""
    dictionary = {**get_object(pdf, number), **entries}
    return append_objects(pdf, {number: write_value({key: one for key, one in dictionary.items() if one is not None})})
