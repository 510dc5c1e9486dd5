"""Reads the token of a document timestamp and says whether its mathematics holds.

Implements ETSI EN 319 142-1, 5.4.3: /Contents is a TimeStampToken (RFC 3161) whose imprint is over the octets that
/ByteRange covers, followed by nothing but zeros.  Whether its authority is trusted is decided with the other proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from asn1crypto import parser

from transcript_core.errors import TrustMaterialError
from transcript_core.pki.timestamps import find_signature_problem, parse_timestamp
from verify.formats.cms_types import CmsSignature
from verify.formats.pdf_problems import Problem, build_problem


def read_token(contents: bytes, digest_content: Callable[[str], bytes], *, strict: bool) -> CmsSignature:
    """Return what a document timestamp says.  Never raises.

    Args:
        contents: the octets of /Contents.
        digest_content: returns the digest of the covered octets by a hash of this name ("sha256").
        strict: it stands in a transcript; elsewhere a wrong timestamp proves nothing and fails nothing.
    """
    signature = _read(contents, digest_content)
    return signature if strict else replace(signature, problems=(), unsupported=signature.problems)


def _read(contents: bytes, digest_content: Callable[[str], bytes]) -> CmsSignature:
    problems: list[Problem] = []
    try:
        size = parser.peek(contents)
        stamp = parse_timestamp(contents[:size])
    except (ValueError, TrustMaterialError) as error:
        return CmsSignature(problems=(build_problem("token", detail=str(error).splitlines()[0][:200]),))
    if contents[size:].strip(b"\0"):
        problems.append(build_problem("token", detail="octets other than zero follow it"))
    imprint = digest_content(stamp.imprint_hash)
    if imprint != stamp.imprint:
        problems.append(build_problem("imprint"))
    wrong = find_signature_problem(stamp)
    if wrong is not None:
        problems.append(build_problem("token", detail=wrong))
    return CmsSignature(
        digest_right=imprint == stamp.imprint,
        value_right=wrong is None,
        problems=tuple(problems),
        signer=stamp.certificate,
        certificates=tuple(one for one in stamp.certificates if one != stamp.certificate),
        timestamp=stamp.der,
        timestamp_imprint=imprint,
    )
