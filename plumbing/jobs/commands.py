"""What somebody on duty does about parked jobs: look at them, and let them be tried again.

`jobs list` prints one JSON object a line; `jobs release <job id>…` or `jobs release all`, whichever of the service's queues they
are in. A released job begins at its first attempt. Releasing what is not parked changes nothing, so a command that is given twice
does no harm.
"""

import json
import sys
from collections.abc import Collection, Sequence
from uuid import UUID

from plumbing.jobs import store
from plumbing.postgres import Database

USAGE = "usage: jobs list | jobs release <job id>... | jobs release all"
_OK, _WRONG_USAGE = 0, 2


async def run(database: Database, queues: Collection[str], arguments: Sequence[str]) -> int:
    """`queues`: all that the service adds jobs to. The exit code: 0, or 2 for wrong usage."""
    match list(arguments):
        case ["list"]:
            return await _list(database, queues)
        case ["release", *wanted] if wanted:
            return await _release(database, queues, wanted)
        case _:
            sys.stderr.write(USAGE + "\n")
            return _WRONG_USAGE


async def _list(database: Database, queues: Collection[str]) -> int:
    async with database.acquire() as connection:
        for queue in queues:
            for job in await store.parked(connection, queue):
                told = {
                    "job_id": str(job.job_id),
                    "queue": queue,
                    "reason": job.reason,
                    "attempts": job.attempts,
                    "since": job.created_at.isoformat(),
                    "payload": job.payload.decode(errors="replace"),  # ids and codes only, see the store's invariants
                }
                sys.stdout.write(json.dumps(told) + "\n")
    return _OK


async def _release(database: Database, queues: Collection[str], wanted: Sequence[str]) -> int:
    async with database.acquire() as connection:
        if list(wanted) == ["all"]:
            job_ids = [job.job_id for queue in queues for job in await store.parked(connection, queue)]
        else:
            try:
                job_ids = [UUID(one) for one in wanted]
            except ValueError:
                sys.stderr.write(USAGE + "\n")
                return _WRONG_USAGE
        released = sum([await store.release(connection, queue, job_ids) for queue in queues])
        sys.stdout.write(f"{released} of {len(job_ids)} released\n")
    return _OK
