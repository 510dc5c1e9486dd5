"""Which checks and which problems of form no vector can show alone, and why: something else always says it too.

`tests/unit/verify/test_switched_off.py` holds this list against the vectors: an entry that some vector does show alone
fails there, as does a check that is neither shown alone nor explained here.
"""

from __future__ import annotations

from typing import Final

_NOT_DIGESTED: Final = (
    "What cannot be resolved or transformed is not digested, so `signature.references` cannot pass either; "
    "the problem says why, and whether the signature is broken or only cannot be judged."
)
_NO_PROPERTIES: Final = (
    "Without signed properties that count nothing signed names the certificate, so `signature.certificate-reference` "
    "cannot pass either; the problem says that it is no mere omission."
)
_NO_VALUE: Final = (
    "Without a key, or a method that fits it, the value is not verified, so `signature.value` cannot pass either; "
    "the problem says what was put there in place of a signature."
)

CHECKS: Final[dict[str, str]] = {
    "signature.algorithms": (
        "Weak, unknown and unfitting algorithms are problems of form at the same time, and what cannot be computed "
        "leaves `signature.value` open; this check answers the criterion 1.3 of TT 15/2025 by itself."
    ),
    "certificate.revocation": (
        "A path is valid only if no certificate in it was revoked, so `certificate.path` says it too; this check "
        "answers the criterion 1.2 of TT 15/2025 by itself."
    ),
    "certificate.usage": (
        "A path is built for a purpose, so `certificate.path` says it too; this check answers the criterion 1.4 of "
        "TT 15/2025 by itself."
    ),
    "trust.world": (
        "A world is unknown only where no anchor is reached, which `certificate.path` refuses; this check tells the "
        "reader which legal order answers."
    ),
    "log": "No proof travels with documents yet, so the check says that nothing was checked and refuses nothing.",
}
"""By the check's NAME: why a document that it refuses is never accepted without it."""

SILENT: Final = frozenset({"log"})
"""Of these, the checks that refuse nothing yet."""

PROBLEMS: Final[dict[str, str]] = {
    "TARGET_NOT_FOUND": _NOT_DIGESTED,
    "AMBIGUOUS_TARGET": _NOT_DIGESTED,
    "FOREIGN_URI": _NOT_DIGESTED,
    "FORBIDDEN_TRANSFORM": _NOT_DIGESTED,
    "UNKNOWN_TRANSFORM": _NOT_DIGESTED,
    "TOO_MANY_TRANSFORMS": _NOT_DIGESTED,
    "UNREADABLE_CONTENT": _NOT_DIGESTED,
    "TOO_MUCH_WORK": _NOT_DIGESTED,
    "NO_SIGNED_PROPERTIES": _NO_PROPERTIES,
    "MANY_QUALIFYING_PROPERTIES": _NO_PROPERTIES,
    "WRONG_TARGET": _NO_PROPERTIES,
    "PROPERTIES_NOT_SIGNED": _NO_PROPERTIES,
    "NO_CERTIFICATE_REFERENCE": _NO_PROPERTIES,
    "OTHER_CERTIFICATE": _NO_PROPERTIES,
    "BAD_BASE64": (
        "Without its octets a digest, a value or the only certificate is not compared, so `signature.references` or "
        "`signature.value` cannot pass either; the problem says that the signature is malformed."
    ),
    "HMAC": _NO_VALUE,
    "UNKNOWN_ALGORITHM": _NO_VALUE,
    "KEY_MISMATCH": _NO_VALUE,
    "NO_CERTIFICATE": _NO_VALUE,
}
"""By the name of the `SignatureProblem`: why a signature that has it is never accepted without it."""
