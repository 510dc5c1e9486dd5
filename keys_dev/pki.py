"""The development PKI: a folder of keys and certificates that is made on first use and stays as it is.

Two roots, as in reality: one stands for the national root with a public CA under it (NĐ 23/2025/NĐ-CP), one for the
public-duty PKI with its sub-CA (NĐ 68/2024/NĐ-CP).  A TSA, OCSP responders, the department's authority key, persons
and seals on demand.

```
pki.json        format, created_at, port          anchors/    a folder for `load_trust_store`
cas/ services/  keys and certificates             authority/  the department's key
people/         <name>.p12, .password, .pem       issued/ revoked/  <ca>/<serial>: what the responders answer from
```
Decision record: `docs/decisions/0003-development-pki.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from keys_dev.files import locked, write_private
from keys_dev.profiles import (
    DEVELOPMENT_LABEL,
    Issuer,
    KeyKind,
    PrivateKey,
    Profile,
    Request,
    build_certificate,
    build_name,
    generate_key,
)
from transcript_core.clock import SystemClock
from transcript_core.errors import TrustMaterialError
from transcript_core.pki.certificates import IDENTITY_PATTERN, Certificate, load_certificate
from transcript_core.pki.trust import TrustStore, World, load_trust_store

DEFAULT_FOLDER: Final = Path(__file__).parent / "material"
"""Where the command keeps its keys; git ignores it."""

_KDF_ROUNDS: Final = 1_000
"""Of a PKCS#12 file: few, since its password of 120 random bits lies beside it."""

_FORMAT: Final = "hocba-development-pki/1"
_LOOK_BACK: Final = timedelta(days=365)
"""Certificates are valid this long before the PKI was made, so that last school year's documents can be signed."""

_PERSON_LIFETIME: Final = timedelta(days=3 * 365)
_CA_LIFETIME: Final = timedelta(days=20 * 365)
_AGENCY: Final = "Cơ quan cấp chứng thư thử nghiệm"
_CA_NAMES: Final = {
    "national-root": "Root quốc gia",
    "national-ca": "CA công cộng",
    "public-duty-root": "Root chuyên dùng công vụ",
    "public-duty-ca": "CA chuyên dùng công vụ",
}
_TSA_CA: Final = "national-ca"
_REASONS: Final = frozenset(
    {
        "unspecified",
        "key_compromise",
        "affiliation_changed",
        "superseded",
        "cessation_of_operation",
        "certificate_hold",
        "privilege_withdrawn",
    }
)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person or a school that gets a certificate."""

    name: str  # common name
    identity: str  # "CCCD:012345678901" or "MST:0123456789"
    organisation: str
    world: World
    key_kind: KeyKind = "rsa-2048"
    profile: Profile = Profile.SIGNER
    valid_from: datetime | None = None  # None: a year before the PKI was made
    valid_to: datetime | None = None  # None: three years after it

    @property
    def file_name(self) -> str:
        """Return the file name without suffix; equal for equal subscribers, so certificates stay as they are."""
        shown = (self.name, self.identity, self.organisation, self.world, self.key_kind, self.profile)
        digest = hashlib.sha256(repr((*map(str, shown), self.valid_from, self.valid_to)).encode()).hexdigest()
        return f"{re.sub('[^0-9a-z]+', '-', self.identity.lower())}-{self.world.value}-{digest[:10]}"


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revoked certificate."""

    serial: int
    at: datetime  # aware, UTC
    reason: str  # RFC 5280, 5.3.1, in snake case as asn1crypto names it: "key_compromise"


class DevelopmentPki:
    """The PKI in one folder.  Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        """Open an existing PKI; `load_or_create` makes one.

        Raises:
            TrustMaterialError: there is none, or of another format.
        """
        try:
            state = json.loads((folder / "pki.json").read_bytes())
        except (OSError, ValueError) as error:
            raise TrustMaterialError(f"{folder} holds no development PKI; create one first") from error
        if state["format"] != _FORMAT:
            raise TrustMaterialError(f"{folder} holds a development PKI of another format; remove the folder")
        self.folder = folder
        self.created_at = datetime.fromisoformat(state["created_at"])
        self.port = int(state["port"])

    @classmethod
    def load_or_create(
        cls, folder: Path, *, created_at: datetime | None = None, port: int | None = None
    ) -> DevelopmentPki:
        """Return the PKI of `folder`, made now if there is none.

        Args:
            folder: any folder; created with mode 0700.
            created_at: aware; decides the validity periods of a new PKI.  None: now.
            port: of the URLs in a new PKI's certificates.  None: one that is free now.
        """
        with locked(folder):
            if not (folder / "pki.json").is_file():
                _create(folder, created_at or SystemClock().now(), port or _find_free_port())
        return cls(folder)

    @property
    def base_url(self) -> str:
        """Return where the responders answer, without a slash at the end."""
        return _base_url(self.port)

    @property
    def tsa_url(self) -> str:
        """Return the address of the RFC 3161 service."""
        return f"{self.base_url}/tsa"

    @property
    def anchors_dir(self) -> Path:
        """Return a folder for `load_trust_store`."""
        return self.folder / "anchors"

    @property
    def authority_p12(self) -> Path:
        """Return the PKCS#12 file of the department's authority key."""
        return self.folder / "authority" / "department.p12"

    def trust_store(self) -> TrustStore:
        """Return the anchors of this PKI."""
        return load_trust_store(self.anchors_dir)

    def issue_person(
        self, name: str, cccd: str, *, organisation: str, world: World, algorithm: KeyKind = "rsa-2048"
    ) -> Path:
        """Return the PKCS#12 of a person's certificate, issued at the first call.  Password: `read_password`."""
        return self.issue(Subscriber(name, f"CCCD:{cccd}", organisation, world, algorithm))

    def issue_seal(self, school_name: str, mst: str, *, world: World, algorithm: KeyKind = "rsa-2048") -> Path:
        """Return the PKCS#12 of a school's seal, issued at the first call."""
        return self.issue(Subscriber(school_name, f"MST:{mst}", school_name, world, algorithm))

    def issue(self, subscriber: Subscriber) -> Path:
        """Return the PKCS#12 of this subscriber, issued at the first call; also expired or useless ones, on demand.

        Raises:
            TrustMaterialError: the identity is none that a certificate can carry.
        """
        if IDENTITY_PATTERN.match(subscriber.identity) is None:
            raise TrustMaterialError(f"{subscriber.identity}: not CCCD: with 12 digits or MST: with 10")
        path = self.folder / "people" / f"{subscriber.file_name}.p12"
        if path.is_file():
            return path
        key = generate_key(subscriber.key_kind)
        with locked(self.folder):
            if not path.is_file():
                self._issue(subscriber, key, path)
        return path

    def issue_all(self, subscribers: Sequence[Subscriber]) -> list[Path]:
        """Return the PKCS#12 of every subscriber, in order; keys are generated in parallel."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self.issue, subscribers))

    def _issue(self, subscriber: Subscriber, key: PrivateKey, path: Path) -> None:
        ca = f"{subscriber.world.value}-ca"
        request = Request(
            profile=subscriber.profile,
            subject=build_name(subscriber.name, organisation=subscriber.organisation, identity=subscriber.identity),
            not_before=subscriber.valid_from or self.created_at - _LOOK_BACK,
            not_after=subscriber.valid_to or self.created_at + _PERSON_LIFETIME,
        )
        issuer = _load_issuer(self.folder, ca, self.base_url)
        certificate = build_certificate(request, key, issuer)
        _record(self.folder, ca, certificate)
        _write_p12(path, subscriber.name, key, certificate, [issuer.certificate])

    def read_certificate(self, p12: Path) -> Certificate:
        """Return the certificate that belongs to a PKCS#12 file of this PKI."""
        return load_certificate(p12.with_suffix(".pem").read_bytes())

    def read_password(self, p12: Path) -> str:
        """Return the password of a PKCS#12 file of this PKI."""
        return p12.with_suffix(".password").read_text("ascii")

    def revoke(self, certificate: Certificate, *, at: datetime, reason: str = "key_compromise") -> None:
        """Let the responders say from now on that `certificate` was revoked at `at` (aware).

        Args:
            certificate: one of this PKI's.
            at: aware.
            reason: RFC 5280, 5.3.1, in snake case: "key_compromise", "superseded", ...

        Raises:
            TrustMaterialError: this PKI did not issue it, or there is no such reason.
        """
        if reason not in _REASONS:
            raise TrustMaterialError(f"{reason} is not one of {', '.join(sorted(_REASONS))}")
        ca = self._find_issuing_ca(certificate)
        content = json.dumps({"at": at.astimezone(UTC).isoformat(), "reason": reason}).encode()
        write_private(self.folder / "revoked" / ca / f"{certificate.serial:x}.json", content)

    def _find_issuing_ca(self, certificate: Certificate) -> str:
        for ca in _CA_NAMES:
            path = self.folder / "issued" / ca / f"{certificate.serial:x}.pem"
            if path.is_file() and load_certificate(path.read_bytes()) == certificate:
                return ca
        raise TrustMaterialError("this development PKI did not issue that certificate")

    def list_issued(self, ca: str) -> list[Certificate]:
        """Return every certificate that the CA `ca` issued."""
        return [load_certificate(path.read_bytes()) for path in sorted((self.folder / "issued" / ca).glob("*.pem"))]

    def is_issued(self, ca: str, serial: int) -> bool:
        """Return whether the CA `ca` issued a certificate with this serial number."""
        return (self.folder / "issued" / ca / f"{serial:x}.pem").is_file()

    def list_revoked(self, ca: str) -> list[Revocation]:
        """Return the revoked certificates of the CA `ca`."""
        return [_read_revocation(path) for path in sorted((self.folder / "revoked" / ca).glob("*.json"))]

    def find_revocation(self, ca: str, serial: int) -> Revocation | None:
        """Return the revocation of a certificate of `ca`, or None."""
        path = self.folder / "revoked" / ca / f"{serial:x}.json"
        return _read_revocation(path) if path.is_file() else None

    def load_ca_key(self, ca: str) -> PrivateKey:
        """Return the private key of a CA, opened."""
        return _load_ca_key(self.folder, ca)

    def read_key(self, name: str) -> tuple[bytes, bytes]:
        """Return PEM of certificate and private key of a CA ("national-ca") or a service ("tsa", "ocsp-<ca>")."""
        folder = self.folder / ("cas" if name in _CA_NAMES else "services")
        return (folder / f"{name}.pem").read_bytes(), (folder / f"{name}.key").read_bytes()


def list_ca_names() -> Iterable[str]:
    """Return the names of the four CAs."""
    return _CA_NAMES


def _create(folder: Path, created_at: datetime, port: int) -> None:
    start = created_at.astimezone(UTC).replace(microsecond=0)
    with ThreadPoolExecutor() as pool:
        keys = dict(zip(_CA_NAMES, pool.map(lambda _: generate_key("rsa-2048"), _CA_NAMES), strict=True))
    for world in World:
        root, ca = f"{world.value}-root", f"{world.value}-ca"
        _create_authority(folder, root, keys[root], None, start)
        _create_authority(folder, ca, keys[ca], _load_issuer(folder, root, _base_url(port)), start)
        issuer = _load_issuer(folder, ca, _base_url(port))
        _create_service(folder, f"ocsp-{ca}", Profile.OCSP_RESPONDER, issuer, start=start, ca=ca)
        write_private(folder / "anchors" / world.value / f"{root}.pem", (folder / "cas" / f"{root}.pem").read_bytes())
        write_private(folder / "anchors" / "intermediates" / f"{ca}.pem", (folder / "cas" / f"{ca}.pem").read_bytes())
    _create_service(
        folder, "tsa", Profile.TIMESTAMPING, _load_issuer(folder, _TSA_CA, _base_url(port)), start=start, ca=_TSA_CA
    )
    _create_department(folder, start)
    state = {"format": _FORMAT, "created_at": start.isoformat(), "port": port}
    write_private(folder / "pki.json", json.dumps(state, indent=2).encode())


def _create_authority(folder: Path, name: str, key: PrivateKey, issuer: Issuer | None, start: datetime) -> None:
    profile = Profile.ROOT if issuer is None else Profile.CA
    subject = build_name(f"{DEVELOPMENT_LABEL} {_CA_NAMES[name]}", organisation=_AGENCY)
    request = Request(profile, subject, start - 2 * _LOOK_BACK, start + _CA_LIFETIME)
    certificate = build_certificate(request, key, issuer)
    _record(folder, name if issuer is None else name.replace("-ca", "-root"), certificate)
    _write_key(folder / "cas" / name, key, certificate)


def _create_service(folder: Path, name: str, profile: Profile, issuer: Issuer, *, start: datetime, ca: str) -> None:
    key = generate_key("p-256")
    subject = build_name(f"{DEVELOPMENT_LABEL} {name}", organisation=_AGENCY)
    certificate = build_certificate(
        Request(profile, subject, start - 2 * _LOOK_BACK, start + _CA_LIFETIME), key, issuer
    )
    _record(folder, ca, certificate)
    _write_key(folder / "services" / name, key, certificate)


def _create_department(folder: Path, start: datetime) -> None:
    key = generate_key("p-256")
    subject = build_name("Sở Giáo dục và Đào tạo - danh sách thẩm quyền", organisation="Sở Giáo dục và Đào tạo")
    request = Request(Profile.AUTHORITY, subject, start - 2 * _LOOK_BACK, start + _CA_LIFETIME)
    certificate = build_certificate(request, key, None)
    _write_p12(folder / "authority" / "department.p12", "department", key, certificate, [])
    write_private(folder / "anchors" / "authority" / "department.pem", certificate.public_bytes(Encoding.PEM))


def _load_issuer(folder: Path, name: str, base_url: str) -> Issuer:
    certificate = x509.load_pem_x509_certificate((folder / "cas" / f"{name}.pem").read_bytes())
    return Issuer(
        certificate=certificate,
        key=_load_ca_key(folder, name),
        crl_url=f"{base_url}/crl/{name}.crl",
        ca_issuers_url=f"{base_url}/ca/{name}.crt",
        ocsp_url=None if name.endswith("-root") else f"{base_url}/ocsp/{name}",
    )


def _load_ca_key(folder: Path, name: str) -> PrivateKey:
    """Open a key without the slow consistency check: this PKI itself wrote the file."""
    pem = (folder / "cas" / f"{name}.key").read_bytes()
    return cast("PrivateKey", load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True))


def _record(folder: Path, ca: str, certificate: x509.Certificate) -> None:
    path = folder / "issued" / ca / f"{certificate.serial_number:x}.pem"
    write_private(path, certificate.public_bytes(Encoding.PEM))


def _write_key(stem: Path, key: PrivateKey, certificate: x509.Certificate) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(stem.with_name(f"{stem.name}.key"), pem)
    write_private(stem.with_name(f"{stem.name}.pem"), certificate.public_bytes(Encoding.PEM))


def _write_p12(
    path: Path, name: str, key: PrivateKey, certificate: x509.Certificate, chain: list[x509.Certificate]
) -> None:
    """Write password and certificate first: whoever sees the PKCS#12 finds them beside it."""
    password = secrets.token_urlsafe(15)
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )
    bundle = pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, chain or None, encryption)
    write_private(path.with_suffix(".password"), password.encode())
    write_private(path.with_suffix(".pem"), certificate.public_bytes(Encoding.PEM))
    write_private(path, bundle)


def _read_revocation(path: Path) -> Revocation:
    raw = json.loads(path.read_bytes())
    return Revocation(int(path.stem, 16), datetime.fromisoformat(raw["at"]), raw["reason"])


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
