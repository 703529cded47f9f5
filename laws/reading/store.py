"""What lies in the object store, every version of it, read and hashed by its administrator; and who else can read it."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minio import Minio
from minio.error import S3Error
from urllib3 import PoolManager, Retry, Timeout

from laws import names
from laws.evidence import Documents, StoredObject
from laws.sources import Account, DocumentSources, Store

_SECONDS = 20.0
_PIECE = 256 * 1024
_GONE = frozenset({"NoSuchKey", "NoSuchVersion"})
_NOT_ALLOWED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})


class Away(Exception):
    """The store does not answer, or says neither yes nor no."""


def read_documents(sources: DocumentSources) -> Documents:
    """All the evidence on documents."""
    return Documents(
        asked=read_lines(sources.asked),
        objects=list(_objects(client(sources.store, sources.store.administrator))),
        sightings=read_lines(sources.sightings) if sources.sightings.exists() else (),
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines; a last one that was cut off by a kill is no line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def client(store: Store, account: Account | None) -> Minio:
    """Who asks; without an account: anybody."""
    address = urlsplit(store.endpoint)
    return Minio(
        address.netloc,
        access_key=account.access_key if account else None,
        secret_key=account.secret_key if account else None,
        region=store.region,
        secure=address.scheme == "https",
        http_client=PoolManager(timeout=Timeout(_SECONDS), retries=Retry(0)),
    )


def names_in(asking: Minio, bucket: str) -> list[tuple[str, str]]:
    """Key and version of all that a bucket holds, hidden versions too."""
    keeps_versions = bucket == names.CLEAN_BUCKET
    found = asking.list_objects(bucket, recursive=True, include_version=keeps_versions)
    return [(str(one.object_name), one.version_id or "") for one in found if not one.is_delete_marker]


def read(asking: Minio, bucket: str, key: str, version: str) -> tuple[str, str]:
    """What an account gets: ("given", SHA-256), ("refused", "") or ("gone", ""); raises Away."""
    try:
        answer = asking.get_object(bucket, key, version_id=version or None)
    except S3Error as error:
        if error.code in _NOT_ALLOWED:
            return "refused", ""
        if error.code in _GONE:
            return "gone", ""
        raise Away(error.code) from None
    hashed = sha256()
    try:
        while piece := answer.read(_PIECE):
            hashed.update(piece)
    finally:
        answer.close()
        answer.release_conn()
    return "given", hashed.hexdigest()


def may_list(asking: Minio, bucket: str) -> bool:
    """Whether an account is told what there is; raises Away."""
    try:
        next(iter(asking.list_objects(bucket)), None)
    except S3Error as error:
        if error.code in _NOT_ALLOWED:
            return False
        raise Away(error.code) from None
    return True


def _objects(administrator: Minio) -> Iterator[StoredObject]:
    for bucket in (names.CLEAN_BUCKET, names.INBOUND_BUCKET):
        for key, version in names_in(administrator, bucket):
            answer, digest = read(administrator, bucket, key, version)
            if answer == "given":
                yield StoredObject(bucket=bucket, key=key, version=version, sha256=digest)
