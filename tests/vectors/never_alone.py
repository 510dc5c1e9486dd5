"""Which checks and which problems of form no vector can show alone, and why: something else always says it too.

`tests/unit/verify/test_switched_off.py` holds this list against the vectors: an entry that some vector does show alone
fails there, as does a check that is neither shown alone nor explained here.
"""

from __future__ import annotations

from typing import Final

CHECKS: Final[dict[str, str]] = {}
"""By the check's NAME: why a document that it refuses is never accepted without it."""

SILENT: Final = frozenset[str]()
"""Of these, the checks that refuse nothing yet."""

PROBLEMS: Final[dict[str, str]] = {}
"""By the name of the `SignatureProblem`: why a signature that has it is never accepted without it."""
