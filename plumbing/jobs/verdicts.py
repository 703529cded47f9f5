"""How an attempt at a job ended: a closed list.

Each may carry a `write`: what the result changes in the database. It runs in the transaction that settles the job, after it is
certain that the lease still holds, so a worker that lost its lease writes nothing. Where several jobs are settled in one
transaction, what is `Joint` is written in one go.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from plumbing.postgres import Connection

Write = Callable[[Connection], Awaitable[None]]
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class Joint(Generic[Item]):
    """A write that can be done with others like it: `write_all` gets the items of all that name it, in the order in which the
    jobs were claimed."""

    write_all: Callable[[Connection, Sequence[Item]], Awaitable[None]]
    item: Item

    async def __call__(self, connection: Connection) -> None:
        await self.write_all(connection, [self.item])


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The job is over and leaves the table."""

    write: Write | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """Not now: try again `after` seconds (at least; the policy's pause where it says nothing). `reason` is a code."""

    reason: str
    after: float | None = None
    write: Write | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """Nothing this worker does will help: the job stays, and somebody is told. `reason` is a code."""

    reason: str
    write: Write | None = None


Verdict = Done | Again | Parked
