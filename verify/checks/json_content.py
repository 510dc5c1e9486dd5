"""The JSON says exactly what the XML says, and names its digest.  Spec: `docs/schema.md`, JSON; RFC 7515."""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, not_checked
from verify.examination import Context, Examination
from verify.formats.jades import find_digest
from verify.report import Finding, SubIndication

NAME: Final = "json.content"
RULE: Final = Rule(NAME, "Nội dung JSON trùng với XML.", "The JSON says what the XML says.")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether JSON and XML are one document."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    jws, xml = examination.jws, examination.xml
    if jws is None or jws.jws is None:
        return NOT_APPLICABLE
    if xml is None:
        return not_checked(
            "Chưa đối chiếu tệp JSON với tệp XML gốc.", "The JSON was not compared with the original XML file."
        )
    if xml.transcript is None or jws.transcript != xml.transcript:
        return failed(
            "Nội dung tệp JSON khác với tệp XML gốc.",
            "The JSON says something else than the original XML file.",
            SubIndication.HASH_FAILURE,
        )
    if find_digest(jws.jws) != examination.digest:
        return failed(
            "Tệp JSON nêu mã băm của học bạ khác.",
            "The JSON names the digest of another document.",
            SubIndication.HASH_FAILURE,
        )
    return PASSED
