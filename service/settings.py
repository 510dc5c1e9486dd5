"""Settings, read once from the environment (`HOCBA_*`).  No anchors and no authority list are trusted by default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.trust_material import TrustListFile, parse_trust_list_file
from signing.timestamp_budget import TimestampAuthority, parse_authority
from transcript_core.errors import InputError


class Settings(BaseSettings):
    """What an installation can choose."""

    model_config = SettingsConfigDict(env_prefix="HOCBA_", frozen=True)

    home: Path = Path("var")
    """Folder of everything that is not configured elsewhere."""

    database_url: str | None = None
    """SQLAlchemy URL; None: SQLite in `home`.  PostgreSQL: postgresql+psycopg://…"""

    store_dir: Path | None = None
    """Folder of the content-addressed documents; None: `home`/store."""

    base_url: str = "http://127.0.0.1:8000"
    """Where people reach this service, by https but on its own machine; printed into every QR code."""

    anchors_dir: Path | None = None
    """Trust anchors: national/*.pem, public-duty/*.pem, authority/*.pem."""

    trust_lists: Annotated[tuple[str, ...], NoDecode] = ()
    """Signed trust lists (ETSI TS 119 612), separated by blanks in the environment, each with its operator's
    certificate: "public-duty=/etc/hocba/list.xml|signer=/etc/hocba/operator.pem"."""

    authority_file: Path | None = None
    """The signed authority list of the department."""

    tsa_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """Time-stamping authorities, tried in turn; separated by blanks in the environment, each with its budget if it has
    one: "http://tsa.example/tsr|budget=20/20min|block=1d|policy=1.2.3"."""

    chain_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """Hosts that may be asked for missing CA certificates wherever they are; separated by blanks in the environment.
    All others are asked directly, without a proxy, and at public addresses only."""

    pkcs11_module: Path | None = None
    """PKCS#11 library of the token, where the URI of a key names none."""

    clerk_token_sha256: str | None = None
    """SHA-256, in hex, of the token that lets a clerk record signed documents over HTTP; None: nobody may."""

    compare_limit: str = "10/minute"
    """Attempts to compare, per client address and document."""

    upload_limit: str = "30/minute"
    """Uploaded files, per client address."""

    agent_limit: str = "120/minute"
    """Requests with signature values, per client address; one attaches up to 500."""

    extend_minutes: int = Field(default=60, ge=0, le=7 * 24 * 60)
    """Minutes between two rounds in which the web service completes what signatures lack: timestamps, evidence,
    renewal; 0: it never does, `hocba extend --all` does."""

    status_valid_days: int = Field(default=7, ge=1, le=366)
    """Days from `as_of` to `next_update` of a status file."""

    @property
    def effective_database_url(self) -> str:
        """Return the SQLAlchemy URL in use."""
        return self.database_url or f"sqlite:///{self.home / 'hocba.db'}"

    @property
    def effective_store_dir(self) -> Path:
        """Return the document store's folder."""
        return self.store_dir or self.home / "store"

    @property
    def tsa_authorities(self) -> tuple[TimestampAuthority, ...]:
        """Return the time-stamping authorities with their budgets."""
        return tuple(parse_authority(one) for one in self.tsa_urls)

    @property
    def trust_list_files(self) -> tuple[TrustListFile, ...]:
        """Return the trust lists with their operators' certificates."""
        return tuple(parse_trust_list_file(one) for one in self.trust_lists)

    @field_validator("tsa_urls", "trust_lists", "chain_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("tsa_urls")
    @classmethod
    def _check_authorities(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for one in value:
                parse_authority(one)
        except InputError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("trust_lists")
    @classmethod
    def _check_trust_lists(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for one in value:
                parse_trust_list_file(one)
        except InputError as error:
            raise ValueError(str(error)) from error
        return value


def load_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        InputError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        troubles = [f"HOCBA_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
        raise InputError(f"the environment cannot be used: {'; '.join(troubles)}") from error
