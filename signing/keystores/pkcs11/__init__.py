"""Keys on tokens and HSMs.  Spec: PKCS #11 (Cryptoki) 2.40; RFC 7512 names the key.

A library is state of the whole process: `modules` initialises it once and finalises it when the last signer closes,
`logins` shares one login a token, because that is what Cryptoki has.  `objects` finds key, certificate and chain,
`mechanisms` chooses how to sign, `connections` holds the sessions and `signer` is the `Signer`.
"""

from signing.keystores.pkcs11.signer import Pkcs11Signer, open_pkcs11
from signing.keystores.pkcs11.uri import Pkcs11Uri, parse_pkcs11_uri

__all__ = ["Pkcs11Signer", "Pkcs11Uri", "open_pkcs11", "parse_pkcs11_uri"]
