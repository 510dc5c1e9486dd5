"""Which certificates a CRL speaks of, and what an entry says.  RFC 5280, 5.2.5, 5.3 and 6.3.3.

Complete lists of one CA count, about all reasons; delta and indirect lists and lists for some reasons only do not.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509

from transcript_core.pki.certificates import UNREADABLE, Certificate

_CRITICAL: Final = b"\x01\x01\xff"
"""DER of the TRUE that marks an extension as critical."""


def find_scope_fault(certificate: Certificate, crl: x509.CertificateRevocationList) -> str | None:
    """Return in English why the extensions of a list keep it from speaking of `certificate`; None when they do not."""
    for extension in crl.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            fault = _find_point_fault(certificate, extension.value)
            if fault is not None:
                return fault
        elif extension.critical or isinstance(extension.value, x509.DeltaCRLIndicator):
            return "a CRL is a delta CRL or has a critical extension that is not known here"
    return None


def _find_point_fault(certificate: Certificate, point: x509.IssuingDistributionPoint) -> str | None:
    other_kind = point.only_contains_user_certs if certificate.is_ca else point.only_contains_ca_certs
    if other_kind or point.only_contains_attribute_certs or point.indirect_crl or point.only_some_reasons:
        return "a CRL is about other certificates, other reasons or other CAs"
    if point.relative_name is not None:
        return "a CRL names its distribution point in a form that is not known here"
    names = {name.value for name in point.full_name or () if isinstance(name, x509.UniformResourceIdentifier)}
    if point.full_name and not names & set(certificate.crl_urls):
        return "a CRL belongs to another distribution point"
    return None


def has_critical_entry(crl: x509.CertificateRevocationList) -> bool:
    """Return whether an entry has a critical extension, which may give the whole list another meaning (5.3).

    The one that is defined names another CA, from that entry on (5.3.3).  Entries are read only when the list holds
    more octets that can mark an extension as critical than its own extensions do.

    Raises:
        ValueError: an extension of an entry cannot be read.
    """
    own = sum(extension.critical for extension in crl.extensions)
    if crl.tbs_certlist_bytes.count(_CRITICAL) <= own:
        return False
    return any(extension.critical for entry in crl for extension in entry.extensions)


def may_sign_crls(issuer: Certificate) -> bool:
    """Return whether a CA's certificate lets it sign lists (4.2.1.3)."""
    try:
        return issuer.x509.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def read_reason(entry: x509.RevokedCertificate) -> str:
    """Return why an entry is on the list (5.3.1): "keyCompromise"; "unspecified" when it does not say."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return "unspecified"
