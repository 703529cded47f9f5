"""Bytes that are to be gone: of what was set aside by this service, of the clean store by who may erase there.

Both are jobs, added in the transaction in which it is decided that the bytes are of no use any more.
"""

from collections.abc import Collection
from typing import Final, Protocol
from uuid import UUID

from plumbing import ids
from plumbing.faults import faultpoint
from plumbing.jobs import Claim, Done, Job
from plumbing.jobs import Verdict as Outcome

DROP_QUEUE: Final = "drop"
ERASE_QUEUE: Final = "erase"


def drop_job(file_id: UUID, key: str) -> Job:
    """To delete what was set aside."""
    return Job(job_id=ids.derive(file_id, "drop"), queue=DROP_QUEUE, payload=key.encode())


def erase_job(absence_id: UUID, file_id: UUID, *, but: Collection[str] = ()) -> Job:
    """To delete all there is of a file in either store, but for bytes of these hashes; only who may erase takes it."""
    words = (f"{absence_id}/{file_id}/", *sorted(but))
    return Job(job_id=ids.derive(file_id, "erase", *words[1:]), queue=ERASE_QUEUE, payload=" ".join(words).encode())


class Delete(Protocol):
    """Deletes an object; what is not there is fine. Raises Unavailable."""

    async def delete(self, key: str, *, version: str | None = None, past_its_lock: bool = False) -> None: ...


class DropInbound:
    """The work of the queue `drop`; its payload is a key of the inbound store."""

    def __init__(self, delete: Delete) -> None:
        self._delete = delete

    async def __call__(self, claim: Claim) -> Outcome:
        await self._delete.delete(claim.payload.decode())
        return Done()


class Erasing(Protocol):
    """Deletes every version of everything below a prefix, past its lock, but for these hashes; how many. Raises Unavailable."""

    async def erase(self, prefix: str, but: Collection[str] = ()) -> int: ...


class Erase:
    """The work of the queue `erase`, by a process of its own with an account that the service has not; its payload is the prefix
    of a file's keys, and the hashes that stay."""

    def __init__(self, stores: list[Erasing]) -> None:
        self._stores = stores

    async def __call__(self, claim: Claim) -> Outcome:
        prefix, *but = claim.payload.decode().split(" ")
        for store in self._stores:
            await store.erase(prefix, but)
        faultpoint("uploads.after_erase")
        return Done()
