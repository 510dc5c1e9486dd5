"""Reads the XML of a trust list.  ETSI TS 119 612 V2.1.1 to V2.3.1, 5.2 to 5.6 (TSLVersionIdentifier 5 and 6).

The caller holds the list's signature first and hands over the element that was digested.  What decides about trust is
read strictly: a status, a time or an identity that cannot be read refuses the whole list, because a status left out
would lengthen the one before it.  What only describes (addresses, notices, information URIs) is passed over.

Left out on purpose (`docs/trust.md`): pointers to other lists, and qualifications of single certificates.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from lxml.etree import _Element

from transcript_core.errors import TrustListInvalid, TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.trust import name_key
from transcript_core.pki.trust_list import StatusPeriod, TrustList, TrustService

TRUST_LIST_NAMESPACE: Final = "http://uri.etsi.org/02231/v2#"
ROOT: Final = f"{{{TRUST_LIST_NAMESPACE}}}TrustServiceStatusList"

MAX_SERVICES: Final = 4_096
"""Services of one list; the largest national lists have some 600."""

MAX_HISTORY: Final = 64
"""Earlier statuses of one service."""

MAX_IDENTITIES: Final = 64
"""Digital identities of one service."""

_VERSIONS: Final = frozenset({"5", "6"})
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z\Z")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}\Z")
_WEB_SITES: Final = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForWebSiteAuthentication"
_QUALIFICATIONS: Final = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
_ADDITIONAL: Final = "http://uri.etsi.org/02231/v2/additionaltypes#"


def _tsl(name: str) -> str:
    return f"{{{TRUST_LIST_NAMESPACE}}}{name}"


_KNOWN_EXTENSIONS: Final = frozenset(
    {
        _tsl("AdditionalServiceInformation"),
        _tsl("ExpiredCertsRevocationInfo"),
        f"{{{_QUALIFICATIONS}}}Qualifications",
        f"{{{_ADDITIONAL}}}TakenOverBy",
    }
)
"""Extensions of TS 119 612, 5.5.9; whatever else says that it is critical must not be ignored."""


def read_trust_list(root: _Element) -> TrustList:
    """Return what the list says, without knowing who signed it.

    Args:
        root: the TrustServiceStatusList that was digested; a ds:Signature in it is passed over.

    Raises:
        TrustListInvalid: not a list of a known version, or something that decides about trust cannot be read.
    """
    if root.tag != ROOT:
        raise TrustListInvalid("this is not a trust list of ETSI TS 119 612 (TrustServiceStatusList)")
    scheme = _get(root, "SchemeInformation")
    if _text(_get(scheme, "TSLVersionIdentifier")) not in _VERSIONS:
        raise TrustListInvalid("the trust list is of another version than 5 or 6 (ETSI TS 119 612 V2)")
    extensions = _find(scheme, "SchemeExtensions")
    if extensions is not None and any(_is_critical(one) for one in _list(extensions, "Extension")):
        raise TrustListInvalid("the trust list has a critical scheme extension, which this release does not know")
    return TrustList(
        number=_number(_get(scheme, "TSLSequenceNumber")),
        operator=_name(_get(scheme, "SchemeOperatorName")),
        scheme=_name(_get(scheme, "SchemeName")),
        territory=_text(_get(scheme, "SchemeTerritory")),
        rules=_read_rules(_find(scheme, "SchemeTypeCommunityRules")),
        issued_at=_time(_get(scheme, "ListIssueDateTime")),
        next_update=_read_next_update(_get(scheme, "NextUpdate")),
        services=_read_providers(_find(root, "TrustServiceProviderList")),
    )


def _read_rules(element: _Element | None) -> tuple[str, ...]:
    return () if element is None else tuple(_text(one) for one in _list(element, "URI"))


def _read_next_update(element: _Element) -> datetime | None:
    """Return the moment; an empty element closes the scheme (5.3.15)."""
    named = _find(element, "dateTime")
    return None if named is None else _time(named)


# Providers and services


def _read_providers(element: _Element | None) -> tuple[TrustService, ...]:
    if element is None:
        return ()
    services = [
        _read_service(service, provider)
        for provider in _list(element, "TrustServiceProvider")
        for service in _list(_get(provider, "TSPServices"), "TSPService")
    ]
    if len(services) > MAX_SERVICES:
        raise TrustListInvalid(f"the trust list has more than {MAX_SERVICES} services")
    return tuple(services)


def _read_service(element: _Element, provider: _Element) -> TrustService:
    current = _get(element, "ServiceInformation")
    certificates = _read_certificates(_get(current, "ServiceDigitalIdentity"))
    history = _find(element, "ServiceHistory")
    earlier = [] if history is None else _list(history, "ServiceHistoryInstance")
    if len(earlier) > MAX_HISTORY:
        raise _refuse(current, f"more than {MAX_HISTORY} earlier statuses")
    for instance in earlier:
        _check_same_key(instance, certificates)
    return TrustService(
        provider=_name(_get(_get(provider, "TSPInformation"), "TSPName")),
        name=_name(_get(current, "ServiceName")),
        certificates=certificates,
        periods=_read_periods(current, earlier),
    )


def _read_periods(current: _Element, earlier: Sequence[_Element]) -> tuple[StatusPeriod, ...]:
    """Return the statuses, oldest first, each up to the next (5.6); two that begin together cannot both be true."""
    begun = [(_time(_get(one, "StatusStartingTime")), one) for one in earlier]
    begun.sort(key=lambda entry: entry[0])
    begun.append((_time(_get(current, "StatusStartingTime")), current))
    moments = [moment for moment, _ in begun]
    if any(first >= second for first, second in pairwise(moments)):
        raise _refuse(current, "statuses that begin at the same moment, or an earlier one after the current one")
    ends = (*moments[1:], None)
    return tuple(
        StatusPeriod(
            service_type=_text(_get(one, "ServiceTypeIdentifier")),
            status=_text(_get(one, "ServiceStatus")),
            from_time=moment,
            to_time=end,
            understood=_is_understood(one),
        )
        for (moment, one), end in zip(begun, ends, strict=True)
    )


def _is_understood(information: _Element) -> bool:
    """Return whether nothing critical is unknown (5.5.9), and the service is not one for web sites alone (5.5.9.4)."""
    holder = _find(information, "ServiceInformationExtensions")
    if holder is None:
        return True
    extensions = _list(holder, "Extension")
    if any(
        _is_critical(one) and not {child.tag for child in _elements(one)} <= _KNOWN_EXTENSIONS for one in extensions
    ):
        return False
    scopes = [
        _text(_get(child, "URI"))
        for one in extensions
        for child in _elements(one)
        if child.tag == _tsl("AdditionalServiceInformation")
    ]
    purposes = [scope for scope in scopes if scope.rpartition("/")[2].startswith("For")]
    return not purposes or any(purpose != _WEB_SITES for purpose in purposes)


def _is_critical(extension: _Element) -> bool:
    """Return the Critical attribute; one that says neither yes nor no is taken for yes."""
    return extension.get("Critical") not in {"false", "0"}


# Digital identities


def _read_certificates(identity: _Element) -> tuple[Certificate, ...]:
    """Return the certificates of a current service, which must be of one key (5.5.3)."""
    holders = [child for one in _list_identities(identity) for child in _list(one, "X509Certificate")]
    certificates = tuple(dict.fromkeys(_certificate(holder) for holder in holders))
    if len({name_key(certificate) for certificate in certificates}) > 1:
        raise _refuse(identity, "certificates of different keys for one service")
    return certificates


def _check_same_key(instance: _Element, certificates: Sequence[Certificate]) -> None:
    """An earlier status belongs to the key of the current one, by its identifier or by a certificate (5.6.3)."""
    identities = _list_identities(_get(instance, "ServiceDigitalIdentity"))
    if not certificates:
        return
    keys = [_octets(child) for one in identities for child in _list(one, "X509SKI")]
    named = [_certificate(child) for one in identities for child in _list(one, "X509Certificate")]
    known = {identifier for certificate in certificates for identifier in _list_key_identifiers(certificate)}
    if not keys and not named:
        raise _refuse(instance, "an earlier status without X509SKI")
    own = name_key(certificates[0])
    if any(key not in known for key in keys) or any(name_key(one) != own for one in named):
        raise _refuse(instance, "an earlier status of another key than the current one")


def _list_key_identifiers(certificate: Certificate) -> tuple[bytes, ...]:
    """Return the identifier that the certificate names, and the SHA-1 of its key (RFC 5280, 4.2.1.2, method 1)."""
    bits = bytes(certificate.asn1["tbs_certificate"]["subject_public_key_info"]["public_key"])
    computed = hashlib.sha1(bits, usedforsecurity=False).digest()
    named = certificate.asn1.key_identifier
    return (computed,) if named is None else (computed, named)


def _list_identities(identity: _Element) -> Sequence[_Element]:
    found = _list(identity, "DigitalId")
    if len(found) > MAX_IDENTITIES:
        raise _refuse(identity, f"more than {MAX_IDENTITIES} digital identities")
    return found


def _certificate(element: _Element) -> Certificate:
    try:
        return load_certificate(_octets(element))
    except TrustListInvalid:
        raise
    except TrustMaterialError as error:
        raise _refuse(element, f"a certificate that cannot be read ({error})") from error


# Elements and values


def _elements(parent: _Element) -> list[_Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _list(parent: _Element, name: str) -> list[_Element]:
    return [child for child in _elements(parent) if child.tag == _tsl(name)]


def _find(parent: _Element, name: str) -> _Element | None:
    found = _list(parent, name)
    if len(found) > 1:
        raise _refuse(parent, f"more than one {name}")
    return found[0] if found else None


def _get(parent: _Element, name: str) -> _Element:
    found = _find(parent, name)
    if found is None:
        raise _refuse(parent, f"no {name}")
    return found


def _text(element: _Element) -> str:
    """Return the text without blanks around it, read across comments, as its canonical form has it."""
    if _elements(element):
        raise _refuse(element, "elements where a text belongs")
    text = "".join((element.text or "", *(child.tail or "" for child in element))).strip()
    if not text:
        raise _refuse(element, "no text")
    return text


def _name(element: _Element) -> str:
    """Return the name in Vietnamese, else in English, else the first one (5.1.4)."""
    names = [(one.get(_XML_LANG, "").lower(), _text(one)) for one in _list(element, "Name")]
    if not names:
        raise _refuse(element, "no Name")
    by_language = dict(reversed(names))
    return by_language.get("vi") or by_language.get("en") or names[0][1]


def _time(element: _Element) -> datetime:
    """Return an instant of 5.1.5: UTC, marked by Z."""
    text = _text(element)
    try:
        if _TIME.match(text) is not None:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise _refuse(element, "a time that is not of the form 2026-05-31T08:00:00Z")


def _number(element: _Element) -> int:
    text = _text(element)
    if _NUMBER.match(text) is None:
        raise _refuse(element, "a number that is not a positive one")
    return int(text)


def _octets(element: _Element) -> bytes:
    try:
        return base64.b64decode("".join(_text(element).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refuse(element, "Base64 that cannot be read") from error


def _refuse(element: _Element, problem: str) -> TrustListInvalid:
    line = f"line {element.sourceline}: " if element.sourceline else ""
    return TrustListInvalid(f"the trust list cannot be used: {line}{element.tag.rpartition('}')[2]} has {problem}")
