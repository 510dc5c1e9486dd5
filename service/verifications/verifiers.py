"""Builds the verifiers of this installation from its trust material."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from service.workspace import Workspace
from transcript_core.status import StatusSource
from verify.policy import TRANSCRIPT_POLICY, VerificationPolicy
from verify.verifier import Verifier

RECORD_POLICY: Final[VerificationPolicy] = replace(
    TRANSCRIPT_POLICY, name="hocba-record-1.0", required=TRANSCRIPT_POLICY.required - {"status"}
)
"""What a document must pass to be recorded: everything but the status, which follows from the records."""


def build_event_verifier(workspace: Workspace) -> Verifier:
    """Return the verifier that documents must pass to be recorded and counted."""
    return Verifier(trust=workspace.trust, authority=workspace.authority, status=None, policy=RECORD_POLICY)


def build_public_verifier(workspace: Workspace, status: StatusSource) -> Verifier:
    """Return the verifier for files that people upload; it knows this installation's records."""
    return Verifier(trust=workspace.trust, authority=workspace.authority, status=status, policy=TRANSCRIPT_POLICY)
