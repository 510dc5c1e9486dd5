"""What libxmlsec1 and signxml say of the mathematics of one XML signature, with the certificate that they are given.

Neither fetches anything: a reference to a file is answered with the files that lie beside, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from lxml.etree import _Element
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from tests.support.xmlsec_process import ask_in_own_process, find_named
from transcript_core.canonical import parse_foreign_xml
from transcript_core.pki.certificates import Certificate

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
MAX_COPIED_BYTES: Final = 50_000_000
"""signxml copies the whole file for each reference; what asks for more than this it is not asked about."""


@dataclass(frozen=True, eq=False)
class SignedXmlFile:
    """An XML file with the files that its signatures may mean."""

    octets: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def root(self) -> _Element:
        """Return the tree."""
        return parse_foreign_xml(self.octets)

    @cached_property
    def signatures(self) -> list[_Element]:
        """Return every ds:Signature in document order."""
        return list(self.root.iter(f"{DS}Signature"))

    @cached_property
    def by_id(self) -> dict[str, list[_Element]]:
        """Return the elements that carry each Id."""
        found: dict[str, list[_Element]] = {}
        for element in self.root.iter("*"):
            if (identifier := element.get("Id")) is not None:
                found.setdefault(identifier, []).append(element)
        return found

    def find_file(self, uri: str | None) -> bytes | None:
        """Return the file that a reference means."""
        return None if uri is None else find_named(self.files, uri)

    def digest_what_counts(self, number: int, certificate: Certificate) -> bytes:
        """Return a digest over all that a signature's mathematics can depend on; equal digests, equal answers.

        It is the signature and what its references name when all is canonicalised exclusively, else the whole file.
        """
        node = self.signatures[number]
        methods = [*node.iter(f"{DS}CanonicalizationMethod"), *node.iter(f"{DS}Transform")]
        parts = [certificate.der, etree.tostring(node, with_tail=False)]
        uris = [one.get("URI", "") for one in node.iter(f"{DS}Reference") if one.find(f"{DS}Transforms") is not None]
        bare = len(uris) != len(list(node.iter(f"{DS}Reference"))) or any(uri[:1] != "#" for uri in uris)
        if bare or any(one.get("Algorithm") != EXCLUSIVE for one in methods):
            parts += [self.octets, repr(sorted(self.files.items())).encode(), b"%d" % number]
        for uri in uris:
            parts += [etree.tostring(one, with_tail=False) for one in self.by_id.get(uri[1:], ())] + [b"|"]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def ask_xmlsec1(file: SignedXmlFile, number: int, certificate: Certificate, *, qualified: bool) -> bool | None:
    """Return whether libxmlsec1 accepts a signature's core (XML Signature 1.1, 3.2); None when it gives no answer."""
    pem = certificate.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return ask_in_own_process(file.octets, file.files, number, pem)


def ask_signxml(file: SignedXmlFile, number: int, certificate: Certificate, *, qualified: bool) -> bool | None:
    """Return whether signxml accepts a signature; None when it gives no answer, or would take too long.

    It may use every algorithm that it knows, and stands at a time when the certificate was good.

    Args:
        qualified: it has signed properties, so the certificate that they name is asked for too.
    """
    references = file.signatures[number].findall(f"{DS}SignedInfo/{DS}Reference")
    if len(references) * len(file.octets) > MAX_COPIED_BYTES:
        return None
    options: dict[str, Any] = {
        "expect_references": True,
        "verification_time": certificate.x509.not_valid_before_utc,
        "ignore_ambiguous_key_info": True,
        "signature_methods": frozenset(SignatureMethod),
        "digest_algorithms": frozenset(DigestAlgorithm),
    }
    expected = XAdESSignatureConfiguration(**options) if qualified else SignatureConfiguration(**options)
    verifier = _choose(XAdESVerifier if qualified else XMLVerifier, number)
    try:
        verifier.verify(
            file.octets,
            x509_cert=certificate.x509,
            expect_config=expected,
            validate_schema=False,
            uri_resolver=file.find_file,
        )
    except SignXMLException:
        return False
    except (etree.LxmlError, TypeError, ValueError):  # of other libraries, on what it hands to them
        return None
    return True


def _choose(kind: Any, number: int) -> Any:
    """Return a verifier of the signature with this number in document order; by itself signxml takes the first."""

    class Chosen(kind):  # type: ignore[misc]
        def _get_signature(self, root: _Element) -> _Element:
            return list(root.iter(f"{DS}Signature"))[number]

    return Chosen()


JUDGES: Final[Mapping[str, Callable[..., bool | None]]] = {"xmlsec1": ask_xmlsec1, "signxml": ask_signxml}
