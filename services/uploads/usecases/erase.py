"""Deletes what is to be gone from the stores, for good: by a process of its own, with an account the service has not."""

from typing import Protocol

from plumbing.faults import faultpoint
from plumbing.jobs import Claim, Done
from plumbing.jobs import Verdict as Outcome


class Erasing(Protocol):
    """Deletes every version of everything below a prefix, past its lock; how many. Raises Unavailable."""

    async def erase(self, prefix: str) -> int: ...


class Erase:
    """The work of the queue `erase`; its payload is the prefix of a file's keys."""

    def __init__(self, stores: list[Erasing]) -> None:
        self._stores = stores

    async def __call__(self, claim: Claim) -> Outcome:
        prefix = claim.payload.decode()
        for store in self._stores:
            await store.erase(prefix)
        faultpoint("uploads.after_erase")
        return Done()
