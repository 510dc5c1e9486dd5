"""Many locked documents in a second: copies of a small school's first one under other serials, pupils and files."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from sqlalchemy import insert, select

from service.db.engine import transaction
from service.db.tables import DocumentRow, SlotRow
from service.signing.opening import SlotName, find_open_slots
from service.transcripts.repository import DocumentKey
from tests.support.workflow import SmallSchool
from transcript_core.identifiers import generate_serial
from transcript_core.pki.algorithms import SignatureAlgorithm

_FILE_ID = re.compile(rb"/ID\[<([0-9A-F]+)><[0-9A-F]+>\]")


def multiply(school: SmallSchool, count: int) -> list[DocumentKey]:
    """Add `count` copies of the first document, as it is now; the picture keeps the first one's serial."""
    first = school.list_documents()[0]
    xml, pdf = school.read(first.key)
    found = _FILE_ID.search(pdf)
    assert found is not None
    store, keys = school.workspace.store, []
    with transaction(school.workspace.sessions) as session:
        named = {"serial": first.key.serial, "version": first.key.version}
        document = dict(session.execute(select(DocumentRow.__table__).filter_by(**named)).mappings().one())
        slots = [dict(row) for row in session.execute(select(SlotRow.__table__).filter_by(**named)).mappings()]
        for number in range(count):
            key = DocumentKey(generate_serial(), first.key.version)
            files = {
                "xml_sha256": store.put(xml.replace(first.key.serial.encode(), key.serial.encode())),
                "pdf_sha256": store.put(pdf.replace(found[1], secrets.token_hex(len(found[1]) // 2).upper().encode())),
            }
            session.execute(
                insert(DocumentRow), [{**document, **files, "serial": key.serial, "pupil_code": f"{number:010d}"}]
            )
            session.execute(insert(SlotRow), [{**slot, "serial": key.serial} for slot in slots])
            keys.append(key)
    return keys


def find_rsa_teacher(school: SmallSchool) -> str:
    """Return the staff code of a subject teacher who holds an RSA key."""
    return next(
        code for code in school.teachers if school.open_person(code).algorithm is SignatureAlgorithm.RSA_PKCS1_SHA256
    )


def list_open(school: SmallSchool, staff_code: str) -> Sequence[SlotName]:
    """Return the first open slot of each document for this person."""
    return find_open_slots(school.workspace, school_code=school.school.school_code, staff_code=staff_code)
