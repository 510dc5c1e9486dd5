"""Slots and parts: signatures dropped, moved, doubled; parts from elsewhere; everybody at the school may be in it."""

from __future__ import annotations

import copy
from dataclasses import replace

from lxml.etree import _Element

from tests.support.samples import build_issue, build_transcript
from tests.vectors.cases import fails
from tests.vectors.forge import (
    DS,
    HOMEROOM,
    MATHS,
    PRINCIPAL,
    SEAL,
    add,
    by_id,
    drop,
    edit,
    reference,
    reseal,
    resign,
    resign_all,
    signature,
    transplant,
)
from tests.vectors.school import describe, school, signed
from transcript_core.model import Transcript

OTHER_SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNQ"


def _signed(transcript: Transcript) -> bytes:
    document, slots, policy = describe(transcript, build_issue(transcript))
    return school().sign_all(document, slots, policy)


def _drop(*slot_ids: str) -> bytes:
    return edit(signed(), *(lambda root, one=one: drop(signature(root, one)) for one in slot_ids))


@fails("signing policy: every slot is signed", "signature.form", "slots.complete")
def nothing_signed() -> bytes:
    transcript = build_transcript()
    return describe(transcript, build_issue(transcript))[0]


@fails("signing policy: every slot is signed", "slots.complete")
def seal_missing() -> bytes:
    return _drop(SEAL)


@fails("signing policy: every slot is signed", "slots.complete")
def principal_and_seal_missing() -> bytes:
    return _drop(PRINCIPAL, SEAL)


@fails(
    "coverage: the seal signs the principal's signature",
    "signature.form",
    "signature.references",
    "slots.coverage",
    "slots.complete",
)
def principal_dropped() -> bytes:
    return _drop(PRINCIPAL)


@fails("coverage: the principal signs the teachers' signatures", "signature.references", "slots.complete")
def teacher_dropped() -> bytes:
    return _drop(MATHS)


@fails("signing policy: every slot is signed", "slots.complete")
def teacher_dropped_by_everybody_else() -> bytes:
    return edit(_drop(MATHS), reseal)


@fails(
    "one signature a slot",
    "document.structure",
    "document.hidden-content",
    "signature.form",
    "signature.profile",
    "signature.value",
    "signature.certificate-reference",
)
def second_signature_in_a_slot() -> bytes:
    def change(root: _Element) -> None:
        twin = copy.deepcopy(signature(root, SEAL))
        for element in twin.iter():
            if element.get("Id"):
                element.set("Id", f"{element.get('Id')}-2")
        by_id(root, SEAL).append(twin)

    return edit(signed(), change)


@fails("a signature counts only for the slot it stands in", "document.structure")
def signatures_of_two_teachers_exchanged() -> bytes:
    def change(root: _Element) -> None:
        first, second = signature(root, "gvbm-KHTN-1"), signature(root, "gvbm-KHTN-2")
        by_id(root, "gvbm-KHTN-1").append(second)
        by_id(root, "gvbm-KHTN-2").append(first)

    return edit(signed(), change, reseal)


@fails("the required slots follow from policy and subjects", "document.structure")
def slot_removed() -> bytes:
    return edit(signed(), lambda root: drop(by_id(root, MATHS)), reseal)


@fails("the list of signers may add, never leave out", "document.structure")
def shortened_list_of_signers() -> bytes:
    def change(root: _Element) -> None:
        drop(next(one for one in root.iter("NGUOI_KY") if one.findtext("O_KY") == MATHS))
        drop(by_id(root, MATHS))

    return edit(signed(), change, resign(HOMEROOM), reseal)


@fails("the part names its teachers", "document.structure")
def teacher_exchanged_in_the_list_of_signers() -> bytes:
    def change(root: _Element) -> None:
        entry = next(one for one in root.iter("NGUOI_KY") if one.findtext("O_KY") == MATHS)
        code = entry.find("MA_NHAN_SU")
        assert code is not None
        code.text = "0128523158"

    return edit(signed(), change, resign(HOMEROOM), reseal)


@fails("a part belongs to one pupil", "document.structure", "document.parts")
def part_of_another_pupil() -> bytes:
    transcript = build_transcript(serial=OTHER_SERIAL)
    donor = _signed(replace(transcript, pupil=replace(transcript.pupil, pupil_code="0140716224")))
    return edit(signed(), transplant(donor, ["diem-TOAN", f"sig-{MATHS}"]), resign(HOMEROOM), reseal)


@fails("a part belongs to one school year", "document.structure", "document.parts")
def part_of_another_year() -> bytes:
    donor = _signed(replace(build_transcript(), school_year="2024-2025"))
    return edit(signed(), transplant(donor, ["diem-TOAN", f"sig-{MATHS}"]), resign(HOMEROOM), reseal)


@fails("a part belongs to one document", "document.structure", "document.parts")
def part_of_another_document() -> bytes:
    donor = signed(serial=OTHER_SERIAL)
    return edit(signed(), transplant(donor, ["diem-TOAN", f"sig-{MATHS}"]), resign(HOMEROOM), reseal)


@fails("a part belongs to one class", "document.structure", "document.parts")
def part_of_another_class() -> bytes:
    donor = _signed(replace(build_transcript(), class_name="7A3"))
    return edit(signed(), transplant(donor, ["diem-TOAN", f"sig-{MATHS}"]), resign(HOMEROOM), reseal)


@fails("a part belongs to one subject", "document.structure", "signature.references")
def part_of_another_subject() -> bytes:
    def change(root: _Element) -> None:
        maths, literature = by_id(root, "diem-TOAN"), by_id(root, "diem-NGUVAN")
        maths.set("Id", "diem-NGUVAN")
        literature.set("Id", "diem-TOAN")

    return edit(signed(), change, resign(HOMEROOM), reseal)


@fails("revisions: a part is of the revision that is listed", "document.structure", "document.parts")
def later_revision_listed_than_the_part_is() -> bytes:
    """An older part slipped back: the list says revision 2, the part, still soundly signed, is revision 1."""

    def change(root: _Element) -> None:
        entry = next(one for one in root.iter("NGUOI_KY") if one.findtext("O_KY") == MATHS)
        revision = entry.find("PHIEN_BAN_PHAN_KY")
        assert revision is not None
        revision.text = "2"

    return edit(signed(), change, resign(HOMEROOM), reseal)


@fails("revisions: no part is newer than its document", "document.structure", "document.parts")
def part_of_a_later_version() -> bytes:
    def change(root: _Element) -> None:
        for tag in ("PHIEN_BAN_THAY_DOI", "PHIEN_BAN_PHAN_KY"):
            for element in list(root.iter(tag)):
                element.text = "2"

    return edit(signed(), change, resign_all)


@fails("coverage: the homeroom teacher signs THONG_TIN_HOC_BA", "slots.coverage")
def homeroom_signs_one_part_only() -> bytes:
    def change(root: _Element) -> None:
        reference(root, HOMEROOM, "#thongtinhocba").set("URI", "#diem-TOAN")

    return edit(signed(), change, resign(HOMEROOM), reseal)


@fails("coverage: a teacher signs the own subject", "slots.coverage")
def teacher_signs_another_subject() -> bytes:
    def change(root: _Element) -> None:
        reference(root, MATHS, "#diem-TOAN").set("URI", "#diem-NGUVAN")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("coverage: the principal signs DU_LIEU_HOC_BA", "slots.coverage")
def principal_signs_the_information_only() -> bytes:
    def change(root: _Element) -> None:
        reference(root, PRINCIPAL, "#data").set("URI", "#thongtinhocba")

    return edit(signed(), change, reseal)


@fails("coverage: the seal signs the principal's signature too", "slots.coverage")
def seal_signs_the_data_only() -> bytes:
    return edit(signed(), lambda root: drop(reference(root, SEAL, "#sig-cbql")), resign(SEAL))


@fails("coverage: nothing more than the policy asks for", "slots.coverage")
def teacher_signs_more_than_the_own_part() -> bytes:
    def change(root: _Element) -> None:
        own = reference(root, MATHS, "#diem-TOAN")
        more = copy.deepcopy(own)
        more.set("URI", "#diem-NGUVAN")
        more.attrib.pop("Id", "")
        own.addnext(more)

    return edit(signed(), change, resign(MATHS), reseal)


@fails("profile: exclusive C14N is the only transform", "signature.profile")
def inclusive_canonicalisation() -> bytes:
    def change(root: _Element) -> None:
        one = reference(root, MATHS, "#diem-TOAN")
        next(one.iter(f"{DS}Transform")).set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("profile: nothing rides along in an Object", "signature.profile")
def content_in_an_object() -> bytes:
    def change(root: _Element) -> None:
        add(add(signature(root, MATHS), f"{DS}Object"), f"{DS}Manifest")

    return edit(signed(), change, reseal)
