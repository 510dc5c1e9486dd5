"""Who signed, with what, when: sound mathematics by the wrong people, with wrong certificates, at the wrong time."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from lxml.etree import _Element

from keys_dev.profiles import Profile
from signing.signer import Signer
from tests.support.samples import build_issue, build_transcript
from tests.support.signers import make_signer
from tests.vectors.cases import UNANCHORED, cannot_tell, fails, sound
from tests.vectors.forge import (
    DS,
    HOMEROOM,
    MATHS,
    PRINCIPAL,
    SEAL,
    XADES,
    drop,
    edit,
    only,
    replace_once,
    reseal,
    resign,
    resign_with,
)
from tests.vectors.school import OTHER_MST, OTHER_SCHOOL_NAME, STEP, TEACHERS_SIGN_AT, describe, school, signed
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.status import DocumentStatus

TEACHER = ("0148712189", "Hoàng Hữu An")
YEAR = timedelta(days=365)


def _signed_by(slot_id: str, signer: Signer) -> bytes:
    transcript = build_transcript()
    document, slots, policy = describe(transcript, build_issue(transcript))
    return school().sign_all(document, slots, policy, signers={slot_id: signer})


@fails("authority: perfect signatures by another school's seal", "slots.signers", "authority")
def seal_of_another_school() -> bytes:
    return _signed_by(SEAL, school().seal(OTHER_SCHOOL_NAME, OTHER_MST))


@fails("authority: the name alone is not the school", "authority")
def seal_of_a_school_of_the_same_name() -> bytes:
    return _signed_by(SEAL, school().seal("Trường THCS Hoa Sen", OTHER_MST))


@fails("authority: perfect signature by another school's principal", "slots.signers", "authority")
def principal_of_another_school() -> bytes:
    return _signed_by(PRINCIPAL, school().person("0191111111", "Cao Thị Xa"))


@fails("authority: a namesake is another person", "authority")
def teacher_of_the_same_name() -> bytes:
    return _signed_by(MATHS, school().person("0100000001", TEACHER[1]))


@fails("the slot names who must sign it", "slots.signers", "authority")
def colleague_signs_in_the_teachers_slot() -> bytes:
    return _signed_by(MATHS, school().person("0128523158", "Đặng Thị Hạnh"))


@fails("a person's slot is not for a seal", "slots.signers", "authority")
def seal_signs_as_principal() -> bytes:
    return _signed_by(PRINCIPAL, school().seal())


@cannot_tell("EN 319 102-1, 5.2.6: no path to an anchor", *UNANCHORED, "slots.signers", "authority")
def certificate_of_an_unknown_authority() -> bytes:
    signer = make_signer("p-256", name=TEACHER[1], identity=f"CCCD:00{TEACHER[0]}")
    return edit(signed(), resign_with(MATHS, signer), reseal)


@fails(
    "TT 15/2025 Annex II 1.1: in date when signed", "certificate.period", "certificate.revocation", "certificate.path"
)
def certificate_expired_when_signed() -> bytes:
    signer = school().person(*TEACHER, valid_to=TEACHERS_SIGN_AT - timedelta(days=1))
    return edit(signed(), resign_with(MATHS, signer), reseal)


@fails(
    "TT 15/2025 Annex II 1.1: in date when signed", "certificate.period", "certificate.revocation", "certificate.path"
)
def certificate_not_yet_valid_when_signed() -> bytes:
    signer = school().person(*TEACHER, valid_from=TEACHERS_SIGN_AT + YEAR, valid_to=TEACHERS_SIGN_AT + 2 * YEAR)
    return edit(signed(), resign_with(MATHS, signer), reseal)


@fails("TT 15/2025 Annex II 1.4: a certificate that may not sign", "certificate.usage", "certificate.path")
def certificate_without_signing_usage() -> bytes:
    signer = school().person(*TEACHER, profile=Profile.NO_SIGNING_USAGE)
    return _signed_by(MATHS, signer)


@cache
def _revoked() -> Signer:
    signer = school().person(*TEACHER, organisation="Trường Hoa Sen (thu hồi)")
    school().pki.revoke(signer.certificate, at=TEACHERS_SIGN_AT - timedelta(days=2))
    return signer


@fails("TT 15/2025 Annex II 1.2: not revoked when signed", "certificate.revocation", "certificate.path")
def certificate_revoked_before_signing() -> bytes:
    return _signed_by(MATHS, _revoked())


@cannot_tell(
    "EN 319 102-1, 5.2.6: revocation must be known", "certificate.revocation", "certificate.path", "time.timestamps"
)
def no_revocation_data() -> bytes:
    def change(root: _Element) -> None:
        for one in list(root.iter(f"{XADES}UnsignedProperties")):
            values = next(one.iter(f"{XADES}RevocationValues"))
            drop(values if list(one.iter(f"{XADES}SignatureTimeStamp")) else one)

    return edit(signed(), change, reseal)


@fails(
    "EN 319 132-1, 5.2.2: SigningCertificateV2 is required",
    "signature.form",
    "signature.profile",
    "signature.certificate-reference",
)
def signing_certificate_reference_missing() -> bytes:
    def change(root: _Element) -> None:
        drop(only(root, MATHS, f"{XADES}SigningCertificateV2"))

    return edit(signed(), change, resign(MATHS), reseal)


@fails("EN 319 132-1, 5.2.2: the digest names the certificate", "signature.form", "signature.certificate-reference")
def signing_certificate_reference_wrong() -> bytes:
    def change(root: _Element) -> None:
        digest = next(only(root, MATHS, f"{XADES}CertDigest").iter(f"{DS}DigestValue"))
        digest.text = base64.b64encode(bytes(32)).decode("ascii")

    return edit(signed(), change, resign(MATHS), reseal)


@fails(
    "EN 319 102-1, 5.2.3: the certificate cannot be exchanged",
    "signature.form",
    "signature.value",
    "signature.certificate-reference",
    "slots.signers",
    "authority",
)
def certificate_substituted() -> bytes:
    other = school().person("0161335155", "Phạm Hữu Hải").certificate

    def change(root: _Element) -> None:
        only(root, MATHS, f"{DS}X509Certificate").text = base64.b64encode(other.der).decode("ascii")

    return edit(signed(), change, reseal)


@fails("EN 319 102-1, 5.2.7: the value fits the key", "signature.value")
def value_of_another_signature() -> bytes:
    def change(root: _Element) -> None:
        other = only(root, "gvbm-NGUVAN-1", f"{DS}SignatureValue").text
        only(root, MATHS, f"{DS}SignatureValue").text = other

    return edit(signed(), change, reseal)


@fails("TT 15/2025 Annex II 2.1: the signer is identified", *UNANCHORED, "slots.signers", "authority")
def certificate_without_identity() -> bytes:
    return edit(signed(), resign_with(MATHS, make_signer("p-256", name=TEACHER[1], identity=None)), reseal)


@fails(
    "TT 15/2025 Annex I: RSA of 2048 bits or more",
    "signature.form",
    "signature.algorithms",
    *UNANCHORED,
    "slots.signers",
    "authority",
)
def short_rsa_key() -> bytes:
    weak = make_signer(
        "rsa-1024",
        name=TEACHER[1],
        identity=f"CCCD:00{TEACHER[0]}",
        algorithm=SignatureAlgorithm.RSA_PKCS1_SHA256,
    )
    return edit(signed(), resign_with(MATHS, weak), reseal)


@fails("EN 319 132-1, 5.2.9: signed under the document's policy", "signature.policy")
def other_signing_policy() -> bytes:
    def change(root: _Element) -> None:
        holder = only(root, MATHS, f"{XADES}SigPolicyId")
        next(holder.iter(f"{XADES}Identifier")).text = "urn:oid:2.25.1"

    return edit(signed(), change, resign(MATHS), reseal)


@fails("EN 319 132-1, 5.2.9: the policy's own digest", "signature.policy")
def other_digest_of_the_signing_policy() -> bytes:
    def change(root: _Element) -> None:
        digest = next(only(root, MATHS, f"{XADES}SigPolicyHash").iter(f"{DS}DigestValue"))
        digest.text = base64.b64encode(bytes(32)).decode("ascii")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("EN 319 132-1, 5.2.3: the commitment is the slot's", "signature.policy")
def other_commitment() -> bytes:
    def change(root: _Element) -> None:
        holder = only(root, PRINCIPAL, f"{XADES}CommitmentTypeId")
        next(holder.iter(f"{XADES}Identifier")).text = "http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt"

    return edit(signed(), change, reseal)


def _claim(slot_id: str, time: datetime) -> bytes:
    def change(root: _Element) -> None:
        only(root, slot_id, f"{XADES}SigningTime").text = time.strftime("%Y-%m-%dT%H:%M:%SZ")

    slots = {MATHS: (MATHS, HOMEROOM), HOMEROOM: (HOMEROOM,)}.get(slot_id, ())
    return edit(signed(), change, resign(*slots), reseal)


@fails("order: teachers before the homeroom teacher", "slots.order")
def teacher_signs_after_the_homeroom_teacher() -> bytes:
    return _claim(MATHS, TEACHERS_SIGN_AT + 2 * STEP - timedelta(minutes=30))


@fails("time: nobody signs before the lock", "time.plausible")
def signed_before_the_lock() -> bytes:
    return _claim(MATHS, datetime(2026, 5, 1, tzinfo=UTC))


@fails("EN 319 102-1, 5.6.2.4: claimed time against the timestamp", "time.plausible", "slots.order")
def claimed_time_after_the_timestamp() -> bytes:
    return _claim(PRINCIPAL, TEACHERS_SIGN_AT + 5 * STEP)


@cannot_tell(
    "EN 319 102-1, 5.1: asked about a time before the signatures",
    "time.timestamps",
    "time.plausible",
    at=TEACHERS_SIGN_AT - YEAR / 12,
)
def asked_about_a_time_before_it_was_signed() -> bytes:
    return signed()


@sound("signing policy: a timestamp is aimed at, not demanded, while the certificates are good")
def timestamp_missing() -> bytes:
    return edit(signed(), lambda root: drop(only(root, SEAL, f"{XADES}SignatureTimeStamp")))


@cannot_tell(
    "EN 319 102-1, 5.3: without a timestamp the certificates must be good now",
    "certificate.period",
    "certificate.revocation",
    "certificate.path",
    at=datetime(2030, 6, 1, tzinfo=UTC),
)
def timestamp_missing_and_certificates_expired() -> bytes:
    return timestamp_missing()


@fails("EN 319 102-1, 5.4: a copied timestamp proves nothing", "time.timestamps")
def timestamp_of_another_document() -> bytes:
    donor = signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")
    start, end = b"<xades:EncapsulatedTimeStamp>", b"</xades:EncapsulatedTimeStamp>"
    mine = signed().split(start)[1].split(end)[0]
    theirs = donor.split(start)[1].split(end)[0]
    return replace_once(signed(), mine, theirs)


@fails("EN 319 102-1, 5.4: a token that is none", "time.timestamps")
def timestamp_of_nonsense() -> bytes:
    def change(root: _Element) -> None:
        only(root, SEAL, f"{XADES}EncapsulatedTimeStamp").text = "AAAA"

    return edit(signed(), change)


@fails("status: recalled", "status", status=DocumentStatus.RECALLED)
def recalled() -> bytes:
    return signed()


@fails("status: replaced", "status", status=DocumentStatus.SUPERSEDED)
def superseded() -> bytes:
    return signed()


@cannot_tell("status: suspended", "status", status=DocumentStatus.SUSPENDED)
def suspended() -> bytes:
    return signed()


@cannot_tell("status: unknown", "status", status=DocumentStatus.UNKNOWN)
def unknown_to_the_status_source() -> bytes:
    return signed()


@sound("signing policy: levels above B-B are welcome anywhere")
def everybody_stamped() -> bytes:
    transcript = replace(build_transcript(), class_name="7A2")
    document, slots, policy = describe(transcript, build_issue(transcript))
    here = school()
    for slot in slots:
        here.clock.at = TEACHERS_SIGN_AT + STEP * (slot.rule.order - 1)
        document = here.sign(document, slot, policy, stamped=True)
    return document
