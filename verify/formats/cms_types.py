"""What is read from a CMS signature, and where its problems are collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate
from verify.formats.pdf_problems import Problem, build_problem

_SAID_ALIKE: Final = frozenset({"weak-algorithm", "signing-certificate"})
"""Problems whose sentence holds just as well where they are only unusual."""


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """What one CMS object says, and what is wrong with it."""

    digest_right: bool | None = False  # None: not computed
    value_right: bool | None = False
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[Problem, ...] = ()  # what is unusual, or why its mathematics could not be judged
    signer: Certificate | None = None
    certificates: tuple[Certificate, ...] = ()  # the others
    algorithm: SignatureAlgorithm | None = None
    timestamp: bytes | None = None
    timestamp_imprint: bytes | None = None
    policy_oid: str | None = None
    policy_digest: bytes | None = None
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    has_signing_certificate: bool = False


@dataclass(slots=True)
class Reading:
    """Collects the problems of one signature."""

    strict: bool  # of a transcript: what is only unusual elsewhere is a problem
    problems: list[Problem] = field(default_factory=list)
    unsupported: list[Problem] = field(default_factory=list)

    def add(self, code: str, detail: str = "") -> None:
        """Note something impossible or forbidden."""
        self.problems.append(build_problem(code, detail=detail))

    def note(self, code: str, detail: str = "") -> None:
        """Note something that only a transcript forbids."""
        if self.strict:
            self.add(code, detail)
        else:
            self.unsupported.append(build_problem(code if code in _SAID_ALIKE else "unusual", detail=detail))

    def cannot_judge(self, detail: str) -> None:
        """Note why the mathematics cannot be told."""
        self.unsupported.append(build_problem("not-supported", detail=detail))
