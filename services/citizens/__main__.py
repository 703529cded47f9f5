"""`python -m services.citizens serve|migrate|config|sweep|rewrap|verify-audit`."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from plumbing import audit
from plumbing.clock import SystemClock
from plumbing.postgres import Database
from plumbing.service import main
from services.citizens.app import NAME, check_keys, make_parts, serve
from services.citizens.settings import Settings


async def sweep(settings: Settings, _arguments: Sequence[str]) -> int:
    """Destroy the month keys whose time is over, now rather than within ten minutes."""
    async with _database(settings) as database:
        swept = await make_parts(settings, database, SystemClock()).sweep()
    print(f"{NAME}: {len(swept.month_keys)} month keys destroyed, {swept.erasures} erasures forgotten")
    return 0


async def rewrap(settings: Settings, _arguments: Sequence[str]) -> int:
    """Wrap every data key by the first of MASTER_KEYS; then the master keys that are told can be taken away."""
    async with _database(settings) as database:
        await check_keys(settings, database, SystemClock().now())
        done = await make_parts(settings, database, SystemClock()).rewrap()
    print(f"{NAME}: {done.citizens} citizens' and {done.month_keys} months' keys are wrapped anew")
    print(f"{NAME}: no longer needed: {', '.join(done.released) or 'none'}")
    return 0


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
    sys.exit(main(NAME, Settings, serve, more={"sweep": sweep, "rewrap": rewrap, "verify-audit": verify_audit}))
