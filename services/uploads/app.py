"""The one file that knows which concrete parts `uploads` is made of."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

import aiohttp

from contracts.citizen_token.v1 import Verifier
from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Reader, UnknownEventType
from contracts.topics import ABSENCE, consumer_group, dead_letter_topic
from contracts.uploads.v1 import AUDIENCE
from plumbing.clamd import Clamd
from plumbing.clock import Clock
from plumbing.dead_letters import Undertaker, desk
from plumbing.jobs import Policy, Worker, commands, watch
from plumbing.objects import Bucket
from plumbing.postgres import Database
from plumbing.service import Runner, rereading
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.stage import Stage
from services.uploads.api import Verbs, make_app
from services.uploads.api.receiving import Bounds
from services.uploads.gateways import Eraser, Vault
from services.uploads.handlers import read_absence
from services.uploads.inspection import Inspector
from services.uploads.settings import EraseSettings, Settings
from services.uploads.store import Store
from services.uploads.usecases.begin import Begin
from services.uploads.usecases.check_pending import CheckPending
from services.uploads.usecases.deleting import DROP_QUEUE, ERASE_QUEUE, DropInbound, Erase
from services.uploads.usecases.follow_absences import FollowAbsences
from services.uploads.usecases.inspect import Inspect
from services.uploads.usecases.scan_again import ScanAgain
from services.uploads.usecases.send import Send
from services.uploads.usecases.show import Show
from services.uploads.usecases.sweep import Sweep
from services.uploads.usecases.take_back import TakeBack
from services.uploads.usecases.take_file import CHECK_QUEUE, TakeFile
from services.uploads.usecases.watch_scanner import WatchedScanner

NAME = "uploads"
ERASER = f"{NAME}-erase"
QUEUES = (CHECK_QUEUE, DROP_QUEUE, ERASE_QUEUE)
MIGRATIONS = "services.uploads.migrations"
# A scan may be waited for by others before its turn comes; a picture is scanned twice.
SCANS_OF_ONE_FILE = 2
BESIDE_THE_SCAN_SECONDS = 30.0
LEASE_MARGIN_SECONDS = 10.0
ERASE_SECONDS = 60.0
STORE_SECONDS = 30.0
CONNECTIONS = 64


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    runner = Runner(NAME, settings)
    async with runner.probes():
        clock = await make_clock(runner, settings, NAME)
        database = await runner.database(settings.database_url.get_secret_value(), MIGRATIONS, max_size=16)
        client = VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value(), timeout=5.0)
        runner.close(client.close)
        vault, store, spool = Vault(client), Store(), _spool(settings)
        inbound, clean = _buckets(runner, settings)
        scanner = _scanner(runner, settings)
        structure = Inspector(
            at_once=settings.looks_at_once, seconds=settings.look_seconds, most_bytes=settings.limits().file_bytes
        )
        runner.close(structure.close)
        inspect = Inspect(scanner, structure, clock)
        kafka = KafkaSide(runner, settings, NAME, database)
        kafka.subscribe(
            ABSENCE.name, consumer_group(NAME, ABSENCE.name), _absences(database, store, vault, clock, kafka)
        )
        checks = _checks(
            runner, settings, database, uploads=store, inspect=inspect, inbound=inbound, clean=clean, clock=clock
        )

        # Told here too: an eraser that does not run tells nothing.
        runner.loop("erasing gauges", lambda: watch(database, ERASE_QUEUE))

        def wake() -> None:
            checks.wake()
            kafka.relay.wake()

        again = ScanAgain(
            database,
            uploads=store,
            scanner=scanner,
            inspect=inspect,
            clean=clean,
            clock=clock,
            spool=spool,
            wake=kafka.relay.wake,
            every=settings.scan_again_seconds,
        )
        runner.loop("scanning again", again.run)
        sweep = Sweep(database, uploads=store, patience_seconds=settings.stray_seconds, every=settings.sweep_seconds)
        runner.loop("sweep", sweep.run)
        verbs = Verbs(
            begin=Begin(database, uploads=store, keys=vault, clock=clock),
            take_file=TakeFile(
                database,
                uploads=store,
                keys=vault,
                inspect=inspect,
                inbound=inbound,
                clean=clean,
                clock=clock,
                limits=settings.limits(),
                verdict_seconds=settings.verdict_seconds,
                wake=wake,
            ),
            take_back=TakeBack(database, uploads=store, clock=clock),
            send=Send(database, uploads=store, clock=clock, wake=wake),
            show=Show(database, uploads=store, keys=vault, clean=clean, clock=clock, spool=spool),
        )
        app = make_app(
            verbs,
            Verifier(settings.citizen_token_keys, audience=AUDIENCE),
            bounds=Bounds(
                file_bytes=settings.limits().file_bytes,
                idle_seconds=settings.idle_seconds,
                upload_seconds=settings.upload_seconds,
            ),
            spool=spool,
            now=clock.now,
            files_at_once=settings.files_at_once,
        )
        runner.serve(app, settings.http_host, settings.http_port)
        await runner.run()


async def erase(settings: EraseSettings, arguments: Sequence[str]) -> int:
    """`erase`: works until SIGTERM; `erase --once` until nothing waits. With the eraser's account, never the service's."""
    runner = Runner(ERASER, settings)
    async with runner.probes():
        database = await runner.database(settings.database_url.get_secret_value(), MIGRATIONS, max_size=4)
        account = settings.account()
        session = _session(runner)
        inbound, clean = (
            Eraser(Bucket(session, account, name), account, name, keeps_versions=keeps_versions)
            for name, keeps_versions in ((settings.inbound_bucket, False), (settings.clean_bucket, True))
        )
        worker = Worker(
            database,
            ERASE_QUEUE,
            Erase(
                database,
                uploads=Store(),
                inbound=inbound,
                clean=clean,
                lock_seconds=ERASE_SECONDS + LEASE_MARGIN_SECONDS,  # longer than an attempt may take
            ),
            policy=Policy(ceiling=300.0, attempts=100_000),  # what is not checked yet is waited for
            concurrency=2,
            deadline=ERASE_SECONDS,
            margin=LEASE_MARGIN_SECONDS,
        )
        if "--once" in arguments:
            await until_empty(database, worker, runner.draining)
            return 0
        runner.loop("erasing", worker.run, worker.stop)
        runner.loop("erasing gauges", worker.watch)
        await runner.run()
    return 0


async def parked(settings: Settings, arguments: Sequence[str]) -> int:
    """`jobs list|release`: files that nobody looks at any more, and bytes that nobody deletes."""
    database = await Database.open(settings.database_url.get_secret_value(), application_name=NAME, max_size=1)
    try:
        return await commands.run(database, QUEUES, arguments)
    finally:
        await database.close()


async def read_again(settings: Settings, arguments: Sequence[str]) -> int:
    """`read-again TOPIC --since …`: what came since a backup that was restored."""
    return await rereading.run(
        NAME,
        bus=settings.bus(client_id=f"{NAME}-read-again"),
        database_url=settings.database_url.get_secret_value(),
        groups={topic: consumer_group(NAME, topic) for topic in (ABSENCE.name,)},
        arguments=arguments,
    )


async def dead_letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`dead-letters list|show|replay`: what could never be worked."""
    async with VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value()) as client:
        mine = desk.Desk(
            service=NAME,
            bus=settings.bus(client_id=f"{NAME}-dead-letters"),
            database_url=settings.database_url.get_secret_value(),
            migrations=MIGRATIONS,
            topics=[dead_letter_topic(consumer_group(NAME, ABSENCE.name))],
            decode=Reader(DeadLetter).decode,
            faults=(BadEnvelope, BadEvent, UnknownEventType),
            fetch_key=Vault(client).month_key,
        )
        return await desk.run(mine, arguments)


def _spool(settings: Settings) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", tempfile.TemporaryFile(dir=settings.spool_directory))


def _session(runner: Runner) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=STORE_SECONDS), connector=aiohttp.TCPConnector(limit=CONNECTIONS)
    )
    runner.close(session.close)
    return session


def _buckets(runner: Runner, settings: Settings) -> tuple[Bucket, Bucket]:
    session, account = _session(runner), settings.account()
    return Bucket(session, account, settings.inbound_bucket), Bucket(session, account, settings.clean_bucket)


def _scanner(runner: Runner, settings: Settings) -> WatchedScanner:
    clamd = Clamd(
        settings.clamd_host, settings.clamd_port, at_once=settings.clamd_at_once, seconds=settings.clamd_seconds
    )
    scanner = WatchedScanner(
        clamd,
        canary=settings.canary_signature.encode(),
        largest=settings.limits().file_bytes,
        stale_days=settings.stale_signature_days,
        may_be_local=settings.local_signatures,
    )

    async def was_in_service() -> bool:
        return scanner.was_in_service

    # Once it was, what is sent is taken and waits while it is not (D4): who is not ready is sent nothing.
    runner.ready_when("scanner", was_in_service)
    runner.loop("scanner", scanner.run)
    return scanner


def _absences(database: Database, store: Store, vault: Vault, clock: Clock, kafka: KafkaSide) -> Stage[object]:
    undertaker = Undertaker(
        fetch_key=vault.month_key, write=dead_letter, clock=clock, group=consumer_group(NAME, ABSENCE.name)
    )
    stage = Stage(
        database,
        read=read_absence,
        work=FollowAbsences(store),
        undertaker=undertaker,
        after_commit=kafka.relay.wake,
    )
    return cast("Stage[object]", stage)


def _checks(
    runner: Runner,
    settings: Settings,
    database: Database,
    *,
    uploads: Store,
    inspect: Inspect,
    inbound: Bucket,
    clean: Bucket,
    clock: Clock,
) -> Worker:
    """Two queues: looking at what was set aside, and deleting what was."""
    check = CheckPending(
        database,
        uploads=uploads,
        inspect=inspect,
        inbound=inbound,
        clean=clean,
        clock=clock,
        spool=_spool(settings),
    )
    checks = Worker(
        database,
        CHECK_QUEUE,
        check,
        policy=Policy(first=1.0, ceiling=60.0, attempts=100_000),  # nothing that was accepted is given up
        concurrency=settings.checks_at_once,
        deadline=SCANS_OF_ONE_FILE * settings.clamd_seconds + BESIDE_THE_SCAN_SECONDS,
        margin=LEASE_MARGIN_SECONDS,
        settle_together=1,
    )
    drops = Worker(
        database, DROP_QUEUE, DropInbound(inbound), policy=Policy(ceiling=300.0, attempts=1000), concurrency=4
    )
    for name, worker in (("checks", checks), ("drops", drops)):
        runner.loop(name, worker.run, worker.stop)
        runner.loop(f"{name} gauges", worker.watch)
    return checks


async def until_empty(database: Database, worker: Worker, ending: asyncio.Event) -> None:
    """Work until nothing waits, or until it is to end; raises what ended the work."""
    running = asyncio.create_task(worker.run())
    try:
        while not (ending.is_set() or running.done()):
            async with database.acquire() as connection:
                left = await connection.fetchval(
                    "select count(*) from job where queue = $1 and state = 'waiting'", ERASE_QUEUE
                )
            if not left:
                return
            await asyncio.sleep(0.2)
    finally:
        worker.stop()
        await running
