"""Makes rare things happen, so that their fault points are passed.

`notifier.fallback_planned` is passed when the gateway says that a message failed. `bus.revoked` is passed when partitions are
taken away while a batch is in work: a lock on the inbox holds the batch up, and a second instance that joins takes the
partitions. `citizens.before_destroy_commit` is passed when a person is erased: somebody made for it, whom no report is about.
"""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from uuid import uuid4

import asyncpg

from campaign.gateway import turn_gateway
from campaign.journal import Journal
from stack import Stack
from stack.house import House

Provoke = Callable[[Callable[[], bool]], None]
"""Makes it happen, and ends when it is told that the point was passed."""

LONGEST_LOCK_SECONDS = 30.0
# Not from pg_stat_activity, which stays within a transaction what it was at the first look.
_WAITS_FOR_US = "select exists (select from pg_locks where not granted and $1 = any (pg_blocking_pids(pid)))"
POLL_SECONDS = 0.1
LONGEST_FAILING_SECONDS = 30.0
FAILING_AGAIN_SECONDS = 1.5
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def hold_lock(dsn: str, seconds: float, is_over: Callable[[], bool] = lambda: False) -> float:
    """No batch can settle anything for a while: for how many seconds somebody was seen to wait for it."""
    return asyncio.run(_hold_lock(dsn, seconds, is_over))


async def _hold_lock(dsn: str, seconds: float, is_over: Callable[[], bool]) -> float:
    connection = await asyncpg.connect(dsn)
    waited = 0.0
    try:
        async with connection.transaction():
            await connection.execute("lock table inbox_record in access exclusive mode")
            pid = await connection.fetchval("select pg_backend_pid()")
            last = time.monotonic()
            until = last + seconds
            while last < until and not is_over():
                await asyncio.sleep(POLL_SECONDS)
                now = time.monotonic()
                waited += (now - last) * await connection.fetchval(_WAITS_FOR_US, pid)
                last = now
    finally:
        await connection.close()
    return round(waited, 1)


def rebalance_under_way(house: House, service: str, dsn: str, journal: Journal) -> Provoke:
    """A batch is held up, and a second instance joins the group."""

    def provoke(is_over: Callable[[], bool]) -> None:
        replica = house.add_replica(service)
        journal.note("replica", replica)
        try:
            hold_lock(dsn, LONGEST_LOCK_SECONDS, is_over)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            journal.note("no lock", service, error=type(error).__name__)  # the database is being broken just now
        house.remove_replica(replica)

    return provoke


def database_of(stack: Stack, service: str) -> str:
    """The administrator's address of a service's database."""
    return f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{stack.database(service).name}"


def erase_somebody(house: House, intake_token: str, ops_token: str, journal: Journal) -> Provoke:
    """A person nobody reported is made known to the vault and erased at once."""

    def provoke(_: Callable[[], bool]) -> None:
        url = house.http_url("citizens")
        number = uuid4().int % 4_000
        person = {"cpr": f"610101{number:04}", "said_at": "2027-01-01T00:00:00Z", "card": None}
        try:
            [answer] = _ask(f"{url}/v1/resolve", intake_token, {"people": [person]})["citizens"]
            journal.note("erase", "citizens")
            _ask(f"{url}/v1/destroy", ops_token, {"citizen_id": answer["citizen_id"], "reason": "test"})
        except (urllib.error.URLError, OSError, KeyError):
            journal.note("erasing failed", "citizens")  # as it may, where the process dies of it

    return provoke


def fail_messages(house: House, journal: Journal) -> Provoke:
    """The gateway says of every second message that the citizen has no Digital Post, until one goes on paper for it."""

    def provoke(is_over: Callable[[], bool]) -> None:
        journal.note("messages fail", "gateway")
        until = time.monotonic() + LONGEST_FAILING_SECONDS
        while not is_over() and time.monotonic() < until:
            try:
                turn_gateway(house, ({"mode": "fail_status", "share": 0.5, "error_code": "recipient.exempt"},))
            except OSError:
                journal.note("no switch", "gateway")  # it is being killed just now
            time.sleep(FAILING_AGAIN_SECONDS)  # others turn it as well

    return provoke


def _ask(url: str, token: str, body: object) -> dict[str, list[dict[str, str]]]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with _DIRECT.open(request, timeout=10) as answer:
        told: dict[str, list[dict[str, str]]] = json.load(answer)
        return told
