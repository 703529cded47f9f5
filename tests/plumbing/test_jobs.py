"""Jobs on a real PostgreSQL: claimed once, done once, tried again, never lost, never written by who lost the lease."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY
from typing_extensions import override

from plumbing import faults, jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Again, Claim, Done, Job, Joint, LeaseLost, Parked, Policy, Verdict, Worker, commands, store
from plumbing.jobs.verdicts import Write
from plumbing.postgres import Connection, Database
from tests.support.fixtures import PlainDatabaseFactory

QUEUE = "letters"
QUICK = Policy(first=0.01, ceiling=0.02, attempts=5)


@pytest.fixture
async def dsn(plain_database: PlainDatabaseFactory) -> str:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    await owner.execute(jobs.SCHEMA.replace("{role}", addresses.role))
    await owner.execute(
        f"create table effect (job_id uuid not null); grant select, insert on effect to {addresses.role}"
    )
    await owner.close()
    return addresses.runtime_dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(dsn, application_name="test")
    yield opened
    await opened.close()


@dataclass(kw_only=True)
class Bench:
    """A queue, and what was written by its jobs."""

    database: Database
    dsn: str
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

    async def until_claimed(self, number: int) -> None:
        async with asyncio.timeout(20), self.database.acquire() as connection:
            while await connection.fetchval("select count(*) from job where token is not null") < number:
                await asyncio.sleep(0.02)

    async def empty(self) -> bool:
        return (await self.depth()).waiting == 0


@pytest.fixture
def bench(database: Database, dsn: str) -> Bench:
    return Bench(database=database, dsn=dsn)


def worker(bench: Bench, work: Callable[[Claim], Awaitable[Verdict]], **options: object) -> Worker:
    chosen: dict[str, object] = {"policy": QUICK, "deadline": 5.0, "margin": 5.0, "poll": 0.02, **options}
    made = Worker(bench.database, QUEUE, work, **chosen)  # type: ignore[arg-type]
    made._settled._began = (
        asyncio.get_running_loop().time()
    )  # as if results had just been written: the next wait for each other
    return made


async def test_a_job_added_twice_is_there_once(bench: Bench) -> None:
    job = Job(job_id=uuid4(), queue=QUEUE, payload=b"")
    for _ in range(2):
        async with bench.database.transaction() as connection:
            await jobs.add(connection, [job, job])
    assert (await bench.depth()).waiting == 1


@pytest.mark.parametrize(("answer_seconds", "begins_late"), [(2.0, True), (3.0, False)])
async def test_who_hears_of_its_claim_late_has_given_up_when_the_lease_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer_seconds: float, begins_late: bool
) -> None:
    """The answer was long on its way, or the process stood still: the lease ran meanwhile."""
    whole, slow = store.claim, [answer_seconds]
    at_work: list[Claim] = []
    attempts: list[int] = []
    most_at_work = 0

    async def and_answers_late(*arguments: Any, **more: Any) -> list[Claim]:
        claims = await whole(*arguments, **more)
        if claims and slow:
            await asyncio.sleep(slow.pop())
        return claims

    async def work(claim: Claim) -> Verdict:
        nonlocal most_at_work
        attempts.append(claim.attempt)
        at_work.append(claim)
        most_at_work = max(most_at_work, len(at_work))
        try:
            await asyncio.sleep(1.4)
        finally:
            at_work.remove(claim)
        return await bench.done(claim)

    monkeypatch.setattr(store, "claim", and_answers_late)
    await bench.add(b"once")
    late = asyncio.create_task(worker(bench, work, deadline=1.5, margin=1.0).run())
    await bench.until_claimed(1)
    try:
        await bench.until(bench.empty, worker(bench, work, deadline=1.5, margin=1.0))
    finally:
        late.cancel()
    assert most_at_work == 1
    assert attempts == ([1, 2] if begins_late else [2])
    assert bench.seen == [b"once"]


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
        partial(store.finish, claims=[zombie]),
        partial(store.put_back, claims=[zombie], reasons=["late"], are_abandoned=[False], pauses=[0]),
        partial(store.park, claims=[zombie], reasons=["late"], are_abandoned=[False]),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            async with bench.database.transaction() as connection:
                await write(connection)
    async with bench.database.transaction() as connection:
        assert await jobs.hold(connection, [zombie]) == set()
        await store.finish(connection, [owner])
    assert (await bench.depth()).waiting == 0


async def test_who_lost_the_lease_is_told_from_who_has_it_also_in_one_group(bench: Bench) -> None:
    await bench.add(b"", b"")
    zombies = await bench.claim(lease_seconds=0.05)
    await asyncio.sleep(0.1)
    owners = await bench.claim()
    async with bench.database.transaction() as connection:
        assert await jobs.hold(connection, [*zombies, *owners]) == set(owners)
    async with bench.database.transaction() as connection:
        assert await store.finish_held(connection, zombies) == set()
    assert (await bench.depth()).waiting == 2
    async with bench.database.transaction() as connection:
        assert await store.finish_held(connection, [*zombies, *owners]) == set(owners)
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


async def steal(bench: Bench, payload: bytes) -> None:
    """Somebody else gets the job now, as after the end of a lease."""
    async with bench.database.acquire() as connection:
        await connection.execute(
            "update job set token = gen_random_uuid(), available_at = clock_timestamp() where payload = $1", payload
        )


async def test_results_that_come_together_are_written_together(bench: Bench) -> None:
    made = await bench.add(*[b"%d" % nth for nth in range(20)])
    groups: list[list[UUID]] = []

    async def write_all(connection: Connection, job_ids: Sequence[UUID]) -> None:
        groups.append(list(job_ids))
        await connection.executemany("insert into effect values ($1)", [(job_id,) for job_id in job_ids])

    async def work(claim: Claim) -> Verdict:
        await asyncio.sleep(0.001 * (20 - int(claim.payload)))  # the first to be claimed ends last
        return Done(write=Joint(write_all=write_all, item=claim.job_id))

    await bench.until(bench.empty, worker(bench, work, concurrency=20, settle_seconds=0.5, settle_together=20))
    assert groups == [made]
    assert await bench.effects() == Counter(made)


async def test_each_ends_as_it_ended_whatever_the_others_did(bench: Bench) -> None:
    made = await bench.add(b"done", b"again", b"parked", b"fails")

    async def work(claim: Claim) -> Verdict:
        write = bench.effect(claim)
        match claim.payload:
            case b"again" if claim.attempt == 1:
                return Again(reason="not-now", after=0.3, write=write)
            case b"parked":
                return Parked(reason="odd", write=write)
            case b"fails" if claim.attempt == 1:
                raise RuntimeError
        return Done(write=write)

    await bench.until(bench.empty, worker(bench, work, settle_seconds=0.05))
    assert await bench.effects() == Counter({made[0]: 1, made[1]: 2, made[2]: 1, made[3]: 1})
    async with bench.database.acquire() as connection:
        [parked] = await jobs.parked(connection, QUEUE)
    assert (parked.job_id, parked.reason) == (made[2], "odd")


async def test_a_lost_lease_takes_nothing_from_those_it_is_settled_with(bench: Bench) -> None:
    """The zombie of a group: one of its jobs is somebody else's by now, the others are still its own."""
    made = await bench.add(b"kept", b"lost", b"kept too")
    zombies: list[bytes] = []

    async def work(claim: Claim) -> Verdict:
        if claim.payload == b"lost" and claim.attempt == 1:
            await steal(bench, b"lost")
        zombies.append(claim.payload)
        return Done(write=bench.effect(claim))

    await bench.until(bench.empty, worker(bench, work, settle_seconds=0.1, settle_together=3))
    assert Counter(zombies) == {b"kept": 1, b"lost": 2, b"kept too": 1}
    assert await bench.effects() == Counter(made)


async def test_a_group_of_which_no_lease_holds_writes_nothing(bench: Bench) -> None:
    made = await bench.add(b"1", b"2", b"3")

    async def work(claim: Claim) -> Verdict:
        if claim.attempt == 1:
            await steal(bench, claim.payload)
        return await bench.done(claim)

    await bench.until(bench.empty, worker(bench, work, settle_seconds=0.1, settle_together=3))
    assert (len(bench.seen), await bench.effects()) == (6, Counter(made))


@pytest.mark.parametrize("error", [Unavailable("test"), RuntimeError("a fault of ours")])
async def test_a_write_that_fails_takes_nothing_from_those_it_is_settled_with(bench: Bench, error: Exception) -> None:
    made = await bench.add(*[b"%d" % nth for nth in range(6)])

    async def work(claim: Claim) -> Verdict:
        async def write(connection: Connection) -> None:
            await bench.effect(claim)(connection)
            if claim.payload == b"3" and claim.attempt == 1:
                raise error

        return Done(write=write)

    async def all_but_one() -> bool:
        return (await bench.depth()).waiting == 1

    one = worker(bench, work, settle_seconds=0.1, settle_together=6, deadline=0.5, margin=2.5)
    await bench.until(all_but_one, one)
    assert await bench.effects() == Counter(made[:3] + made[4:])
    await bench.until(bench.empty, worker(bench, work))
    assert await bench.effects() == Counter(made)


class _SaysItFailed(Database):
    """Commits, and loses the answer: the first time, the group's."""

    lost = 0

    @override
    @contextlib.asynccontextmanager
    async def transaction(self, *, idle_seconds: float | None = None) -> AsyncIterator[Connection]:
        async with super().transaction(idle_seconds=idle_seconds) as connection:
            yield connection
        if not self.lost:
            self.lost += 1
            raise ConnectionResetError


async def test_a_group_whose_commit_is_not_heard_of_is_written_once(bench: Bench) -> None:
    made = await bench.add(*[b"%d" % nth for nth in range(6)])

    async def work(claim: Claim) -> Verdict:
        if claim.payload == b"3" and claim.attempt == 1:
            return Again(reason="not-now")
        return await bench.done(claim)

    deaf = replace(bench, database=_SaysItFailed(bench.database._pool))
    await bench.until(bench.empty, worker(deaf, work, settle_seconds=0.1, settle_together=6))
    assert (len(bench.seen), await bench.effects()) == (6, Counter(made))


async def test_with_groups_of_one_each_result_is_written_by_itself_and_at_once(bench: Bench) -> None:
    await bench.add(b"quick", b"slow")
    ended = asyncio.Event()

    async def work(claim: Claim) -> Verdict:
        if claim.payload == b"slow":
            await ended.wait()
        return await bench.done(claim)

    async def one_is_written() -> bool:
        if len(await bench.effects()) == 1:
            ended.set()
        return await bench.empty()

    async with asyncio.timeout(5):
        await bench.until(one_is_written, worker(bench, work, settle_seconds=60, settle_together=1))


async def test_a_slow_job_holds_up_no_other_result(bench: Bench) -> None:
    await bench.add(*[b"%d" % nth for nth in range(5)])

    async def work(claim: Claim) -> Verdict:
        if claim.payload == b"0":
            await asyncio.sleep(1.5)
        return await bench.done(claim)

    async def the_others() -> bool:
        return len(await bench.effects()) == 4

    running = worker(bench, work)
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(1.2):
        while not await the_others():
            await asyncio.sleep(0.01)
    running.stop()
    await task
    assert await bench.empty()


POINTS = ["jobs.after_claim", "jobs.before_result", "jobs.before_result_commit", "jobs.after_result"]


@pytest.mark.parametrize("point", POINTS)
async def test_a_fault_at_any_point_leaves_each_effect_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1,{point}:raise:3"))
    monkeypatch.setattr(faults, "_passed", Counter())
    made = await bench.add(*[b""] * 8)
    await bench.until(bench.empty, worker(bench, bench.done, settle_seconds=0.05, deadline=0.2, margin=0.3))
    assert faults._passed[point] >= 3
    assert await bench.effects() == Counter(made)


_CHILD = """
import asyncio, sys
from plumbing.jobs import Done, Policy, Worker
from plumbing.postgres import Database

async def main():
    database = await Database.open(sys.argv[1], application_name="child")
    async def work(claim):
        async def write(connection):
            await connection.execute("insert into effect values ($1)", claim.job_id)
        return Done(write=write)
    await Worker(database, "letters", work, policy=Policy(), deadline=0.5, margin=0.5, settle_seconds=0.05).run()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def child(bench: Bench, faultpoints: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own that meets this fault."""
    environment = {**os.environ, "FAULTPOINTS": faultpoints}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _CHILD, bench.dsn, env=environment)
    yield process
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_killed_at_any_point_leaves_each_effect_once(bench: Bench, point: str) -> None:
    made = await bench.add(*[b""] * 8)
    async with child(bench, f"{point}:kill:1") as process, asyncio.timeout(20):
        assert await process.wait() == -signal.SIGKILL
    await bench.until(bench.empty, worker(bench, bench.done))
    assert await bench.effects() == Counter(made)


async def test_a_worker_that_stood_still_past_its_leases_writes_nothing(bench: Bench) -> None:
    made = await bench.add(*[b""] * 8)
    async with child(bench, "jobs.before_result:stop:4") as zombie:
        await bench.until_claimed(8)
        await bench.until(bench.empty, worker(bench, bench.done, poll=0.2), seconds=20)
        zombie.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.5)
        assert zombie.returncode is None
    assert await bench.effects() == Counter(made)


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


async def test_the_next_to_have_a_job_is_told_whether_anybody_said_how_the_attempt_before_ended(bench: Bench) -> None:
    await bench.add(b"")
    told = []

    async def work(claim: Claim) -> Verdict:
        told.append(claim.was_abandoned)
        match claim.attempt:
            case 1 | 3:
                return Again(reason="throttled")
            case 2:
                raise Unavailable("gateway")
            case 4:
                await asyncio.sleep(60)
        return Done()

    await bench.until(bench.empty, worker(bench, work, deadline=0.3))
    assert told == [False, False, True, False, True]


async def test_who_never_said_how_it_ended_has_no_more_to_say(bench: Bench) -> None:
    await bench.add(b"")
    [ended] = await bench.claim()
    async with bench.database.transaction() as connection:
        await store.put_back(connection, [ended], ["TimeoutError"], [True], [0.0])
    async with bench.database.transaction() as connection:
        assert await store.hold(connection, [ended]) == set()
    [claim] = await bench.claim()
    assert claim.was_abandoned


async def test_a_job_can_be_withdrawn_while_nobody_tries_it(bench: Bench) -> None:
    [waiting], [parked] = await bench.add(b""), await bench.add(b"")
    [claim] = [one for one in await bench.claim() if one.job_id == parked]
    async with bench.database.transaction() as connection:
        await store.park(connection, [claim], ["odd-answer-418"], [False])
    async with bench.database.transaction() as connection:
        assert not await jobs.withdraw(connection, waiting)
        assert await jobs.withdraw(connection, parked)
        assert await jobs.withdraw(connection, parked)  # as it is gone
    left = await bench.depth()
    assert (left.waiting, left.parked) == (1, 0)


@pytest.mark.parametrize("is_said", [True, False])
async def test_and_so_is_who_has_it_after_a_release(bench: Bench, is_said: bool) -> None:
    [job_id] = await bench.add(b"")
    told = []

    async def work(claim: Claim) -> Verdict:
        told.append(claim.was_abandoned)
        if len(told) > 1:
            return Done()
        if is_said:
            return Again(reason="throttled")
        raise Unavailable("gateway")

    async def is_parked() -> bool:
        return (await bench.depth()).parked == 1

    once = Policy(first=0.01, ceiling=0.01, attempts=1)
    await bench.until(is_parked, worker(bench, work, policy=once))
    async with bench.database.acquire() as connection:
        await store.release(connection, QUEUE, [job_id])
    await bench.until(bench.empty, worker(bench, work, policy=once))
    assert told == [False, not is_said]


async def test_a_job_that_killed_its_workers_is_still_told_of_after_a_release(bench: Bench) -> None:
    [job_id] = await bench.add(b"")
    await bench.claim(lease_seconds=0.01)
    told = []

    async def work(claim: Claim) -> Verdict:
        told.append(claim.was_abandoned)
        return Done()

    async def is_parked() -> bool:
        return (await bench.depth()).parked == 1

    await bench.until(is_parked, worker(bench, work, policy=Policy(first=0.01, ceiling=0.01, attempts=1)))
    async with bench.database.acquire() as connection:
        await store.release(connection, QUEUE, [job_id])
    await bench.until(bench.empty, worker(bench, work))
    assert told == [True]


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

    def give_up(claim: Claim) -> Write:
        given_up.append(claim.job_id)
        return bench.effect(claim)

    await bench.until(bench.empty, worker(bench, work, give_up=give_up))
    assert (given_up, await bench.effects()) == ([job_id], Counter({job_id: 1}))
    async with bench.database.acquire() as connection:
        [parked] = await jobs.parked(connection, QUEUE)
        assert (parked.job_id, parked.payload, parked.attempts, parked.reason) == (job_id, b"x", 5, "gateway-down")
        assert await jobs.release(connection, QUEUE, [job_id, uuid4()]) == 1
    await bench.until(bench.empty, worker(bench, bench.done))
    assert bench.seen == [b"x"]


async def test_all_that_is_parked_is_seen_and_released_however_much_it_is(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a night in which the gateway refused every letter."""
    await bench.add(*(b"%d" % nth for nth in range(1_201)))
    async with bench.database.acquire() as connection:
        await connection.execute("update job set state = 'parked'")
    assert await commands.run(bench.database, [QUEUE], ["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1_201
    assert await commands.run(bench.database, [QUEUE], ["release", "all"]) == 0
    assert capsys.readouterr().out == "1201 of 1201 released\n"
    assert (await bench.depth()).parked == 0


async def test_somebody_on_duty_sees_parked_jobs_and_releases_them(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = await bench.add(b"one", b"two")
    for claim in await bench.claim():
        async with bench.database.transaction() as connection:
            await store.park(connection, [claim], ["odd-answer-418"], [False])
    assert await commands.run(bench.database, [QUEUE], ["list"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(job["job_id"], job["payload"], job["reason"]) for job in listed] == [
        (str(first), "one", "odd-answer-418"),
        (str(second), "two", "odd-answer-418"),
    ]
    for _ in range(2):
        assert await commands.run(bench.database, [QUEUE], ["release", str(first)]) == 0
    assert capsys.readouterr().out == "1 of 1 released\n0 of 1 released\n"
    assert await commands.run(bench.database, [QUEUE], ["release", "all"]) == 0
    assert (await bench.depth()).waiting == 2
    for wrong in ([], ["release"], ["release", "x"], ["list", "x"], ["drop"]):
        assert await commands.run(bench.database, [QUEUE], wrong) == 2


async def test_a_queue_that_nobody_works_is_told_of(bench: Bench) -> None:
    await bench.add(b"", b"")
    queue = {"queue": QUEUE}
    watching = asyncio.create_task(jobs.watch(bench.database, QUEUE, every=0.02))
    try:
        async with asyncio.timeout(10):
            while (REGISTRY.get_sample_value("mitsyg_jobs_oldest_seconds", queue) or 0) < 0.1:
                await asyncio.sleep(0.02)
        assert REGISTRY.get_sample_value("mitsyg_jobs_waiting", queue) == 2
    finally:
        watching.cancel()


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
        await store.finish(connection, [first])
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
