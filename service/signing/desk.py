"""One signer at work: the certificate says who it is, the authority list what they may sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import structlog

from service.online import choose_fetch
from service.workspace import Workspace
from signing.eligibility import SignerCheck, check_certificate
from signing.evidence import EvidenceCollector
from signing.signer import Signer
from signing.timestamp import TimestampClient
from signing.timestamp_budget import RequestLedger
from transcript_core.authority import AuthorityList
from transcript_core.errors import EvidenceUnavailable, NotEligible, TimestampRefused, TrustMaterialError
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.trust import TrustStore

_LEDGER: Final = "timestamp-requests.json"
"""File in the installation's folder that counts the requests to time-stamping authorities."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SigningServices:
    """What signing asks of the network."""

    fetch: Fetch
    evidence: EvidenceCollector
    timestamps: TimestampClient | None  # None: no time-stamping authority is configured


@dataclass(frozen=True)
class SigningDesk:
    """A signer with everything that is known of them now."""

    workspace: Workspace
    signer: Signer
    services: SigningServices
    at: datetime  # the signing time of this action; aware, UTC

    @cached_property
    def evidence(self) -> Evidence:
        """Chain and revocation status of the signer's certificate, fetched once an action.

        Raises:
            NotEligible: the certificate by itself may not sign now, so nobody is asked.
            EvidenceUnavailable: a server did not answer; the error names it.
        """
        check_certificate(self.signer.certificate, at=self.at)
        return self.services.evidence.collect(self.signer.certificate, chain=self.signer.chain)

    @cached_property
    def evidence_with_timestamps(self) -> Evidence:
        """The same, with that of the time-stamping authority's certificate: what a B-T signature needs to be judged.

        The certificate is the one of the authority's last token.  When no authority answers, or it uses another one by
        now, the evidence is as good as there is: `service.signing.extending` completes it.

        Raises:
            NotEligible, EvidenceUnavailable: as `evidence`; never because of the authority.
        """
        own, timestamps = self.evidence, self.services.timestamps
        if timestamps is None:
            return own
        try:
            certificate, *chain = timestamps.list_certificates()
            proof = self.services.evidence.collect(certificate, chain=chain)
        except (TimestampRefused, EvidenceUnavailable) as error:
            _log.warning("timestamp.no-evidence", code=error.code)
            return own
        return Evidence(
            chain=tuple(dict.fromkeys((*own.chain, *proof.chain))),
            ocsps=tuple(dict.fromkeys((*own.ocsps, *proof.ocsps))),
            crls=tuple(dict.fromkeys((*own.crls, *proof.crls))),
            fetched_at=own.fetched_at,
        )

    @cached_property
    def check(self) -> SignerCheck:
        """The questions asked before every signature."""
        return SignerCheck(
            self.signer.certificate,
            authority=self.workspace.get_authority(),
            trust=get_trust(self.workspace),
            evidence=self.evidence,
            at=self.at,
        )


def open_services(workspace: Workspace, fetch: Fetch) -> SigningServices:
    """Return the services that `workspace` is configured for.

    Raises:
        TrustMaterialError: no anchors are configured.
    """
    return SigningServices(
        fetch=fetch,
        evidence=EvidenceCollector(
            fetch,
            get_trust(workspace),
            workspace.clock,
            fetch_unproven=choose_fetch(fetch, workspace.settings.chain_hosts),
        ),
        timestamps=_open_timestamps(workspace, fetch),
    )


def _open_timestamps(workspace: Workspace, fetch: Fetch) -> TimestampClient | None:
    authorities = workspace.settings.tsa_authorities
    if not authorities:
        return None
    return TimestampClient(
        authorities,
        fetch,
        trust=get_trust(workspace),
        ledger=RequestLedger(workspace.settings.home / _LEDGER),
        clock=workspace.clock,
    )


def get_trust(workspace: Workspace) -> TrustStore:
    """Return the configured anchors.

    Raises:
        TrustMaterialError: none are configured.
    """
    if workspace.trust is None:
        raise TrustMaterialError("no trust anchors are configured; set HOCBA_ANCHORS_DIR")
    return workspace.trust


def find_staff_codes(authority: AuthorityList, identity: str | None) -> tuple[str, ...]:
    """Return the staff codes that the authority list gives to the holder of `identity`.

    Raises:
        NotEligible: the list does not know the identity, or the certificate has none.
    """
    found = tuple(person.staff_code for person in authority.staff if identity in person.identities)
    if identity is None or not found:
        raise NotEligible(
            "the authority list does not know the holder of this certificate",
            reason="unknown-staff",
            text_vi="Danh sách thẩm quyền không có người giữ chứng thư số này.",
        )
    return found


def find_sealed_school(authority: AuthorityList, identity: str | None) -> str:
    """Return the code of the school whose seal has `identity`.

    Raises:
        NotEligible: no school of the list has this seal.
    """
    for school in authority.schools:
        if identity is not None and any(seal.identity == identity for seal in school.seals):
            return school.school_code
    raise NotEligible(
        "no school of the authority list has this seal",
        reason="unknown-seal",
        text_vi="Không trường nào trong danh sách thẩm quyền có con dấu số này.",
    )
