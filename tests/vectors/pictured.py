"""A transcript's PDF beside its XML: the picture, the attached data and the XML must be one.  PDF alone: `pdf_*`."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from tests.support.pdf_first import insert
from tests.support.samples import build_transcript
from tests.vectors.cases import fails, sound
from tests.vectors.pdf_forge import sign_over
from tests.vectors.pictures import describe_pictured, first_revision, pictured_xml, sign_pdf, signed_pdf
from tests.vectors.school import signed
from tests.vectors.wrapping import FORGED, MARK
from transcript_core.model import Transcript
from transcript_core.policy import get_policy, list_slots
from transcript_core.render import render_first_revision
from transcript_core.xml import build_info

OTHER_SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNQ"


@cache
def _other_xml() -> bytes:
    return signed(serial=OTHER_SERIAL)


@cache
def _broken_xml() -> bytes:
    return pictured_xml().replace(MARK, FORGED, 1)


@sound("docs/pdf.md: a PDF alone")
def pdf_alone() -> bytes:
    return signed_pdf()


@sound("docs/pdf.md: a PDF beside its XML", xml=pictured_xml)
def pdf_beside_its_xml() -> bytes:
    return signed_pdf()


@fails("docs/schema.md: the XML of another document", "pdf.content", xml=_other_xml)
def pdf_beside_another_xml() -> bytes:
    return signed_pdf()


@fails("docs/schema.md: the XML wins, and it is broken", "signature.references", "pdf.content", xml=_broken_xml)
def pdf_beside_a_broken_xml() -> bytes:
    return signed_pdf()


@fails("docs/pdf.md: the picture flatters", "pdf.picture", xml=pictured_xml)
def picture_of_another_comment() -> bytes:
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    flattering = replace(transcript, homeroom_comment="Xuất sắc về mọi mặt.")
    picture = render_first_revision(flattering, issue, info_xml=build_info(transcript))
    return sign_pdf(picture, list_slots(transcript, issue, policy), policy)


@fails("docs/schema.md: the attached data are others than the XML's", "pdf.content", "pdf.picture", xml=pictured_xml)
def attached_data_of_another_comment() -> bytes:
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    flattering = replace(transcript, homeroom_comment="Xuất sắc về mọi mặt.")
    picture = render_first_revision(transcript, issue, info_xml=build_info(flattering))
    return sign_pdf(picture, list_slots(transcript, issue, policy), policy)


def _attach(transcript: Transcript) -> bytes:
    """Return the picture with the data of another transcript attached, before anybody signed."""
    pictured, issue = describe_pictured()
    policy = get_policy(pictured.policy_id)
    picture = render_first_revision(pictured, issue, info_xml=build_info(transcript))
    return sign_pdf(picture, list_slots(pictured, issue, policy), policy)


@fails("docs/pdf.md: the attached data are those of the picture", "pdf.appearances")
def attached_data_of_another_document() -> bytes:
    return _attach(build_transcript(serial=OTHER_SERIAL))


@fails(
    "docs/pdf.md: the attached data are those of the picture",
    "pdf.appearances",
    "pdf.content",
    "pdf.picture",
    xml=pictured_xml,
)
def attached_data_of_another_document_beside_the_xml() -> bytes:
    return _attach(build_transcript(serial=OTHER_SERIAL))


@fails("docs/pdf.md: the attached data are one transcript", "document.type", "pdf.revisions")
def attached_data_doubled_under_one_name() -> bytes:
    (entry,) = re.findall(rb"/EmbeddedFiles<</Names\[(.*?)\]", first_revision())
    return sign_over(insert(first_revision(), b"/EmbeddedFiles<</Names[", entry + b" "))


@fails("docs/pdf.md: the attached data are a transcript's", "document.structure", "slots.coverage", "pdf.content")
def attached_data_that_are_none() -> bytes:
    pictured, issue = describe_pictured()
    policy = get_policy(pictured.policy_id)
    picture = render_first_revision(pictured, issue, info_xml=b"<diem>10</diem>")
    return sign_pdf(picture, list_slots(pictured, issue, policy), policy)
