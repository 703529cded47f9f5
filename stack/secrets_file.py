"""The secrets of one run directory: made at random on the first start, kept in a file only its owner may read, never printed.

The same file, as `.env`, serves the compose side (`make secrets`).
"""

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stack.errors import StackError

VAULT_CALLERS = ("intake", "tasks", "notifier", "ops")
"""The services that may ask the vault, each with a token of its own."""

_DATABASES = ("CITIZENS", "INTAKE", "TASKS", "NOTIFIER")

NAMES = (
    "MASTER_KEYS",
    "HMAC_KEY",
    "FINGERPRINT_KEY",
    "STATUS_PUSH_TOKEN",
    *(f"CITIZENS_TOKEN_{caller.upper()}" for caller in VAULT_CALLERS),
    # only the compose side needs these: the native one derives them from the administrator's
    "POSTGRES_PASSWORD",
    *(f"{service}_DB_{kind}" for service in _DATABASES for kind in ("PASSWORD", "OWNER_PASSWORD")),
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
    def service_tokens(self) -> str:
        """What the vault is told: `intake=<token>,...`."""
        return ",".join(f"{caller}={self.vault_token(caller)}" for caller in VAULT_CALLERS)


def _generate() -> dict[str, str]:
    return {name: _key() if name.endswith(("_KEY", "_KEYS")) else secrets.token_urlsafe(32) for name in NAMES}


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    part.rename(path)
