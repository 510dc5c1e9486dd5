"""How a token is asked to sign a digest.  Spec: PKCS #11 2.40 mechanisms, 2.1.6 (CKM_RSA_PKCS), 2.1.10
(CKM_RSA_PKCS_PSS), 2.3.6 (CKM_ECDSA); RFC 8017, 9.2 note 1 (DigestInfo).

The digest is made by us: mechanisms that hash by themselves would send the document through the token.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from pkcs11 import MGF, Mechanism, MechanismFlag, Slot
from pkcs11.exceptions import PKCS11Error

from signing.keystores.pkcs11 import troubles
from transcript_core.errors import KeyUnavailable, TrustMaterialError
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, algorithm_for, fits_key
from transcript_core.pki.certificates import Certificate, key_bits

_MECHANISMS: Final = {
    Scheme.RSA_PKCS1: Mechanism.RSA_PKCS,
    Scheme.RSA_PSS: Mechanism.RSA_PKCS_PSS,
    Scheme.ECDSA: Mechanism.ECDSA,
}
_DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_PSS_HASHES: Final = {
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
}


@dataclass(frozen=True, slots=True)
class Signing:
    """Everything C_SignInit and C_Sign need for one algorithm and key."""

    algorithm: SignatureAlgorithm
    mechanism: Mechanism
    parameter: Any  # of the mechanism; None: it has none
    prefix: bytes  # stands before the digest
    value_size: int  # bytes of every value: of the modulus, or of r‖s


def choose_signing(slot: Slot, certificate: Certificate, algorithm: SignatureAlgorithm | None) -> Signing:
    """Return how this token signs for this certificate.

    Args:
        algorithm: None for the usual one of the key's kind, or RSA-PSS where the token offers only that.

    Raises:
        KeyUnavailable: the key cannot sign with the algorithm, or the token offers no mechanism for it.
    """
    offered = list_offered(slot)
    chosen = algorithm or _choose_algorithm(certificate, offered)
    if not fits_key(chosen, certificate.public_key):
        raise KeyUnavailable(f"a key of this kind or strength cannot sign with {chosen.value}")
    mechanism = _MECHANISMS[chosen.scheme]
    if mechanism not in offered:
        raise KeyUnavailable(
            f"the token does not offer CKM_{mechanism.name}, which {chosen.value} needs",
            text_vi=f"Thẻ không có cơ chế CKM_{mechanism.name} mà {chosen.value} cần.",
        )
    return Signing(chosen, mechanism, _parameter(chosen), _prefix(chosen), _value_size(certificate))


def list_offered(slot: Slot) -> frozenset[Mechanism]:
    """Return the mechanisms that the token signs with.

    Raises:
        KeyUnavailable: the token does not say.
    """
    try:
        known = set(slot.get_mechanisms()) & set(_MECHANISMS.values())
        return frozenset(one for one in known if slot.get_mechanism_info(one).flags & MechanismFlag.SIGN)
    except PKCS11Error as error:
        raise troubles.explain(error, "list its mechanisms") from error


def _choose_algorithm(certificate: Certificate, offered: Collection[Mechanism]) -> SignatureAlgorithm:
    try:
        usual = algorithm_for(certificate)
    except TrustMaterialError as error:
        raise KeyUnavailable(str(error)) from error
    only_pss = Mechanism.RSA_PKCS not in offered and Mechanism.RSA_PKCS_PSS in offered
    if usual is SignatureAlgorithm.RSA_PKCS1_SHA256 and only_pss:
        return SignatureAlgorithm.RSA_PSS_SHA256
    return usual


def _parameter(algorithm: SignatureAlgorithm) -> Any:
    if algorithm.scheme is not Scheme.RSA_PSS:
        return None
    return (*_PSS_HASHES[algorithm.hash_name], algorithm.digest_size)


def _prefix(algorithm: SignatureAlgorithm) -> bytes:
    return _DIGEST_INFO[algorithm.hash_name] if algorithm.scheme is Scheme.RSA_PKCS1 else b""


def _value_size(certificate: Certificate) -> int:
    size = (key_bits(certificate.public_key) + 7) // 8
    return size if isinstance(certificate.public_key, rsa.RSAPublicKey) else 2 * size
