"""What somebody on duty does about parked jobs: look at them, and let them be tried again.

`jobs list` prints one JSON object a line; `jobs release <job id>…` or `jobs release all`. A released job begins at its first
attempt. Releasing what is not parked changes nothing, so a command that is given twice does no harm.
"""

import json
import sys
from collections.abc import Sequence
from uuid import UUID

from plumbing.jobs import store
from plumbing.postgres import Database

USAGE = "usage: jobs list | jobs release <job id>... | jobs release all"
_OK, _WRONG_USAGE = 0, 2


async def run(database: Database, queue: str, arguments: Sequence[str]) -> int:
    """The exit code: 0, or 2 for wrong usage."""
    match list(arguments):
        case ["list"]:
            return await _list(database, queue)
        case ["release", *wanted] if wanted:
            return await _release(database, queue, wanted)
        case _:
            sys.stderr.write(USAGE + "\n")
            return _WRONG_USAGE


async def _list(database: Database, queue: str) -> int:
    async with database.acquire() as connection:
        for job in await store.parked(connection, queue):
            told = {
                "job_id": str(job.job_id),
                "reason": job.reason,
                "attempts": job.attempts,
                "since": job.created_at.isoformat(),
                "payload": job.payload.decode(errors="replace"),  # ids and codes only, see the store's invariants
            }
            sys.stdout.write(json.dumps(told) + "\n")
    return _OK


async def _release(database: Database, queue: str, wanted: Sequence[str]) -> int:
    async with database.acquire() as connection:
        if list(wanted) == ["all"]:
            job_ids = [job.job_id for job in await store.parked(connection, queue)]
        else:
            try:
                job_ids = [UUID(one) for one in wanted]
            except ValueError:
                sys.stderr.write(USAGE + "\n")
                return _WRONG_USAGE
        released = await store.release(connection, queue, job_ids)
        sys.stdout.write(f"{released} of {len(job_ids)} released\n")
    return _OK
