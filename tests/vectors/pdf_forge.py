"""What a forger does to the signed PDF of a transcript: sections appended, seals made over other sections."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache

from signing import pades
from signing.pades.cms import build_timestamped_cms
from signing.pades.phases import PadesState
from signing.pades.section import SignatureSection
from signing.signer import SigningIdentity
from tests.support.signed_pdf import append_objects
from tests.vectors.pictures import build_appearance, describe_pictured, first_revision, sign_pdf, signed_pdf
from tests.vectors.school import STEP, TEACHERS_SIGN_AT, school
from transcript_core.model import SlotRole
from transcript_core.pdf import Name, Ref, Stream, Value, read_pdf, write_value
from transcript_core.policy import SigningPolicy, Slot, get_policy, list_slots
from transcript_core.render import read_prepared

Edit = Callable[[bytes], bytes]


def describe_slots() -> tuple[tuple[Slot, ...], SigningPolicy]:
    """Return the slots of the pictured transcript in signing order, and its policy."""
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    return list_slots(transcript, issue, policy), policy


def sign_over(original: bytes) -> bytes:
    """Return another first revision, or one with something appended, signed by everybody."""
    return sign_pdf(original, *describe_slots())


@cache
def unsealed_pdf() -> bytes:
    """Return the file as it is just before the seal: with every other signature, and the evidence of all."""
    slots, policy = describe_slots()
    here = school()
    pdf = sign_pdf(first_revision(), slots[:-1], policy)
    here.clock.at = _sealed_at(slots[-1])
    evidence = [here.collect(here.signer_of(slot)) for slot in slots]
    return pades.append_evidence(pdf, [*evidence, here.stamp(bytes(32))[1]])


def _sealed_at(seal: Slot) -> datetime:
    return TEACHERS_SIGN_AT + STEP * (seal.rule.order - 1)


def _cover(section: SignatureSection) -> bytes:
    return section.before + section.after


def seal_edited(
    pdf: bytes,
    *,
    before: Edit = lambda octets: octets,
    after: Edit = lambda octets: octets,
    cover: Callable[[SignatureSection], bytes] = _cover,
) -> bytes:
    """Return the file sealed over a section that was edited first, so that digest and value are right.

    Args:
        before: changes the section's octets before the hole; their number must stay.
        after: changes those behind it; their number must stay.
        cover: what of the section its range covers.
    """
    slots, policy = describe_slots()
    here, seal = school(), slots[-1]
    assert seal.role is SlotRole.SEAL
    here.clock.at = _sealed_at(seal)
    key = here.seal(seal.name)
    identity = SigningIdentity.of(key)
    appearance = build_appearance(pdf, seal)
    pending = pades.prepare(pdf, seal, identity, at=here.clock.at, appearance=appearance, policy=policy)
    state = pending.state
    assert isinstance(state, PadesState)
    section = replace(state.section, before=before(state.section.before), after=after(state.section.after))
    digest = hashlib.sha256(pdf + cover(section)).digest()
    (value,) = key.sign_digests([hashlib.sha256(state.attributes.with_digest(digest)).digest()])
    token, _ = here.stamp(pades.timestamp_imprint(pending, value))
    return pdf + section.fill(build_timestamped_cms(identity, state.attributes, digest, value, token))


def swap(old: bytes, new: bytes) -> Edit:
    """Return the edit that puts `new` in place of `old`, which is at least as long and must be there."""

    def edit(octets: bytes) -> bytes:
        assert old in octets
        return octets.replace(old, new.ljust(len(old)), 1)

    return edit


def find_object(kind: str, *, pdf: bytes | None = None) -> int:
    """Return the number of the first object of the original whose /Type is `kind`."""
    file = read_pdf(pdf or signed_pdf())
    for number in file.revisions[0].offsets:
        value = file.get_object(number).value
        dictionary = value.dictionary if isinstance(value, Stream) else value
        if isinstance(dictionary, dict) and dictionary.get("Type") == Name(kind):
            return number
    raise AssertionError(kind)


def get_entries(number: int, *, pdf: bytes | None = None) -> dict[str, Value]:
    """Return a copy of the newest dictionary of that number."""
    value = read_pdf(pdf or signed_pdf()).get_object(number).value
    assert isinstance(value, dict)
    return dict(value)


def rewrite(number: int, *, pdf: bytes | None = None, **entries: Value) -> bytes:
    """Return the signed file with an update that changes entries of one object; None removes one."""
    changed = {**get_entries(number, pdf=pdf), **entries}
    body = write_value({key: one for key, one in changed.items() if one is not None})
    return append_objects(pdf or signed_pdf(), {number: body})


def find_root() -> int:
    """Return the catalog's number."""
    return read_prepared(signed_pdf()).root


def find_fields() -> list[int]:
    """Return the objects of the signature fields, in signing order."""
    return [one.object_number for one in read_prepared(signed_pdf()).fields.values()]


def find_reference(number: int, key: str) -> int:
    """Return the object that an entry refers to."""
    value = get_entries(number)[key]
    assert isinstance(value, Ref)
    return value.number


def append_with_new(bodies: Mapping[int, bytes], *new: bytes) -> bytes:
    """Return the signed file with an update that overrides objects and adds new ones."""
    size = read_prepared(signed_pdf()).size
    return append_objects(signed_pdf(), {**bodies, **dict(enumerate(new, start=size))})
