"""The one file that knows which concrete parts `notifier` is made of."""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog
from prometheus_client import Gauge

from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Reader, UnknownEventType
from contracts.topics import LETTER_REQUEST, consumer_group, dead_letter_topic
from plumbing.clock import Clock, SystemClock
from plumbing.dead_letters import Undertaker, desk
from plumbing.faults import faultpoint
from plumbing.jobs import Policy, Worker, commands
from plumbing.outbox import Relay
from plumbing.postgres import Database, is_transient
from plumbing.service import Runner, memory, rereading
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.stage import Stage
from services.notifier import commands as typed
from services.notifier.api import StatusPush, make_api
from services.notifier.domain import LetterState
from services.notifier.gateways import PostGateway, Vault, gateway_session
from services.notifier.handlers import read_request
from services.notifier.letters import Renderer
from services.notifier.settings import Settings
from services.notifier.store import Gates, Letters, Statuses
from services.notifier.usecases import (
    QUEUE,
    FixedBytes,
    Forms,
    Guard,
    RequestLetters,
    SendAgain,
    SendLetter,
    SurfaceOverdue,
    TakeStatuses,
    WriteLetter,
)
from services.notifier.usecases.move import Mover

NAME = "notifier"
# Of an attempt the gateway gets what the settings say for each call, the look-up and the letter; the vault and the renderer get
# the rest.
CALLS = 2
BESIDE_THE_CALL_SECONDS = 10.0
LEASE_MARGIN_SECONDS = 5.0
# Letters come out of the renderer and back from the gateway a few at a time; nobody waits for what is told of them.
EVENTS_APART_SECONDS = 0.1
STRAYS_SECONDS = 10.0
# Letters have some 50 KB, and each is in a few buffers at once: given back to the system and taken again, they cost a page fault
# for every 4 KB, a fifth of the CPU time of sending.
KEPT_BYTES = 16 * 1024 * 1024

log = structlog.get_logger(__name__)
OPEN = Gauge("mitsyg_letters_open", "Letters neither dispatched nor failed, by state.", ("state",))
# Of what the database holds: a process that is killed before it was asked for its counters has still told of these.
IN_VAIN = Gauge("mitsyg_letters_in_vain", "Letters that failed, or that the post brought back, by state.", ("state",))
HELD = Gauge("mitsyg_letters_held", "Letters that a shut gate holds.")
SHUT = Gauge("mitsyg_letter_gates_shut", "Gates that are shut.")
OLDEST_OPEN = Gauge("mitsyg_letters_oldest_open_seconds", "Age of the oldest of them.", ("state",))


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    memory.keep_freed(KEPT_BYTES)
    runner = Runner(NAME, settings)
    async with runner.probes():
        clock = await make_clock(runner, settings, NAME)
        dsn = settings.database_url.get_secret_value()
        database = await runner.database(dsn, "services.notifier.migrations", max_size=16)
        client = VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value(), timeout=5.0)
        runner.close(client.close)
        vault = Vault(client)
        kafka = KafkaSide(runner, settings, NAME, database, relay_apart=EVENTS_APART_SECONDS)
        letters, gates, statuses = Letters(), Gates(), Statuses()
        move = Mover(letters=letters, clock=clock, pause_seconds=settings.fallback_pause_seconds)
        worker = _sender(
            runner,
            settings,
            database,
            letters=letters,
            gates=gates,
            move=move,
            vault=vault,
            clock=clock,
            relay=kafka.relay,
        )

        def wake() -> None:
            worker.wake()
            kafka.relay.wake()

        group = consumer_group(NAME, LETTER_REQUEST.name)
        kafka.subscribe(
            LETTER_REQUEST.name,
            group,
            Stage(
                database,
                read=read_request,
                work=RequestLetters(letters, gates, move, clock, settings.limits()),
                undertaker=Undertaker(fetch_key=vault.month_key, write=dead_letter, clock=clock, group=group),
                after_commit=wake,
            ),
        )
        take = TakeStatuses(letters, statuses, move, clock, settings.ways())
        push = StatusPush(database, take, settings.status_push_token.get_secret_value(), kafka.relay.wake)
        runner.serve(make_api(push), settings.http_host, settings.http_port)
        surface = SurfaceOverdue(
            letters,
            move,
            digital_seconds=settings.status_overdue_seconds,
            paper_seconds=settings.paper_overdue_seconds,
        )
        every = min(30.0, settings.status_overdue_seconds / 4, settings.paper_overdue_seconds / 4)
        runner.loop("overdue letters", lambda: _surfacing(database, surface, every, kafka.relay))
        turns = Guard(database, gates, letters, move, clock)
        runner.loop("letters held by nobody", lambda: _letting_go(turns, worker))
        runner.loop("letter gauges", lambda: _gauges(database, letters, gates))
        await runner.run()


async def parked_letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`jobs list|release`: letters whose jobs are parked."""
    database = await Database.open(settings.database_url.get_secret_value(), application_name=NAME, max_size=1)
    try:
        return await commands.run(database, [QUEUE], arguments)
    finally:
        await database.close()


async def read_again(settings: Settings, arguments: Sequence[str]) -> int:
    """`read-again TOPIC --since …`: what came since a backup that was restored."""
    return await rereading.run(
        NAME,
        bus=settings.bus(client_id=f"{NAME}-read-again"),
        database_url=settings.database_url.get_secret_value(),
        groups={topic: consumer_group(NAME, topic) for topic in (LETTER_REQUEST.name,)},
        arguments=arguments,
    )


async def dead_letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`dead-letters list|show|replay`: what could never be worked."""
    async with VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value()) as client:
        mine = desk.Desk(
            service=NAME,
            bus=settings.bus(client_id=f"{NAME}-dead-letters"),
            database_url=settings.database_url.get_secret_value(),
            migrations="services.notifier.migrations",
            topics=[dead_letter_topic(consumer_group(NAME, LETTER_REQUEST.name))],
            decode=Reader(DeadLetter).decode,
            faults=(BadEnvelope, BadEvent, UnknownEventType),
            fetch_key=Vault(client).month_key,
        )
        return await desk.run(mine, arguments)


async def guard(settings: Settings, arguments: Sequence[str]) -> int:
    """`guard list|stop|go`: which letters are held, and turning it."""
    database = await Database.open(settings.database_url.get_secret_value(), application_name=NAME, max_size=1)
    try:
        letters, gates, clock = Letters(), Gates(), SystemClock()
        turns = Guard(database, gates, letters, Mover(letters=letters, clock=clock), clock)
        return await typed.guard(database, gates, turns, arguments)
    finally:
        await database.close()


async def letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`letters list|again`: those that were surfaced, and sending one after all."""
    database = await Database.open(settings.database_url.get_secret_value(), application_name=NAME, max_size=1)
    try:
        kept, statuses, clock = Letters(), Statuses(), SystemClock()
        again = SendAgain(database, kept, statuses, Mover(letters=kept, clock=clock), clock)
        return await typed.letters(database, kept, statuses, again, arguments)
    finally:
        await database.close()


def _sender(
    runner: Runner,
    settings: Settings,
    database: Database,
    *,
    letters: Letters,
    gates: Gates,
    move: Mover,
    vault: Vault,
    clock: Clock,
    relay: Relay,
) -> Worker:
    session = gateway_session(
        seconds=settings.gateway_seconds,
        connections=settings.letters_at_once,
        reuse_connections=settings.gateway_dedupes,
        certificate=settings.gateway_certificate,
    )
    runner.close(session.close)
    renderer = Renderer(workers=settings.render_workers, seconds=BESIDE_THE_CALL_SECONDS / 2)
    runner.close(renderer.close)
    forms = Forms(memo=settings.memo_form(), paper=settings.paper_form())
    fixed = FixedBytes(
        database,
        letters,
        gates,
        move,
        gateway_dedupes=settings.gateway_dedupes,
        together=settings.letters_together,
    )
    send = SendLetter(
        database,
        letters=letters,
        gates=gates,
        move=move,
        people=vault,
        gateway=PostGateway(session, settings.gateway_url),
        write=WriteLetter(renderer, clock, portal=settings.portal_url, forms=forms),
        fixed=fixed,
        gateway_dedupes=settings.gateway_dedupes,
        ways=settings.ways(),
        together=settings.letters_together,
    )

    def after_write() -> None:
        faultpoint("notifier.after_commit")
        relay.wake()

    worker = Worker(
        database,
        QUEUE,
        send,
        policy=Policy(
            first=settings.retry_first_seconds,
            ceiling=settings.retry_ceiling_seconds,
            attempts=settings.letter_attempts,
        ),
        concurrency=settings.letters_at_once,
        settle_together=settings.letters_together,
        deadline=CALLS * settings.gateway_seconds + BESIDE_THE_CALL_SECONDS,
        margin=LEASE_MARGIN_SECONDS,
        give_up=send.give_up,
        after_write=after_write,
    )
    runner.loop("letter jobs", worker.run, worker.stop)
    runner.loop("letter job gauges", worker.watch)
    return worker


async def _surfacing(database: Database, surface: SurfaceOverdue, every: float, relay: Relay) -> None:
    while True:
        try:
            async with database.transaction() as connection:
                found = await surface(connection)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("overdue letters cannot be looked for now", error=type(error).__name__)
            found = 0
        if found:
            relay.wake()
        else:
            await asyncio.sleep(every)


async def _letting_go(guard: Guard, worker: Worker) -> None:
    while True:
        try:
            if await guard.let_go_strays():
                worker.wake()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("held letters cannot be looked for now", error=type(error).__name__)
        await asyncio.sleep(STRAYS_SECONDS)


async def _gauges(database: Database, letters: Letters, gates: Gates) -> None:
    while True:
        with contextlib.suppress(Exception):  # the gauges keep their last value while the database is away
            async with database.acquire() as connection:
                found = {one.state: one for one in await letters.under_way(connection)}
                in_vain = await letters.in_vain(connection)
                shut = await gates.gates(connection)
                await gates.forget_paces(connection)
            SHUT.set(len(shut))
            HELD.set(found[LetterState.HELD].number if LetterState.HELD in found else 0)
            for state in LetterState:
                if state in {LetterState.FAILED, LetterState.RETURNED}:
                    IN_VAIN.labels(state.value).set(in_vain.get(state, 0))
                elif not state.is_final:
                    OPEN.labels(state.value).set(found[state].number if state in found else 0)
                    OLDEST_OPEN.labels(state.value).set(found[state].oldest_seconds if state in found else 0)
        await asyncio.sleep(5)
