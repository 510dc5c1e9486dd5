"""From a school's records to the documents that people sign.

`find_gaps` says what a record still lacks, `build_transcript` makes the content of THONG_TIN_HOC_BA, `build_issue`
that of THONG_TIN_PHAT_HANH, and `build_update` a version that replaces an earlier one.  Nothing here reads a clock or
draws random numbers: the same input makes the same document.
"""

from transcript_core.build.completeness import find_gaps
from transcript_core.build.issue import build_issue, find_principal
from transcript_core.build.transcript import build_transcript
from transcript_core.build.update import build_update

__all__ = [
    "build_issue",
    "build_transcript",
    "build_update",
    "find_gaps",
    "find_principal",
]
