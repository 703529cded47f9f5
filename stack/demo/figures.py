"""What the databases hold at the end, as figures, read from outside the services by an administrator's connection."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlineRow:
    """Tasks whose letter went out on `day_zero`."""

    day_zero: date
    deadline_day: date
    deadline_at: datetime
    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything the account tells."""

    fates: dict[str, int]
    reasons: dict[str, int]
    absences: int
    citizens: int
    tasks: dict[str, int]
    letters: dict[str, int]
    deadlines: tuple[DeadlineRow, ...]
    undated: int


async def gather(admin_dsn: str) -> Figures:
    """Read them."""
    fates = await _pairs(admin_dsn, "intake", "select fate, count(*) from inbox_record group by 1")
    reasons = await _pairs(
        admin_dsn,
        "intake",
        "select reason, count(*) from inbox_record where fate = 'rejected' group by 1 order by 2 desc, 1",
    )
    absences = await _pairs(admin_dsn, "intake", "select 'all', count(*) from absence")
    citizens = await _pairs(admin_dsn, "intake", "select 'all', count(distinct citizen_id) from absence")
    tasks = await _pairs(admin_dsn, "tasks", "select kind, count(*) from task group by 1 order by 1")
    letters = await _pairs(admin_dsn, "notifier", "select state, count(*) from letter group by 1 order by 1")
    undated = await _pairs(admin_dsn, "tasks", "select 'all', count(*) from task where deadline_day is null")
    rows = await _rows(admin_dsn, "tasks", _DEADLINES)
    return Figures(
        fates=fates,
        reasons=reasons,
        absences=absences["all"],
        citizens=citizens["all"],
        tasks=tasks,
        letters=letters,
        deadlines=tuple(
            DeadlineRow(day_zero=row[0], deadline_day=row[1], deadline_at=row[2], tasks=row[3]) for row in rows
        ),
        undated=undated["all"],
    )


async def waiting(admin_dsn: str) -> dict[str, int]:
    """What is still on its way: messages in outboxes, letters without an end."""
    left = {}
    for service in ("intake", "tasks", "notifier"):
        left[f"outbox of {service}"] = (await _pairs(admin_dsn, service, "select 'n', count(*) from outbox"))["n"]
    left["letters under way"] = (
        await _pairs(
            admin_dsn,
            "notifier",
            "select 'n', count(*) from letter where state not in ('dispatched', 'failed', 'unknown')",
        )
    )["n"]
    left["letters not told of"] = (
        await _pairs(admin_dsn, "tasks", "select 'n', count(*) from letter where state = 'requested'")
    )["n"]
    return left


async def settled(admin_dsn: str) -> int:
    """Notifications that have their fate."""
    return (await _pairs(admin_dsn, "intake", "select 'n', count(*) from inbox_record"))["n"]


async def _pairs(admin_dsn: str, service: str, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await _rows(admin_dsn, service, sql)}


async def _rows(admin_dsn: str, service: str, sql: str) -> list[asyncpg.Record]:
    address = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/mitsyg_{service}"))
    connection = await asyncpg.connect(address)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


_DEADLINES = """
select day_zero, deadline_day, deadline_at, count(*)
from task
where deadline_day is not null
group by 1, 2, 3
order by 1
"""
