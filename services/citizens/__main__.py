"""`python -m services.citizens serve|migrate|config|sweep|rewrap|rekey|seen-by|verify-audit`."""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from uuid import UUID

from plumbing import audit, typed
from plumbing.clock import SystemClock
from plumbing.postgres import Database
from plumbing.service import main
from services.citizens.app import NAME, check_keys, make_parts, serve
from services.citizens.settings import Settings
from services.citizens.usecases.sightings import SeenBy


async def sweep(settings: Settings, _arguments: Sequence[str]) -> int:
    """Destroy the month keys whose time is over, now rather than within ten minutes."""
    async with _database(settings) as database:
        swept = await make_parts(settings, database, SystemClock()).sweep()
    print(f"{NAME}: {len(swept.month_keys)} month keys destroyed")
    print(f"{NAME}: {swept.erasures} erasures and {swept.candidates} card candidates forgotten")
    return 0


async def rewrap(settings: Settings, _arguments: Sequence[str]) -> int:
    """Wrap every data key by the first of MASTER_KEYS; then the master keys that are told can be taken away."""
    async with _database(settings) as database:
        await check_keys(settings, database, SystemClock().now())
        done = await make_parts(settings, database, SystemClock()).rewrap()
    print(f"{NAME}: {done.citizens} citizens' and {done.month_keys} months' keys are wrapped anew")
    print(f"{NAME}: no longer needed: {', '.join(done.released) or 'none'}")
    return 0


async def rekey(settings: Settings, arguments: Sequence[str]) -> int:
    """Let everybody be found under the first of HMAC_KEY; `--most <people>` does a part. Goes on where it was stopped."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{NAME} rekey", description=rekey.__doc__)
    parser.add_argument("--most", type=int, metavar="PEOPLE")
    most: int | None = parser.parse_args(arguments).most
    async with _database(settings) as database:
        await check_keys(settings, database, SystemClock().now())
        done = await make_parts(settings, database, SystemClock()).rekey(most=most)
    print(f"{NAME}: {done.citizens} people moved, {'all are' if done.is_complete else 'more are to be'}")
    print(f"{NAME}: no longer needed: {', '.join(done.released) or 'none'}")
    if done.needed_until is not None:
        print(
            f"{NAME}: another key is needed for erasures until {done.needed_until:%Y-%m-%d}; run this again after that day"
        )
    return 0


async def seen_by(settings: Settings, arguments: Sequence[str]) -> int:
    """Who saw or did what to a person's data: by citizen id, or `-` to be asked for the CPR number on standard input."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{NAME} seen-by", description=seen_by.__doc__)
    parser.add_argument(
        "citizen", help="citizen id, or - ; a number never stands among arguments, where other users see it"
    )
    parser.add_argument(
        "--actor", type=typed.account, required=True, help="your account: it stands in the audit trail for ever"
    )
    parser.add_argument("--since", type=typed.instant)
    parser.add_argument("--until", type=typed.instant)
    asked = parser.parse_args(arguments)
    async with _database(settings) as database:
        await check_keys(settings, database, SystemClock().now())
        seen = make_parts(settings, database, SystemClock()).seen_by
        citizen_id = await _citizen_id(asked.citizen, seen)
        if citizen_id is None:
            print(f"{NAME}: nobody is known by that", file=sys.stderr)
            return 1
        print("at\tactor\taction\tdisclosed\tpurpose\treference")
        async for one in seen(citizen_id, actor=f"ops:{asked.actor}", since=asked.since, until=asked.until):
            at = one.at.astimezone(UTC).isoformat(timespec="seconds")
            print(at, one.actor, one.action, one.disclosed, one.purpose, one.reference, sep="\t")
    return 0


async def _citizen_id(given: str, seen: SeenBy) -> UUID | None:
    if given == "-":
        return await seen.citizen_of(sys.stdin.readline().strip().replace("-", ""))
    try:
        return UUID(given)
    except ValueError:
        return None


async def verify_audit(settings: Settings, _arguments: Sequence[str]) -> int:
    """Recompute the audit chain; 1 if anything differs."""
    async with _database(settings) as database, database.acquire() as connection:
        verdict = await audit.verify(connection)
    head = f", head {verdict.head.number} {verdict.head.spelt}" if verdict.head is not None else ""
    print(f"{NAME}: {verdict.entries} entries in {verdict.blocks} blocks, {verdict.waiting} waiting{head}")
    for finding in verdict.findings:
        print(f"{NAME}: {finding.kind} block={finding.block} entry={finding.entry}")
    return 0 if verdict.is_intact else 1


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = await Database.open(
        settings.database_url.get_secret_value(), application_name=f"{NAME} command", max_size=2, statement_seconds=600
    )
    try:
        yield database
    finally:
        await database.close()


if __name__ == "__main__":
    commands = {"sweep": sweep, "rewrap": rewrap, "rekey": rekey, "seen-by": seen_by, "verify-audit": verify_audit}
    sys.exit(main(NAME, Settings, serve, more=commands))
