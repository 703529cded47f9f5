"""The watch: while everything is being broken, somebody with every account of the object store, and somebody with none, tries to
read all that ever lies there, and writes down what they were given.

A look asks the administrator for all names, and reads what is new with every account. A store that is away is looked at again.
"""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

from minio import Minio
from minio.error import MinioException, ServerError
from urllib3.exceptions import HTTPError

from laws import names
from laws.reading.store import Away, client, may_list, names_in, read
from laws.sources import Store

NOBODY: Final = "nobody"
"""Who asks without an account."""
_BUCKETS: Final = (names.CLEAN_BUCKET, names.INBOUND_BUCKET)
_FAULTS: Final = (Away, MinioException, ServerError, HTTPError, OSError)
# Whether somebody may list does not change often; each look at it is a request an account and bucket.
_LISTED_EVERY: Final = 20


class Watch:
    """Appends to `path`, a JSON line for what each account got of each version, and whenever somebody may list a bucket."""

    def __init__(self, store: Store, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._administrator = client(store, store.administrator)
        self._accounts: dict[str, Minio] = {name: client(store, account) for name, account in store.accounts.items()}
        self._accounts[NOBODY] = client(store, None)
        self._path = path
        self._seen: set[tuple[str, str, str, str]] = set()
        self.looks = 0

    def run(self, enough: Event, every: float = 0.5) -> None:
        """Look until it is enough."""
        while not enough.wait(every):
            self.look()

    def look(self) -> None:
        """Once, at all there is."""
        with self._path.open("a", encoding="utf-8", buffering=1) as file:

            def note(**told: object) -> None:
                file.write(json.dumps(told) + "\n")

            for bucket in _BUCKETS:
                try:
                    if self.looks % _LISTED_EVERY == 0:
                        self._try_to_list(bucket, note)
                    for key, version in names_in(self._administrator, bucket):
                        self._try_to_read(bucket, key, version, note)
                except _FAULTS:
                    continue  # it is away, or being broken just now
        self.looks += 1

    def _try_to_list(self, bucket: str, note: Callable[..., None]) -> None:
        for who, asking in self._accounts.items():
            note(did="list", who=who, bucket=bucket, answer="given" if may_list(asking, bucket) else "refused")

    def _try_to_read(self, bucket: str, key: str, version: str, note: Callable[..., None]) -> None:
        for who, asking in self._accounts.items():
            if (bucket, key, version, who) in self._seen:
                continue
            answer, digest = read(asking, bucket, key, version)
            note(did="read", who=who, bucket=bucket, object=key, version=version, answer=answer, sha256=digest)
            self._seen.add((bucket, key, version, who))
