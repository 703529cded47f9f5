"""What the log and the databases hold at the end, as figures, read from outside the services by an administrator's
connection.

Tables and columns that a service does not have count as empty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from contracts.topics import NEMREFUSION_NOTIFICATION
from laws import names, told
from laws.evidence import LogRecord, event
from laws.reading.kafka import read_log

KINDS = (names.REPORT, names.AMENDMENT, names.REFUND, names.FAST_TRACK, names.RECOVERY, names.WITHDRAWAL)
UNREADABLE = "unreadable"
NO_FATE = "no fate"
DIGITAL, PAPER, FALLEN_BACK, UNDECIDED = "digital_post", "paper", "fallen back", "undecided"
"""The ways of a letter: paper because the register said so, and because Digital Post definitively failed, are told apart."""

Log = Mapping[str, Sequence[LogRecord]]
Place = tuple[int, int]
"""Partition and offset of a notification."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlineRow:
    """Tasks whose letter went out on `day_zero`."""

    day_zero: date
    deadline_day: date
    deadline_at: datetime
    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """How those that waited ended: `joined` their absence, still `waiting`, or `buried` by reason."""

    joined: int
    waiting: int
    buried: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything the account tells. `records` are by kind and fate, `tasks` by kind and state, `absences` by state, `letters` by
    the way they went and state."""

    records: Mapping[tuple[str, str], int]
    reasons: Mapping[str, int]
    ends: Ends
    absences: Mapping[str, int]
    citizens: int
    tasks: Mapping[tuple[str, str], int]
    letters: Mapping[tuple[str, str], int]
    deadlines: tuple[DeadlineRow, ...]
    undated: int


async def gather(admin_dsn: str, kafka: str) -> Figures:
    """Read them."""
    log = await read_log(kafka)
    fates = await _rows(admin_dsn, "intake", _FATES)
    reasons = await _pairs(
        admin_dsn,
        "intake",
        "select reason, count(*) from inbox_record where fate = 'rejected' group by 1 order by 2 desc, 1",
    )
    still = 0
    if await _exists(admin_dsn, "intake", "waiting"):
        still = (await _pairs(admin_dsn, "intake", "select 'all', count(*) from waiting where refused is null"))["all"]
    absences = await _pairs(admin_dsn, "intake", _ABSENCES)
    citizens = await _pairs(admin_dsn, "intake", "select 'all', count(distinct citizen_id) from absence")
    tasks = await _rows(admin_dsn, "tasks", "select kind, state, count(*) from task group by 1, 2")
    letters = await _rows(admin_dsn, "notifier", _LETTERS)
    undated = await _pairs(admin_dsn, "tasks", "select 'all', count(*) from task where deadline_day is null")
    rows = await _rows(admin_dsn, "tasks", _DEADLINES)
    fate_of = {(row[0], row[1]): row[2] for row in fates}
    return Figures(
        records=by_kind_and_fate(log.get(names.NOTIFICATION, ()), fate_of),
        reasons=reasons,
        ends=ends(log, fate_of, still),
        absences=absences,
        citizens=citizens["all"],
        tasks={(row[0], row[1]): row[2] for row in tasks},
        letters={(row[0], row[1]): row[2] for row in letters},
        deadlines=tuple(
            DeadlineRow(day_zero=row[0], deadline_day=row[1], deadline_at=row[2], tasks=row[3]) for row in rows
        ),
        undated=undated["all"],
    )


def by_kind_and_fate(records: Sequence[LogRecord], fate_of: Mapping[Place, str]) -> dict[tuple[str, str], int]:
    """Every record of the log, by what it says it is and what became of it."""
    return dict(Counter((_kind(record), fate_of.get((record.partition, record.offset), NO_FATE)) for record in records))


def ends(log: Log, fate_of: Mapping[Place, str], still: int) -> Ends:
    """What became of those that waited, of which so many wait still: whatever was buried has a dead letter, the rest joined."""
    parked = {place for place, fate in fate_of.items() if fate == "parked"}
    letters = [event(record).data for record in log.get(names.dead_letters("intake", names.NOTIFICATION), ())]
    buried = Counter(
        ", ".join(reason["code"] for reason in letter["reasons"])
        for letter in letters
        if (letter["position"]["partition"], letter["position"]["offset"]) in parked
    )
    return Ends(joined=len(parked) - still - buried.total(), waiting=still, buried=buried)


def _kind(record: LogRecord) -> str:
    kind = (told.reported(record.value) or {}).get("kind")
    return kind if kind in KINDS else UNREADABLE


async def under_way(admin_dsn: str) -> dict[str, int]:
    """What is still on its way: messages in outboxes, letters without an end.

    Letters at the print house wait for a day to come, and those that are held for somebody: neither is on its way.
    """
    left = {}
    for service in ("intake", "tasks", "uploads", "notifier"):
        left[f"outbox of {service}"] = (await _pairs(admin_dsn, service, "select 'n', count(*) from outbox"))["n"]
    letters = await _pairs(admin_dsn, "notifier", _UNDER_WAY)
    left["letters under way"] = letters["under way"]
    asked = await _pairs(admin_dsn, "tasks", "select 'n', count(*) from letter where state = 'requested'")
    left["letters not told of"] = asked["n"] - letters["waits"]
    return left


async def settled(admin_dsn: str) -> int:
    """Notifications that have their fate."""
    return (await _pairs(admin_dsn, "intake", "select 'n', count(*) from inbox_record"))["n"]


async def _exists(admin_dsn: str, service: str, table: str) -> bool:
    ((found,),) = await _rows(admin_dsn, service, f"select to_regclass('public.{table}') is not null")  # ours
    return bool(found)


async def _pairs(admin_dsn: str, service: str, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await _rows(admin_dsn, service, sql)}


async def _rows(admin_dsn: str, service: str, sql: str) -> list[asyncpg.Record]:
    address = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/mitsyg_{service}"))
    connection = await asyncpg.connect(address)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


_FATES = f"""
select partition, "offset", fate from inbox_record where topic = '{NEMREFUSION_NOTIFICATION.name}'
"""  # noqa: S608 # a name of ours

# Through JSON, so that a table without the column counts as reported.
_ABSENCES = """
select coalesce(to_jsonb(absence) ->> 'state', 'reported'), count(*) from absence group by 1
"""

_LETTERS = f"""
select case when channel = 'paper' and sending > 1 then '{FALLEN_BACK}' else coalesce(channel, '{UNDECIDED}') end, state, count(*)
from letter
group by 1, 2
"""  # noqa: S608 # words of ours

_UNDER_WAY = """
select 'under way', count(*) from letter
where state not in ('dispatched', 'returned', 'failed', 'unknown', 'held') and not (state = 'handed_over' and channel = 'paper')
union all
select 'waits', count(*) from letter where state = 'held' or state = 'handed_over' and channel = 'paper'
"""

_DEADLINES = """
select day_zero, deadline_day, deadline_at, count(*)
from task
where deadline_day is not null
group by 1, 2, 3
order by 1
"""
