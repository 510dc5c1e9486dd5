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

_NOT_READ: Final = "Nothing that could be believed was read, so `signature.form` says that there is no signature."
_NOT_COMPUTED: Final = (
    "Digest and value are answered for themselves as well, by `signature.references` and `signature.value`."
)

PDF_PROBLEMS: Final[dict[str, str]] = {
    "unreadable": _NOT_READ,
    "no-signature": _NOT_READ,
    "too-large": _NOT_READ,
    "attachment": "Without its data a PDF is no transcript, so `document.type` refuses it.",
    "appearance": (
        "A drawing that is not plain is not compared with what it should show, so `pdf.appearances` cannot pass."
    ),
    "document-timestamp": (
        "A revision that is no document timestamp covers nothing, so `pdf.revisions` says that the end of the file is "
        "not signed."
    ),
    "after-lock": "The seal does not cover what is signed behind it, so `slots.order` says it too.",
    "encrypted": (
        "The evidence in an encrypted file is not read, so `certificate.revocation` cannot pass unless it is fetched."
    ),
    "later-removed": "An object that is freed was changed as well, and is named by what it was.",
    "hidden-in-gap": (
        "No object can stand in a signature's value, so a table that leads there misplaces it: `hidden-objects`."
    ),
    "not-covered": "The signature itself is `unusual` then, which `signature.form` says.",
    "digest": _NOT_COMPUTED,
    "value": _NOT_COMPUTED,
    "key-mismatch": _NOT_COMPUTED,
    "imprint": "A token that is for something else proves no time, which `time.timestamps` says.",
}
"""By the code of the problem of a PDF: why a file that has it is never accepted without it."""

PATH_STEPS: Final[dict[str, str]] = {
    "check_leaf": (
        "A usage that is not one for signing is refused by `certificate.usage`, a weak key by `signature.algorithms`."
    ),
}
"""By the name of the step in `transcript_core.pki.path`: why a file is never accepted without it."""
