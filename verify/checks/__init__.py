"""The rules, one a file; each answers with exactly one finding.  `ALL` is the order in which they run and are told."""

from __future__ import annotations

from types import ModuleType
from typing import Final, Protocol, cast

from verify.checks import (
    algorithms,
    authority,
    authority_class,
    authority_delegation,
    authority_office,
    authority_school,
    authority_subject,
    certificate_path,
    certificate_period,
    certificate_reference,
    certificate_revocation,
    certificate_usage,
    complete,
    container_files,
    coverage,
    document_type,
    hidden_content,
    identifiers,
    json_content,
    log_proof,
    order,
    parts,
    pdf_appearances,
    pdf_content,
    pdf_revisions,
    picture,
    plausible_time,
    references,
    signature_form,
    signature_profile,
    signed_content,
    signer_identity,
    signers,
    signing_policy,
    status,
    structure,
    timestamps,
    value,
    world,
)
from verify.examination import Context, Examination
from verify.report import Finding


class Check(Protocol):
    """What every module of this package is."""

    NAME: str

    def check(self, examination: Examination, context: Context) -> Finding:
        """Return the one finding of this rule."""
        ...


_MODULES: Final[tuple[ModuleType, ...]] = (
    document_type,  # step 0
    structure,  # step 1
    identifiers,
    hidden_content,
    parts,
    signature_form,  # step 2
    signature_profile,
    references,
    value,
    certificate_reference,
    algorithms,
    signing_policy,
    coverage,
    container_files,
    signed_content,
    pdf_revisions,
    pdf_content,
    pdf_appearances,
    json_content,
    signer_identity,  # step 3
    certificate_period,
    certificate_revocation,
    certificate_usage,
    certificate_path,
    world,
    timestamps,
    plausible_time,
    signers,  # step 4
    authority,
    authority_office,
    authority_school,
    authority_class,
    authority_subject,
    authority_delegation,
    complete,  # step 5
    order,
    status,  # step 6
    log_proof,  # step 7
    picture,  # step 8
)
ALL: Final = tuple(cast("Check", module) for module in _MODULES)
SIGNATURE_JUDGES: Final = (
    signature_form.judge,
    references.judge,
    value.judge,
    certificate_reference.judge,
    algorithms.judge,
    certificate_period.judge,
    certificate_revocation.judge,
    certificate_usage.judge,
    certificate_path.judge,
    timestamps.judge,
)
"""The rules that speak of one signature by itself; together they are its own outcome."""
