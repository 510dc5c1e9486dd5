"""Writes and signs trust lists for development, in the form of ETSI TS 119 612 V2.1.1, 5 and annex B.

The signature is enveloped XAdES B-B (5.7; EN 319 132-1, 5.2) by an ECDSA P-256 key.  Never for production: a scheme's
operator has its own tools.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from lxml.etree import _Element

from transcript_core.canonical import C14nMethod, canonicalize, parse_xml
from transcript_core.pki.algorithms import der_to_raw
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust_list import StatusPeriod, TrustList, TrustService
from transcript_core.pki.trust_list_reader import TRUST_LIST_NAMESPACE

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_ECDSA: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_APPROACH: Final = "http://uri.etsi.org/TrstSvc/TrustedList/StatusDetn/VN"
_TYPE: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/VNlist"
_NOTICE: Final = "Danh sách thử nghiệm, không có giá trị pháp lý."
_ADDRESS: Final = (
    '<{holder}><PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>1</StreetAddress>'
    "<Locality>Ha Noi</Locality><CountryName>VN</CountryName></PostalAddress></PostalAddresses>"
    '<ElectronicAddress><URI xml:lang="en">mailto:dev@example.invalid</URI></ElectronicAddress></{holder}>'
)


def build_trust_list(trust_list: TrustList) -> bytes:
    """Return the list as XML without a signature, UTF-8."""
    return (
        f'<TrustServiceStatusList xmlns="{TRUST_LIST_NAMESPACE}" Id="list" '
        'TSLTag="http://uri.etsi.org/19612/TSLTag">'
        f"{_write_scheme(trust_list)}{_write_services(trust_list.services)}</TrustServiceStatusList>"
    ).encode()


def sign_trust_list(xml: bytes, key: ec.EllipticCurvePrivateKey, certificate: Certificate, *, at: datetime) -> bytes:
    """Return the list with the enveloped signature of its operator.

    Args:
        xml: as `build_trust_list` gives it.
        key: on P-256, of `certificate`.
        certificate: the operator's.
        at: aware; the claimed signing time.
    """
    root = parse_xml(xml)
    content = _digest(root)
    root.append(parse_xml(_write_signature(content, certificate, at).encode()))
    signature = root[-1]
    signed_info = signature[0]
    signed_info[3][2].text = _digest(signature[3][0][0])
    value = key.sign(canonicalize(signed_info, method=C14nMethod.EXCLUSIVE), ec.ECDSA(hashes.SHA256()))
    signature[1].text = base64.b64encode(der_to_raw(value, key.key_size)).decode()
    return canonicalize(root, method=C14nMethod.EXCLUSIVE)


def _digest(element: _Element) -> str:
    return base64.b64encode(hashlib.sha256(canonicalize(element, method=C14nMethod.EXCLUSIVE)).digest()).decode()


def _write_signature(content: str, certificate: Certificate, at: datetime) -> str:
    der = base64.b64encode(certificate.der).decode()
    own = base64.b64encode(certificate.sha256).decode()
    exclusive = C14nMethod.EXCLUSIVE.value
    method = f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
    return (
        f'<ds:Signature xmlns:ds="{_DS}" Id="sig"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{exclusive}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{_ECDSA}"></ds:SignatureMethod>'
        f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{_DS}enveloped-signature"></ds:Transform>'
        f'<ds:Transform Algorithm="{exclusive}"></ds:Transform></ds:Transforms>{method}'
        f"<ds:DigestValue>{content}</ds:DigestValue></ds:Reference>"
        '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#sig-properties"><ds:Transforms>'
        f'<ds:Transform Algorithm="{exclusive}"></ds:Transform></ds:Transforms>{method}'
        "<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{_XADES}" Target="#sig">'
        '<xades:SignedProperties Id="sig-properties"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{_instant(at)}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>"
        f"<xades:CertDigest>{method}<ds:DigestValue>{own}</ds:DigestValue></xades:CertDigest></xades:Cert>"
        "</xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties>"
        "</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def _write_scheme(trust_list: TrustList) -> str:
    rules = "".join(f'<URI xml:lang="en">{escape(rule)}</URI>' for rule in trust_list.rules)
    ends = "" if trust_list.next_update is None else f"<dateTime>{_instant(trust_list.next_update)}</dateTime>"
    return (
        "<SchemeInformation><TSLVersionIdentifier>5</TSLVersionIdentifier>"
        f"<TSLSequenceNumber>{trust_list.number}</TSLSequenceNumber><TSLType>{_TYPE}</TSLType>"
        f"<SchemeOperatorName>{_names(trust_list.operator)}</SchemeOperatorName>"
        f"{_ADDRESS.format(holder='SchemeOperatorAddress')}<SchemeName>{_names(trust_list.scheme)}</SchemeName>"
        '<SchemeInformationURI><URI xml:lang="en">https://example.invalid/</URI></SchemeInformationURI>'
        f"<StatusDeterminationApproach>{_APPROACH}</StatusDeterminationApproach>"
        f"<SchemeTypeCommunityRules>{rules}</SchemeTypeCommunityRules>"
        f"<SchemeTerritory>{escape(trust_list.territory)}</SchemeTerritory>"
        f'<PolicyOrLegalNotice><TSLLegalNotice xml:lang="vi">{_NOTICE}</TSLLegalNotice></PolicyOrLegalNotice>'
        "<HistoricalInformationPeriod>65535</HistoricalInformationPeriod>"
        f"<ListIssueDateTime>{_instant(trust_list.issued_at)}</ListIssueDateTime>"
        f"<NextUpdate>{ends}</NextUpdate></SchemeInformation>"
    )


def _write_services(services: Sequence[TrustService]) -> str:
    providers = dict.fromkeys(service.provider for service in services)
    written = "".join(
        f"<TrustServiceProvider><TSPInformation><TSPName>{_names(provider)}</TSPName>"
        f"<TSPTradeName>{_names('VATVN-0100000000')}</TSPTradeName>{_ADDRESS.format(holder='TSPAddress')}"
        '<TSPInformationURI><URI xml:lang="en">https://example.invalid/</URI></TSPInformationURI></TSPInformation>'
        f"<TSPServices>{''.join(_write_service(one) for one in services if one.provider == provider)}</TSPServices>"
        "</TrustServiceProvider>"
        for provider in providers
    )
    return f"<TrustServiceProviderList>{written}</TrustServiceProviderList>" if written else ""


def _write_service(service: TrustService) -> str:
    *earlier, current = service.periods
    full = "".join(
        f"<DigitalId><X509Certificate>{base64.b64encode(one.der).decode()}</X509Certificate></DigitalId>"
        for one in service.certificates
    )
    keys = sorted({bytes(one.asn1.key_identifier or b"") for one in service.certificates})
    short = "".join(f"<DigitalId><X509SKI>{base64.b64encode(key).decode()}</X509SKI></DigitalId>" for key in keys)
    history = "".join(
        f"<ServiceHistoryInstance>{_write_status(service, period, short)}</ServiceHistoryInstance>"
        for period in reversed(earlier)
    )
    return (
        f"<TSPService><ServiceInformation>{_write_status(service, current, full + short)}</ServiceInformation>"
        + (f"<ServiceHistory>{history}</ServiceHistory>" if history else "")
        + "</TSPService>"
    )


def _write_status(service: TrustService, period: StatusPeriod, identity: str) -> str:
    return (
        f"<ServiceTypeIdentifier>{period.service_type}</ServiceTypeIdentifier>"
        f"<ServiceName>{_names(service.name)}</ServiceName>"
        f"<ServiceDigitalIdentity>{identity}</ServiceDigitalIdentity><ServiceStatus>{period.status}</ServiceStatus>"
        f"<StatusStartingTime>{_instant(period.from_time)}</StatusStartingTime>"
    )


def _names(text: str) -> str:
    return f'<Name xml:lang="vi">{escape(text)}</Name>'


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
