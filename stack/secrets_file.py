"""The secrets of one run directory: made at random on the first start, kept in a file only its owner may read, never printed.

The same file, as `.env`, serves the compose side (`make secrets`).
"""

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from contracts.citizen_token.v1 import Issuer
from deploy.minio import ACCOUNTS, Keys
from stack.errors import StackError

FILE_NAME: Final = "secrets.env"
"""What a run directory calls them."""

VAULT_CALLERS = ("intake", "tasks", "notifier", "uploads", "ops")
"""The services that may ask the vault, each with a token of its own."""

_DATABASES = ("CITIZENS", "INTAKE", "TASKS", "UPLOADS", "NOTIFIER")

NAMES = (
    "MASTER_KEYS",
    "HMAC_KEY",
    "FINGERPRINT_KEY",
    "STATUS_PUSH_TOKEN",
    "PORTAL_SIGNING_KEY",
    "CITIZEN_TOKEN_KEYS",
    *(f"CITIZENS_TOKEN_{caller.upper()}" for caller in VAULT_CALLERS),
    *(f"{account.upper()}_S3_{kind}" for account in ACCOUNTS for kind in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")),
    # only the compose side needs these: the native one derives them from the administrator's, or makes them as a server starts
    "POSTGRES_PASSWORD",
    *(f"{service}_DB_{kind}" for service in _DATABASES for kind in ("PASSWORD", "OWNER_PASSWORD")),
    "MINIO_ROOT_USER",
    "MINIO_ROOT_PASSWORD",
    "MINIO_KMS_SECRET_KEY",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """Values by name; `repr` shows none of them."""

    values: dict[str, str] = field(repr=False)

    @classmethod
    def load_or_make(cls, path: Path) -> Self:
        """The secrets in this file; where there is no file, new ones are written to it."""
        if not path.exists():
            _write(path, _generate())
        held = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        missing = [name for name in NAMES if not held.get(name)]
        if missing:
            message = f"{path} lacks {', '.join(missing)}; delete the file to have new secrets made"
            raise StackError(message)
        return cls(values=held)

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def vault_token(self, caller: str) -> str:
        return self.values[f"CITIZENS_TOKEN_{caller.upper()}"]

    @property
    def told_to_nobody(self) -> list[str]:
        """All but what is public: no log may hold one."""
        return [value for name, value in self.values.items() if name != "CITIZEN_TOKEN_KEYS"]

    @property
    def service_tokens(self) -> str:
        """What the vault is told: `intake=<token>,...`."""
        return ",".join(f"{caller}={self.vault_token(caller)}" for caller in VAULT_CALLERS)

    def portal(self) -> Issuer:
        """Makes citizens' tokens as the portal does, until there is one."""
        return _portal(self.values["PORTAL_SIGNING_KEY"])

    @property
    def s3_accounts(self) -> dict[str, Keys]:
        """What each account of the object store signs with."""
        return {
            account: Keys(
                access_key=self.values[f"{account.upper()}_S3_ACCESS_KEY_ID"],
                secret_key=self.values[f"{account.upper()}_S3_SECRET_ACCESS_KEY"],
            )
            for account in ACCOUNTS
        }


def s3_access_key() -> str:
    """As long as MinIO makes them itself."""
    return secrets.token_hex(10)


def s3_secret_key() -> str:
    """As long as MinIO makes them itself."""
    return secrets.token_urlsafe(30)


def kms_key() -> str:
    """What MinIO encrypts with: a name, and a key."""
    return f"mit-sygefravaer:{_key()}"


def _generate() -> dict[str, str]:
    made = {name: _secret(name) for name in NAMES}
    return {**made, "CITIZEN_TOKEN_KEYS": _portal(made["PORTAL_SIGNING_KEY"]).public_keys}


def _portal(seed: str) -> Issuer:
    return Issuer.from_seed(base64.b64decode(seed))


def _secret(name: str) -> str:
    if name == "MINIO_KMS_SECRET_KEY":
        return kms_key()
    if name == "MINIO_ROOT_USER" or name.endswith("_S3_ACCESS_KEY_ID"):
        return s3_access_key()
    if name == "MINIO_ROOT_PASSWORD" or name.endswith("_S3_SECRET_ACCESS_KEY"):
        return s3_secret_key()
    return _key() if name.endswith(("_KEY", "_KEYS")) else secrets.token_urlsafe(32)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    part.rename(path)
