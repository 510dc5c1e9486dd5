"""Raises a stored signature to the long-term levels: evidence beside it, archive timestamps over all of it.

Spec: ETSI EN 319 132-1, 5.4 (values of certificates and revocation), 5.5.1 (TimeStampValidationData), 5.5.2.2
(ArchiveTimeStamp, not distributed case) and 6.3 (B-LT, B-LTA).  Deviation: none.

Order: nothing is added to a signature that another one covers.  The teachers' and the homeroom teacher's signatures lie
in what the principal signs, the principal's in what the seal signs; so the archive level is reached through the seal,
the outermost signature, whose archive timestamp covers by its references all that lies inside.  A further archive
timestamp covers the one before it, with its evidence, and so renews it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from signing.xades.extend import check_token, check_uncovered, get_signature, list_key_info, replace_signature
from signing.xades.names import DS_NAMESPACE, EXCLUSIVE_C14N, XADES_NAMESPACE
from signing.xades.unsigned import (
    PropertyKind,
    UnsignedPart,
    build_archive_timestamp,
    build_validation_data,
    build_values,
    read_unsigned,
)
from transcript_core.canonical import build_id_map, canonicalize, parse_xml
from transcript_core.errors import MalformedTranscript, SlotNotReady, TrustMaterialError
from transcript_core.pki.algorithms import find_by_xml_uri
from transcript_core.pki.certificates import Certificate, deduplicate, load_certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import Timestamp, parse_timestamp
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot, signature_id
from transcript_core.xml import StoredDocument

_METHOD: Final = re.compile(rb'<ds:SignatureMethod Algorithm="([^"]+)">')
_STAMPS: Final = frozenset({PropertyKind.SIGNATURE_TIMESTAMP, PropertyKind.ARCHIVE_TIMESTAMP})
_DS: Final = f"{{{DS_NAMESPACE}}}"
_XADES: Final = f"{{{XADES_NAMESPACE}}}"
_SHAPE: Final = [f"{_DS}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")]


@dataclass(frozen=True, slots=True)
class LongTermState:
    """How far one signature is, and what it carries; nothing of it is verified."""

    level: SignatureLevel
    signer: Certificate
    hash_name: str  # of its algorithm; what timestamps on it use too
    timestamps: tuple[Timestamp, ...]  # the one over the value first, then the archive timestamps in order
    archived: int  # how many of them are archive timestamps
    certificates: tuple[Certificate, ...]  # all carried, those of the tokens included
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def read_state(document: bytes, slot_id: str) -> LongTermState:
    """Return how far the signature in this slot is.

    Raises:
        SlotNotReady: the slot is not signed.
        MalformedTranscript: the signature was not written here, or a certificate or token in it cannot be read.
    """
    signature = get_signature(StoredDocument(document), slot_id)
    part, own = read_unsigned(signature), list_key_info(signature)
    try:
        timestamps = tuple(parse_timestamp(one.token) for one in part.properties if one.kind in _STAMPS)
        values = tuple(load_certificate(der) for der in part.list_values("EncapsulatedX509Certificate"))
    except TrustMaterialError as error:
        raise MalformedTranscript(f"slot {slot_id} carries a certificate or token that cannot be read") from error
    return LongTermState(
        level=_find_level(part),
        signer=own[0],
        hash_name=_find_hash(signature),
        timestamps=timestamps,
        archived=len(part.list(PropertyKind.ARCHIVE_TIMESTAMP)),
        certificates=deduplicate((*own, *values, *(one for stamp in timestamps for one in stamp.certificates))),
        ocsps=part.list_values("EncapsulatedOCSPValue"),
        crls=part.list_values("EncapsulatedCRLValue"),
    )


def add_evidence(document: bytes, slot: Slot, evidences: Sequence[Evidence], *, policy: SigningPolicy) -> bytes:
    """Return the document with what proves the certificates of `slot` and of its timestamps; only what is new is added.

    Before the first archive timestamp it joins the signature's values (5.4.1, 5.4.2); after one, nothing that is there
    may change, and it becomes validation data behind the timestamp that it is about (5.5.1).

    Raises:
        SlotNotReady: the slot is not signed, or a slot of a later order covers it already.
        MalformedTranscript: the signature was not written here.
    """
    stored = StoredDocument(document)
    signature = get_signature(stored, slot.slot_id)
    check_uncovered(stored, slot, policy)
    part = read_unsigned(signature)
    state = read_state(document, slot.slot_id)
    carried = {one.der for one in state.certificates}
    certificates = _list_new((one.der for evidence in evidences for one in evidence.chain), carried)
    crls = _list_new((der for evidence in evidences for der in evidence.crls), set(state.crls))
    ocsps = _list_new((der for evidence in evidences for der in evidence.ocsps), set(state.ocsps))
    if not (certificates or crls or ocsps):
        return document
    if part.list(PropertyKind.ARCHIVE_TIMESTAMP):
        changed = part.append(build_validation_data(certificates, crls, ocsps))
    else:
        changed = _with_values(part, certificates, crls, ocsps)
    return replace_signature(document, signature, changed)


def get_archive_imprint(document: bytes, slot_id: str, *, hash_name: str = "sha256") -> bytes:
    """Return what the next archive timestamp of the signature in this slot covers, a raw digest.

    Raises:
        SlotNotReady: the slot is not signed.
        MalformedTranscript: the signature was not written here.

    Spec: EN 319 132-1, 5.5.2.2: the octets of all references in order, SignedInfo, SignatureValue, KeyInfo, the
    unsigned properties so far in order, and every ds:Object but the one with the properties, of which ours has none.
    """
    get_signature(StoredDocument(document), slot_id)
    digest = hashlib.new(hash_name)
    for octets in _iterate_archived(document, slot_id):
        digest.update(octets)
    return digest.digest()


def add_archive_timestamp(document: bytes, slot: Slot, token: bytes, *, policy: SigningPolicy) -> bytes:
    """Return the document with an archive timestamp behind all that the signature of `slot` holds.

    Args:
        token: DER of an RFC 3161 token over `get_archive_imprint`.

    Raises:
        SlotNotReady: the slot is not the outermost one, not signed, or lacks the timestamp or evidence of B-LT.
        TimestampRefused: the token is for something else or cannot be read.
        MalformedTranscript: the signature was not written here.
    """
    if slot.rule.order != max(rule.order for rule in policy.rules):
        raise SlotNotReady(f"slot {slot.slot_id}: the archive level is reached through the seal, which covers it")
    signature = get_signature(StoredDocument(document), slot.slot_id)
    part = read_unsigned(signature)
    if _find_level(part) in {SignatureLevel.B_B, SignatureLevel.B_T}:
        raise SlotNotReady(f"slot {slot.slot_id}: before an archive timestamp it needs a timestamp and evidence (B-LT)")
    check_token(token, f"slot {slot.slot_id}", lambda name: get_archive_imprint(document, slot.slot_id, hash_name=name))
    return replace_signature(document, signature, part.append(build_archive_timestamp(token)))


def list_signers(document: bytes) -> dict[str, Certificate]:
    """Return slot Id → the certificate of whoever signed there.

    Raises:
        MalformedTranscript: a signature was not written here.
    """
    stored = StoredDocument(document)
    return {slot_id: list_key_info(get_signature(stored, slot_id))[0] for slot_id in sorted(stored.list_signed_slots())}


def _find_level(part: UnsignedPart) -> SignatureLevel:
    """Return the level by what is there; whether the evidence is enough shows when the paths are validated."""
    if not part.list(PropertyKind.SIGNATURE_TIMESTAMP):
        return SignatureLevel.B_B
    if not (part.list_values("EncapsulatedOCSPValue") or part.list_values("EncapsulatedCRLValue")):
        return SignatureLevel.B_T
    return SignatureLevel.B_LTA if part.list(PropertyKind.ARCHIVE_TIMESTAMP) else SignatureLevel.B_LT


def _find_hash(signature: bytes) -> str:
    found = _METHOD.search(signature)
    algorithm = find_by_xml_uri(found[1].decode("ascii", "replace")) if found else None
    if algorithm is None:
        raise MalformedTranscript("the signature names an algorithm that is not used here")
    return algorithm.hash_name


def _list_new(values: Iterable[bytes], known: Collection[bytes]) -> list[bytes]:
    return [one for one in dict.fromkeys(values) if one not in known]


def _with_values(
    part: UnsignedPart, certificates: Sequence[bytes], crls: Sequence[bytes], ocsps: Sequence[bytes]
) -> UnsignedPart:
    """Return the signature with one set of values, the old ones and these, behind its timestamp."""
    values = build_values(
        [*part.list_values("EncapsulatedX509Certificate"), *certificates],
        [*part.list_values("EncapsulatedCRLValue"), *crls],
        [*part.list_values("EncapsulatedOCSPValue"), *ocsps],
    )
    return part.with_properties((*part.list(PropertyKind.SIGNATURE_TIMESTAMP), *values))


def _iterate_archived(document: bytes, slot_id: str) -> Iterator[bytes]:
    """Yield the octets of 5.5.2.2 in order, canonicalised anew from the parsed document."""
    root = parse_xml(document)
    ids = build_id_map(root)
    signature = ids.get(signature_id(slot_id))
    if signature is None or [child.tag for child in signature] != _SHAPE:
        raise MalformedTranscript(f"slot {slot_id}: the signature is of another form than this program writes")
    info, value, key_info, holder = signature
    for reference in info.iterfind(f"{_DS}Reference"):
        yield canonicalize(_find_referenced(reference, ids, slot_id))
    for element in (info, value, key_info):
        yield canonicalize(element)
    for element in holder.iterfind(f".//{_XADES}UnsignedSignatureProperties/*"):
        yield canonicalize(element)


def _find_referenced(reference: _Element, ids: Mapping[str, _Element], slot_id: str) -> _Element:
    """Return the element whose exclusive canonical octets the reference digests."""
    methods = [one.get("Algorithm") for one in reference.iterfind(f"{_DS}Transforms/{_DS}Transform")]
    target = ids.get(reference.get("URI", "").removeprefix("#"))
    if methods != [EXCLUSIVE_C14N] or target is None:
        raise MalformedTranscript(f"slot {slot_id}: a reference is of another form than this program writes")
    return target
