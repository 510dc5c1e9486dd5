"""Which baseline level a signature of a PDF has reached, by what the file carries.

Implements ETSI EN 319 142-1, 6.3: B-T, a timestamp in the signature or a document timestamp behind it; B-LT, with the
revocation data of its certificate in the security store; B-LTA, with a document timestamp over signature and data.
What the pieces are worth is for the checks to say; a level is a claim about the form.
"""

from __future__ import annotations

from collections.abc import Sequence

from transcript_core.errors import TrustMaterialError
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.revocation import read_revocation_data
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel
from verify.formats.pades import PdfSignature, SignatureKind, SignedPdf


def find_pdf_level(signature: PdfSignature, pdf: SignedPdf) -> SignatureLevel | None:
    """Return the level of one signature; None when it is no baseline signature."""
    if not signature.has_signing_certificate:
        return None
    covered = any(is_sound_stamp(one) for one in pdf.signatures[pdf.signatures.index(signature) + 1 :])
    if not covered and not _is_stamped(signature):
        return SignatureLevel.B_B
    if not _has_status(signature.signer, pdf.dss_ocsps, pdf.dss_crls):
        return SignatureLevel.B_T
    archived = covered and _has_status(signature.signer, pdf.archived_ocsps, pdf.archived_crls)
    return SignatureLevel.B_LTA if archived else SignatureLevel.B_LT


def is_sound_stamp(signature: PdfSignature) -> bool:
    """Say whether this is a document timestamp that covers exactly its revision with the right imprint."""
    return signature.kind is SignatureKind.DOCUMENT_TIMESTAMP and signature.intact is True and not signature.problems


def _is_stamped(signature: PdfSignature) -> bool:
    """Say whether the signature carries a timestamp that was given for it."""
    if signature.timestamp is None:
        return False
    try:
        return parse_timestamp(signature.timestamp).imprint == signature.timestamp_imprint
    except TrustMaterialError:
        return False


def _has_status(certificate: Certificate | None, ocsps: Sequence[bytes], crls: Sequence[bytes]) -> bool:
    """Say whether an OCSP answer about this certificate, or a CRL of its issuer, is among the data."""
    if certificate is None:
        return False
    return read_revocation_data(ocsps, crls).speaks_of(certificate)
