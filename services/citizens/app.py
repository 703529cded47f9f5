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
from services.citizens.store import Candidates, MonthKeys, OutsideKeys, People, Sightings
from services.citizens.usecases.confirm import ConfirmCards
from services.citizens.usecases.destroy import Destroy
from services.citizens.usecases.disclose import DiscloseCards, DiscloseKeys
from services.citizens.usecases.month_keys import DiscloseMonthKey
from services.citizens.usecases.rekey import Rekey
from services.citizens.usecases.resolve import Resolve
from services.citizens.usecases.rewrap import Rewrap
from services.citizens.usecases.sightings import SeenBy
from services.citizens.usecases.sweep import Sweep

NAME = "citizens"
MIGRATIONS = "services.citizens.migrations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything the vault can do, on one database."""

    verbs: Verbs
    sweep: Sweep
    rewrap: Rewrap
    rekey: Rekey
    seen_by: SeenBy


def make_parts(settings: Settings, database: Database, clock: Clock) -> Parts:
    """Put the parts together."""
    people, candidates, month_keys, outside_keys = People(), Candidates(), MonthKeys(), OutsideKeys()
    keyring, lookups = settings.keyring, settings.lookups
    return Parts(
        verbs=Verbs(
            resolve=Resolve(
                database=database,
                people=people,
                candidates=candidates,
                master_keys=outside_keys,
                keyring=keyring,
                lookups=lookups,
                clock=clock,
            ),
            confirm=ConfirmCards(database, people, candidates, keyring, clock),
            keys=DiscloseKeys(database, people, keyring, clock),
            cards=DiscloseCards(database, people, candidates, keyring, clock),
            month_key=DiscloseMonthKey(database, month_keys, outside_keys, keyring, clock),
            destroy=Destroy(database, people, clock),
        ),
        sweep=Sweep(database, month_keys, people, candidates, clock),
        rewrap=Rewrap(
            database=database,
            people=people,
            month_keys=month_keys,
            outside_keys=outside_keys,
            keyring=keyring,
            clock=clock,
        ),
        rekey=Rekey(database=database, lookup_keys=outside_keys, keyring=keyring, lookups=lookups, clock=clock),
        seen_by=SeenBy(database, people, Sightings(), lookups, clock),
    )


async def check_keys(settings: Settings, database: Database, now: datetime) -> None:
    """Raise BadConfiguration unless the configured keys are those this database was filled with.

    Without a lookup key people or erasures under it would not be found; a missing master key would lose whoever it wraps.
    """
    outside_keys, keyring, lookups = OutsideKeys(), settings.keyring, settings.lookups
    async with database.transaction() as connection:
        await outside_keys.note_first_lookup(connection, lookups.wanted_id, now)
        await outside_keys.note_master(connection, keyring.newest_id, now)
        masters = await outside_keys.ids(connection, "master")
        if missing := await outside_keys.ids(connection, "lookup") - set(lookups.ids):
            raise BadConfiguration(
                f"HMAC_KEY: missing {', '.join(sorted(missing))}, under which people or erasures are found"
            )
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
        sealer = Sealer(database)
        runner.loop("audit sealer", sealer.run)
        runner.loop("audit gauges", sealer.watch)
        runner.loop("sweep", parts.sweep.run)
        runner.serve(make_app(parts.verbs, settings.tokens), settings.http_host, settings.http_port)
        await runner.run()
