"""The one file that knows which concrete parts `citizens` is made of."""

from dataclasses import dataclass
from datetime import datetime

from plumbing.audit import Sealer
from plumbing.clock import Clock
from plumbing.postgres import Database
from plumbing.service import Runner
from plumbing.service.kafka import make_clock
from plumbing.service.settings import BadConfiguration
from services.citizens.api import Verbs, make_app
from services.citizens.settings import Settings
from services.citizens.store import MonthKeys, OutsideKeys, People
from services.citizens.usecases.destroy import Destroy
from services.citizens.usecases.disclose import DiscloseCards, DiscloseKeys
from services.citizens.usecases.month_keys import DiscloseMonthKey
from services.citizens.usecases.resolve import Resolve
from services.citizens.usecases.rewrap import Rewrap
from services.citizens.usecases.sweep import Sweep

NAME = "citizens"
MIGRATIONS = "services.citizens.migrations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything the vault can do, on one database."""

    verbs: Verbs
    sweep: Sweep
    rewrap: Rewrap


def make_parts(settings: Settings, database: Database, clock: Clock) -> Parts:
    """Put the parts together."""
    people, month_keys, keyring = People(), MonthKeys(), settings.keyring
    return Parts(
        verbs=Verbs(
            resolve=Resolve(database, people, keyring, settings.lookup, clock),
            keys=DiscloseKeys(database, people, keyring, clock),
            cards=DiscloseCards(database, people, keyring, clock),
            month_key=DiscloseMonthKey(database, month_keys, keyring, clock),
            destroy=Destroy(database, people, clock),
        ),
        sweep=Sweep(database, month_keys, people, clock),
        rewrap=Rewrap(
            database=database,
            people=people,
            month_keys=month_keys,
            outside_keys=OutsideKeys(),
            keyring=keyring,
            clock=clock,
        ),
    )


async def check_keys(settings: Settings, database: Database, now: datetime) -> None:
    """Raise BadConfiguration unless the configured keys are those this database was filled with.

    Another HMAC key would find nobody and make everybody known a second time; a missing master key would lose whoever it wraps.
    """
    outside_keys, keyring, lookup = OutsideKeys(), settings.keyring, settings.lookup
    async with database.transaction() as connection:
        await outside_keys.note(connection, "lookup", lookup.key_id, now)
        await outside_keys.note(connection, "master", keyring.newest_id, now)
        lookups = await outside_keys.ids(connection, "lookup")
        masters = await outside_keys.ids(connection, "master")
        if lookups != {lookup.key_id}:
            raise BadConfiguration("HMAC_KEY: not the key this database was filled with")
        if missing := masters - keyring.ids:
            raise BadConfiguration(f"MASTER_KEYS: missing {', '.join(sorted(missing))}, which still wrap data keys")


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    runner = Runner(NAME, settings)
    async with runner.probes():
        clock = await make_clock(runner, settings, NAME)
        database = await runner.database(settings.database_url.get_secret_value(), MIGRATIONS)
        await check_keys(settings, database, clock.now())
        parts = make_parts(settings, database, clock)
        runner.loop("audit sealer", Sealer(database).run)
        runner.loop("sweep", parts.sweep.run)
        runner.serve(make_app(parts.verbs, settings.tokens), settings.http_host, settings.http_port)
        await runner.run()
