"""MinIO in a directory of its own, on loopback, without its console, with random credentials and encryption at rest.

Invariants: it asks nobody for updates; what it keeps is its account's alone; the address stays the same over kills and restarts.
"""

import os
from dataclasses import replace
from pathlib import Path

from deploy.minio import Keys, Store
from stack.accounts import Account
from stack.addresses import Addresses
from stack.errors import MissingPiece
from stack.minio_admin import is_store_ready
from stack.native.files import link_or_copy
from stack.native.go import MINIO, program
from stack.ports import free_port
from stack.processes import Process
from stack.secrets_file import kms_key, s3_access_key, s3_secret_key
from stack.settings import OBJECT_STORE, S3_REGION

_START_TIMEOUT_S = 60


class NativeMinio:
    """An object store in a directory of its own; `process` is there to be killed, paused and started again."""

    def __init__(self, home: Path, logs: Path, account: Account | None, *, outlives_supervisor: bool) -> None:
        self._home = home
        self._account = account
        self._built = find_minio()
        self._port = free_port()
        self.store = Store(
            endpoint=f"http://127.0.0.1:{self._port}",
            region=S3_REGION,
            keys=Keys(access_key=s3_access_key(), secret_key=s3_secret_key()),
        )
        self.process = Process(
            "minio",
            self._argv(),
            log_path=logs / "minio.log",
            env=self._environment(),
            cwd=home,
            account=account,
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self._prepare()
        self.process.start()

    def wait_ready(self, timeout: float = _START_TIMEOUT_S) -> None:
        self.process.wait_until(lambda: is_store_ready(self.store), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(
            addresses,
            s3_endpoint=self.store.endpoint,
            s3_region=self.store.region,
            s3_access_key=self.store.keys.access_key,
            s3_secret_key=self.store.keys.secret_key,
        )

    def _argv(self) -> tuple[str, ...]:
        return (str(self._home / "minio"), "server", "--quiet", "--anonymous", "--address", f"127.0.0.1:{self._port}",
                "--certs-dir", str(self._home / "own" / "certs"), str(self._home / "own" / "data"))  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self._home / "own"),
            **OBJECT_STORE,
            "MINIO_ROOT_USER": self.store.keys.access_key,
            "MINIO_ROOT_PASSWORD": self.store.keys.secret_key,
            "MINIO_KMS_SECRET_KEY": kms_key(),
        }

    def _prepare(self) -> None:
        """The program is linked in after its account was given the rest: in the cache it must stay ours."""
        for name in ("certs", "data"):
            (self._home / "own" / name).mkdir(parents=True)
        (self._home / "own").chmod(0o700)
        if self._account is not None:
            self._account.own(self._home / "own")
        link_or_copy(self._built, self._home / "minio")


def find_minio() -> Path:
    """The MinIO server: MINIO_BIN, or our own build."""
    given = os.environ.get("MINIO_BIN")
    if not given:
        return program(MINIO)
    if not os.access(given, os.X_OK):
        message = f"MINIO_BIN={given} is not a program"
        raise MissingPiece(message)
    return Path(given)
