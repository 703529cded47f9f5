"""`read-again`: after its database was restored from a backup a service reads what came since once more.

Tells what would be read again, and does nothing without `--move`: then the group is set back, if no process of the service runs,
and that stands in the audit trail, with who did it and why, before it is done. What is known already is recognised as a repeat.

Exit codes beside those of every command: 75 a process of the service still runs.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from plumbing import audit, typed
from plumbing.audit import Entry
from plumbing.bus.broker import BusSettings
from plumbing.bus.rewinding import StillRead, open_rewinding
from plumbing.clock import SystemClock
from plumbing.postgres import Database

EXIT_STILL_RUNS = 75
BEGINNING = "beginning"


async def run(
    service: str,
    *,
    bus: BusSettings,
    database_url: str,
    groups: Mapping[str, str],
    arguments: Sequence[str],
) -> int:
    """The exit code; `groups` by topic, as this service reads them. Raises Unavailable."""
    try:
        asked = _parser(service, groups).parse_args(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    if asked.move and (asked.actor is None or asked.purpose is None):
        sys.stderr.write("--move needs --actor and --purpose\n")
        return 2
    async with open_rewinding(bus, asked.topic, groups[asked.topic]) as rewinding:
        places = await rewinding.plan(asked.since)
        for place in places:
            sys.stdout.write(f"partition {place.partition}: {place.stands_at} back to {place.begins_at}\n")
        number = sum(place.again for place in places)
        if not asked.move:
            sys.stdout.write(f"{number} offsets would be read again; --move does it\n")
            return 0
        await _note(service, database_url, asked, SystemClock().now())
        try:
            await rewinding.go_back(places)
        except StillRead:
            sys.stderr.write("a process of this service still reads the topic: stop them all first\n")
            return EXIT_STILL_RUNS
    sys.stdout.write(f"{number} offsets are read again when the service is started\n")
    return 0


def _parser(service: str, groups: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service} read-again",
        description="Read once more what came since an instant: after the database was restored. Without --move it only tells.",
        allow_abbrev=False,
    )
    parser.add_argument("topic", choices=sorted(groups))
    parser.add_argument(
        "--since",
        type=_since,
        required=True,
        help=f"2026-11-23 or 2026-11-23T04:00:00Z (without an offset it is UTC), or {BEGINNING}: all that the topic holds",
    )
    parser.add_argument(
        "--move", action="store_true", help="set the group back; every process of the service is stopped"
    )
    parser.add_argument("--actor", type=typed.account, help="your account; needed for --move")
    parser.add_argument("--purpose", type=typed.purpose, help="a code or case number; needed for --move")
    return parser


def _since(text: str) -> datetime | None:
    return None if text == BEGINNING else typed.instant(text)


async def _note(service: str, database_url: str, asked: argparse.Namespace, now: datetime) -> None:
    since = BEGINNING if asked.since is None else asked.since.isoformat(timespec="seconds")
    entry = Entry(
        actor=f"ops:{asked.actor}",
        action="topic.read-again",
        subject=None,
        object_type="topic",
        object_id=f"{asked.topic}@{since}",
        purpose=asked.purpose,
        at=now,
    )
    database = await Database.open(database_url, application_name=f"{service}-read-again", max_size=1)
    try:
        async with database.transaction() as connection:
            await audit.put(connection, [entry])
    finally:
        await database.close()
