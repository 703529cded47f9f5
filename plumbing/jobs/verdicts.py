"""How an attempt at a job ended: a closed list.

Each may carry a `write`: what the result changes in the database. It runs in the transaction that settles the job, after it is
certain that the lease still holds, so a worker that lost its lease writes nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plumbing.postgres import Connection

Write = Callable[[Connection], Awaitable[None]]


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
