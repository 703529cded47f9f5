"""Jobs on a real PostgreSQL: claimed once, done once, tried again, never lost, never written by who lost the lease."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import pytest

from plumbing import jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Again, Claim, Done, Job, LeaseLost, Parked, Policy, Verdict, Worker, commands, store
from plumbing.postgres import Connection, Database
from tests.support.fixtures import PlainDatabaseFactory

QUEUE = "letters"
QUICK = Policy(first=0.01, ceiling=0.02, attempts=5)


@pytest.fixture
async def database(plain_database: PlainDatabaseFactory) -> AsyncIterator[Database]:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    await owner.execute(jobs.SCHEMA.replace("{role}", addresses.role))
    await owner.execute(
        f"create table effect (job_id uuid not null); grant select, insert on effect to {addresses.role}"
    )
    await owner.close()
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    yield opened
    await opened.close()


@dataclass(kw_only=True)
class Bench:
    """A queue, and what was written by its jobs."""

    database: Database
    seen: list[bytes] = field(default_factory=list)

    async def add(self, *payloads: bytes, order_key: str | None = None) -> list[UUID]:
        made = [Job(job_id=uuid4(), queue=QUEUE, payload=payload, order_key=order_key) for payload in payloads]
        async with self.database.transaction() as connection:
            await jobs.add(connection, made)
        return [job.job_id for job in made]

    async def claim(self, limit: int = 10, lease_seconds: float = 30) -> list[Claim]:
        async with self.database.acquire() as connection:
            return await store.claim(connection, QUEUE, limit=limit, lease_seconds=lease_seconds)

    async def depth(self) -> store.Depth:
        async with self.database.acquire() as connection:
            return await store.depth(connection, QUEUE)

    async def effects(self) -> Counter[UUID]:
        async with self.database.acquire() as connection:
            return Counter(row["job_id"] for row in await connection.fetch("select job_id from effect"))

    def effect(self, claim: Claim) -> Callable[[Connection], Awaitable[None]]:
        async def write(connection: Connection) -> None:
            await connection.execute("insert into effect values ($1)", claim.job_id)

        return write

    async def done(self, claim: Claim) -> Verdict:
        self.seen.append(claim.payload)
        return Done(write=self.effect(claim))

    async def until(self, condition: Callable[[], Awaitable[bool]], worker: Worker, seconds: float = 10) -> None:
        """Run the worker until the condition holds."""
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.01)
        worker.stop()
        await running

    async def empty(self) -> bool:
        return (await self.depth()).waiting == 0


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database=database)


def worker(bench: Bench, work: Callable[[Claim], Awaitable[Verdict]], **options: object) -> Worker:
    chosen: dict[str, object] = {"policy": QUICK, "deadline": 5.0, "margin": 5.0, "poll": 0.02, **options}
    return Worker(bench.database, QUEUE, work, **chosen)  # type: ignore[arg-type]


async def test_a_job_added_twice_is_there_once(bench: Bench) -> None:
    job = Job(job_id=uuid4(), queue=QUEUE, payload=b"")
    for _ in range(2):
        async with bench.database.transaction() as connection:
            await jobs.add(connection, [job, job])
    assert (await bench.depth()).waiting == 1


async def test_a_job_whose_transaction_rolled_back_never_was(bench: Bench) -> None:
    async def rolled_back() -> None:
        async with bench.database.transaction() as connection:
            await jobs.add(connection, [Job(job_id=uuid4(), queue=QUEUE, payload=b"")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await rolled_back()
    assert (await bench.depth()).waiting == 0


async def test_two_claimers_never_get_the_same_job(bench: Bench) -> None:
    await bench.add(*[b""] * 60)
    taken = [claim.job_id for claims in await asyncio.gather(*[bench.claim(7) for _ in range(8)]) for claim in claims]
    assert len(taken) == len(set(taken)) == 56


async def test_a_claimed_job_is_free_again_when_its_lease_ends(bench: Bench) -> None:
    await bench.add(b"")
    [first] = await bench.claim(lease_seconds=0.1)
    assert await bench.claim() == []
    await asyncio.sleep(0.15)
    [second] = await bench.claim()
    assert (second.attempt, second.token != first.token) == (2, True)


async def test_who_lost_the_lease_writes_nothing(bench: Bench) -> None:
    """The zombie: stopped past its lease, it comes back and finds that the job is somebody else's."""
    await bench.add(b"")
    [zombie] = await bench.claim(lease_seconds=0.05)
    await asyncio.sleep(0.1)
    [owner] = await bench.claim()
    writes: list[Callable[[Connection], Awaitable[None]]] = [
        partial(store.finish, claim=zombie),
        partial(store.put_back, claim=zombie, reason="late", pause=0),
        partial(store.park, claim=zombie, reason="late"),
        partial(jobs.hold, claim=zombie),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            async with bench.database.transaction() as connection:
                await write(connection)
    async with bench.database.transaction() as connection:
        await store.finish(connection, owner)
    assert (await bench.depth()).waiting == 0


async def test_a_worker_that_outlives_its_lease_leaves_no_effect(bench: Bench) -> None:
    [job_id] = await bench.add(b"")

    async def work(claim: Claim) -> Verdict:
        if claim.attempt == 1:  # somebody else gets it while this one is busy
            async with bench.database.acquire() as connection:
                await connection.execute("update job set token = gen_random_uuid(), available_at = clock_timestamp()")
        return await bench.done(claim)

    await bench.until(bench.empty, worker(bench, work))
    assert (len(bench.seen), await bench.effects()) == (2, Counter({job_id: 1}))


async def test_the_effect_and_the_end_of_the_job_are_one(bench: Bench) -> None:
    await bench.add(b"")

    async def work(claim: Claim) -> Verdict:
        async def write(connection: Connection) -> None:
            await bench.effect(claim)(connection)
            if claim.attempt == 1:
                raise Unavailable("test")

        return Done(write=write)

    await bench.until(bench.empty, worker(bench, work, deadline=0.1, margin=0.1))
    assert sum((await bench.effects()).values()) == 1


async def test_every_job_is_done_once_by_many_workers(bench: Bench) -> None:
    made = await bench.add(*[b""] * 300)
    workers = [worker(bench, bench.done, concurrency=8) for _ in range(3)]
    running = [asyncio.create_task(one.run()) for one in workers]
    await bench.until(bench.empty, worker(bench, bench.done))
    for one in workers:
        one.stop()
    await asyncio.gather(*running)
    assert await bench.effects() == Counter(made)


async def test_no_more_jobs_are_in_work_than_the_worker_has_places(bench: Bench) -> None:
    await bench.add(*[b""] * 20)
    now = most = 0

    async def work(_: Claim) -> Verdict:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Done()

    await bench.until(bench.empty, worker(bench, work, concurrency=4))
    assert most == 4


async def test_what_is_not_possible_now_is_tried_again_and_counted(bench: Bench) -> None:
    await bench.add(b"")

    async def work(claim: Claim) -> Verdict:
        bench.seen.append(claim.payload)
        match claim.attempt:
            case 1:
                raise Unavailable("gateway")
            case 2:
                return Again(reason="throttled")
            case 3:
                raise RuntimeError("a fault of ours")
            case _:
                return Done()

    await bench.until(bench.empty, worker(bench, work))
    assert len(bench.seen) == 4


async def test_a_pause_that_was_asked_for_is_kept(bench: Bench) -> None:
    await bench.add(b"")

    async def work(claim: Claim) -> Verdict:
        return Again(reason="later", after=30) if claim.attempt == 1 else Done()

    async def put_back() -> bool:
        async with bench.database.acquire() as connection:
            return bool(
                await connection.fetchval("select available_at > now() + interval '25 s' and token is null from job")
            )

    await bench.until(put_back, worker(bench, work))
    assert (await bench.depth()).waiting == 1


async def test_a_hung_attempt_is_cut_at_its_deadline(bench: Bench) -> None:
    await bench.add(b"")

    async def work(claim: Claim) -> Verdict:
        if claim.attempt == 1:
            await asyncio.sleep(60)
        return Done()

    await bench.until(bench.empty, worker(bench, work, deadline=0.1))


async def test_what_was_tried_too_often_is_parked_told_of_and_can_be_released(bench: Bench) -> None:
    [job_id] = await bench.add(b"x")
    given_up: list[UUID] = []

    async def work(_: Claim) -> Verdict:
        return Again(reason="gateway-down")

    async def give_up(connection: Connection, claim: Claim) -> None:
        given_up.append(claim.job_id)
        await bench.effect(claim)(connection)

    await bench.until(bench.empty, worker(bench, work, give_up=give_up))
    assert (given_up, await bench.effects()) == ([job_id], Counter({job_id: 1}))
    async with bench.database.acquire() as connection:
        [parked] = await jobs.parked(connection, QUEUE)
        assert (parked.job_id, parked.payload, parked.attempts, parked.reason) == (job_id, b"x", 5, "gateway-down")
        assert await jobs.release(connection, QUEUE, [job_id, uuid4()]) == 1
    await bench.until(bench.empty, worker(bench, bench.done))
    assert bench.seen == [b"x"]


async def test_somebody_on_duty_sees_parked_jobs_and_releases_them(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = await bench.add(b"one", b"two")
    for claim in await bench.claim():
        async with bench.database.transaction() as connection:
            await store.park(connection, claim, reason="odd-answer-418")
    assert await commands.run(bench.database, QUEUE, ["list"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(job["job_id"], job["payload"], job["reason"]) for job in listed] == [
        (str(first), "one", "odd-answer-418"),
        (str(second), "two", "odd-answer-418"),
    ]
    for _ in range(2):
        assert await commands.run(bench.database, QUEUE, ["release", str(first)]) == 0
    assert capsys.readouterr().out == "1 of 1 released\n0 of 1 released\n"
    assert await commands.run(bench.database, QUEUE, ["release", "all"]) == 0
    assert (await bench.depth()).waiting == 2
    for wrong in ([], ["release"], ["release", "x"], ["list", "x"], ["drop"]):
        assert await commands.run(bench.database, QUEUE, wrong) == 2


async def test_a_job_that_kills_its_worker_each_time_is_parked_too(bench: Bench) -> None:
    await bench.add(b"")
    for _ in range(QUICK.attempts):
        await bench.claim(lease_seconds=0.0)
    await bench.until(bench.empty, worker(bench, bench.done))
    assert (bench.seen, (await bench.depth()).parked) == ([], 1)


async def test_jobs_with_one_order_key_are_done_in_their_order_one_at_a_time(bench: Bench) -> None:
    await bench.add(b"1", b"2", b"3", order_key="case")
    await bench.add(b"other", order_key="another case")
    [first, other] = await bench.claim()
    assert (first.payload, other.payload) == (b"1", b"other")
    assert await bench.claim() == []
    async with bench.database.transaction() as connection:
        await store.finish(connection, first)
    assert [claim.payload for claim in await bench.claim()] == [b"2"]


async def test_a_failing_job_is_never_overtaken_within_its_order_key(bench: Bench) -> None:
    await bench.add(*[b"%d" % nth for nth in range(6)], order_key="case")

    async def work(claim: Claim) -> Verdict:
        if claim.payload == b"2" and claim.attempt < 3:
            return Again(reason="not-now")
        return await bench.done(claim)

    await bench.until(bench.empty, worker(bench, work))
    assert bench.seen == [b"%d" % nth for nth in range(6)]


async def test_a_parked_job_holds_up_its_order_key_and_no_other(bench: Bench) -> None:
    await bench.add(b"bad", b"behind", order_key="case")
    await bench.add(b"free")

    async def work(claim: Claim) -> Verdict:
        return Parked(reason="refused") if claim.payload == b"bad" else await bench.done(claim)

    async def only_one_waits() -> bool:
        depth = await bench.depth()
        return (depth.waiting, depth.parked) == (1, 1)

    await bench.until(only_one_waits, worker(bench, work))
    await asyncio.sleep(0.1)
    assert bench.seen == [b"free"]


async def test_stopping_lets_the_work_in_hand_end(bench: Bench) -> None:
    [job_id] = await bench.add(b"")
    began = asyncio.Event()

    async def work(claim: Claim) -> Verdict:
        began.set()
        await asyncio.sleep(0.2)
        return await bench.done(claim)

    one = worker(bench, work)
    running = asyncio.create_task(one.run())
    await began.wait()
    one.stop()
    await running
    assert await bench.effects() == Counter({job_id: 1})


async def test_waking_spares_the_wait_for_the_next_poll(bench: Bench) -> None:
    one = worker(bench, bench.done, poll=30)
    running = asyncio.create_task(one.run())
    await asyncio.sleep(0.1)
    await bench.add(b"")
    one.wake()
    async with asyncio.timeout(2):
        while not bench.seen:
            await asyncio.sleep(0.01)
    one.stop()
    await running


async def test_the_database_may_go_away_while_jobs_wait(bench: Bench) -> None:
    made = await bench.add(*[b""] * 30)
    one = worker(bench, bench.done, concurrency=2, deadline=0.3, margin=0.3)
    running = asyncio.create_task(one.run())
    for _ in range(10):
        async with bench.database.acquire() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid() and usename = current_user"
            )
        await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        while not await bench.empty():
            await asyncio.sleep(0.05)
    one.stop()
    await running
    assert await bench.effects() == Counter(made)


def test_pauses_grow_to_their_ceiling_and_differ() -> None:
    policy = Policy(first=1, factor=2, ceiling=60, attempts=100)
    assert 0.5 <= policy.pause(1) <= 1
    assert 4 <= policy.pause(4) <= 8
    assert all(30 <= policy.pause(attempt) <= 60 for attempt in (7, 100, 10_000))
    assert len({policy.pause(5) for _ in range(50)}) > 10


async def test_the_claim_uses_its_index_however_many_jobs_wait(bench: Bench) -> None:
    await bench.add(*[b""] * 2000)
    async with bench.database.acquire() as connection:
        await connection.execute("analyze job")
        plan = await connection.fetch(
            "explain " + store._CLAIM.replace("$1", "'letters'").replace("$2", "16").replace("$3", "1")
        )
    assert any("job_available" in row[0] for row in plan)
