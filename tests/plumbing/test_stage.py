"""A batch has its effects, its fates and its announcements together, once, whatever breaks in between."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from plumbing import faults, ids
from plumbing.bus import Record
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.errors import Unavailable
from plumbing.faults import FaultInjected
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection, Database
from plumbing.stage import Arrival, Passed, Reading, Refusal, Result, Stage, event_reader
from tests.plumbing.helpers import Message, fresh_group, member, produce, until
from tests.support.fixtures import TopicFactory

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOON


class Malformed(Exception):
    code, field = "malformed", "body"


class Unknown(Exception):
    pass


def decode(record: Record) -> tuple[str, str]:
    """`id:text` is a message; `!` is malformed; `?` is of a kind nobody knows."""
    value = (record.value or b"!").decode()
    if value.startswith("!"):
        raise Malformed
    if value.startswith("?"):
        raise Unknown
    message_id, _, text = value.partition(":")
    return message_id, text


@dataclass(slots=True)
class Desk:
    """A stage whose work notes each message as an effect and announces it; `late` ones are refused by the work itself, `early`
    ones put by."""

    pool: Database
    late: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()
    is_vault_away: bool = False
    keys_asked: int = 0
    commits: int = 0
    breaks: Exception | None = None
    seen: list[list[str]] = field(default_factory=list)

    def stage(self) -> Stage[str]:
        return Stage(
            self.pool,
            read=event_reader(decode, faults=(Malformed,), unknown=Unknown),
            work=self._work,
            undertaker=Undertaker(fetch_key=self._key, write=_dead_letter, clock=Clock(), group="g"),
            after_commit=self._committed,
        )

    async def _work(self, connection: Connection, arrivals: Sequence[Arrival[str]]) -> Result:
        self.seen.append([one.message_id for one in arrivals])
        result = Result()
        for one in arrivals:
            if one.message_id in self.late:
                refusal = Refusal(record=one.record, message_id=one.message_id, code="too-late", field="time")
                result.refused.append(refusal)
                continue
            if one.message_id in self.early:
                result.parked.add(one.message_id)
                continue
            await connection.execute("insert into effect values ($1, $2)", one.message_id, one.message)
            result.outgoing.append(
                Message(topic="out", value=one.message.encode(), event_id=ids.derive(one.message_id))
            )
        if self.breaks is not None:
            raise self.breaks
        return result

    async def _key(self, month: str) -> MonthKey:
        self.keys_asked += 1
        if self.is_vault_away:
            raise Unavailable("citizens")
        return MonthKey(key_id=month, key=bytes(32))

    def _committed(self) -> None:
        self.commits += 1

    async def effects(self) -> list[str]:
        return await self._column("select message_id from effect order by message_id")

    async def announced(self) -> list[str]:
        return [value.decode() for value in await self._column("select payload from outbox order by seq")]

    async def fates(self) -> list[tuple[int, str, str | None]]:
        async with self.pool.acquire() as connection:
            rows = await connection.fetch('select "offset", fate, reason from inbox_record order by 1')
        return [(row[0], row[1], row[2]) for row in rows]

    async def _column(self, sql: str) -> list[Any]:
        async with self.pool.acquire() as connection:
            return [row[0] for row in await connection.fetch(sql)]


def _dead_letter(*, offset: int, reasons: Sequence[tuple[str, str]], event_id: Any, **_: Any) -> Outgoing:
    (reason,) = reasons
    return Message(topic="dlq", value=f"dead {offset} {reason[0]} {reason[1]}".encode(), event_id=event_id)


def batch(*values: str, begin: int = 0) -> list[Record]:
    return [
        Record(
            topic="in", partition=0, offset=begin + nth, key=None, value=value.encode(), headers=(), timestamp_ms=1_000
        )
        for nth, value in enumerate(values)
    ]


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(text: str) -> None:
        monkeypatch.setattr(faults, "_plan", faults._parse(text))
        monkeypatch.setattr(faults, "_passed", Counter())

    return set_to


# what becomes of records ----------------------------------------------------------------------------------------------------


async def test_each_message_has_its_effect_its_fate_and_its_announcement(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("a:1", "b:2", "c:3"))

    assert await desk.effects() == ["a", "b", "c"]
    assert await desk.announced() == ["1", "2", "3"]
    assert await desk.fates() == [(0, "accepted", None), (1, "accepted", None), (2, "accepted", None)]
    assert desk.seen == [["a", "b", "c"]]
    assert desk.commits == 1


async def test_a_batch_delivered_again_changes_nothing(pool: Database) -> None:
    desk = Desk(pool, late=frozenset({"d"}))
    records = batch("a:1", "!", "?", "d:4", "a:1")
    await desk.stage()(records)
    before = (await desk.effects(), await desk.announced(), await desk.fates())
    await desk.stage()(records)

    assert (await desk.effects(), await desk.announced(), await desk.fates()) == before


async def test_an_id_that_stands_twice_in_a_batch_has_one_effect(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("a:first", "b:2", "a:second"))

    assert await desk.announced() == ["first", "2"]
    assert await desk.fates() == [(0, "accepted", None), (1, "accepted", None), (2, "duplicate", None)]


async def test_an_id_of_an_earlier_batch_is_a_duplicate(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("a:1"))
    await desk.stage()(batch("a:again", "b:2", begin=1))

    assert await desk.announced() == ["1", "2"]
    assert await desk.fates() == [(0, "accepted", None), (1, "duplicate", None), (2, "accepted", None)]


async def test_a_refused_record_is_buried_once_and_those_beside_it_go_on(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("a:1", "!", "b:2"))
    await desk.stage()(batch("!", "c:3", begin=1))  # redelivered with others

    assert await desk.effects() == ["a", "b", "c"]
    assert await desk.announced() == ["1", "2", "dead 1 body malformed", "3"]
    assert (await desk.fates())[1] == (1, "rejected", "malformed")


async def test_two_refused_records_with_the_same_bytes_are_two(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("!", "!"))

    assert await desk.announced() == ["dead 0 body malformed", "dead 1 body malformed"]


async def test_a_record_of_an_unknown_kind_is_passed_and_not_buried(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("?", "a:1"))

    assert await desk.announced() == ["1"]
    assert await desk.fates() == [(0, "passed", None), (1, "accepted", None)]
    assert desk.keys_asked == 0


async def test_what_the_work_puts_by_is_parked_once(pool: Database) -> None:
    desk = Desk(pool, early=frozenset({"b"}))
    await desk.stage()(batch("a:1", "b:2", "b:2"))

    assert await desk.announced() == ["1"]
    assert await desk.fates() == [(0, "accepted", None), (1, "parked", None), (2, "duplicate", None)]


async def test_what_the_work_refuses_is_buried_too_although_no_key_was_at_hand(pool: Database) -> None:
    desk = Desk(pool, late=frozenset({"b"}))
    await desk.stage()(batch("a:1", "b:2"))

    assert await desk.effects() == ["a"]
    assert await desk.announced() == ["1", "dead 1 time too-late"]
    assert await desk.fates() == [(0, "accepted", None), (1, "rejected", "too-late")]
    assert desk.keys_asked == 1


async def test_what_the_work_refused_is_worked_when_it_is_replayed_and_then_once(pool: Database) -> None:
    desk = Desk(pool, late=frozenset({"a"}))
    await desk.stage()(batch("a:1"))
    await desk.stage()(batch("a:1", begin=1))  # replayed too early
    assert await desk.announced() == ["dead 0 time too-late", "dead 1 time too-late"]

    desk.late = frozenset()
    await desk.stage()(batch("a:1", "a:1", begin=2))
    await desk.stage()(batch("a:1", begin=4))
    assert await desk.effects() == ["a"]
    assert [fate for _, fate, _ in await desk.fates()] == ["rejected", "rejected", "accepted", "duplicate", "duplicate"]


async def test_a_refused_record_keeps_its_fate_though_it_could_be_worked_by_now(pool: Database) -> None:
    """Delivered again beside its replay and others: its dead letter says what became of it, and only the replay is worked."""
    desk = Desk(pool, late=frozenset({"a"}))
    await desk.stage()(batch("a:1", "b:2"))
    desk.late = frozenset()
    await desk.stage()(batch("a:1", "b:2"))
    assert await desk.effects() == ["b"]
    await desk.stage()(batch("a:1", "b:2", "a:1", "c:3"))

    assert await desk.effects() == ["a", "b", "c"]
    assert await desk.announced() == ["2", "dead 0 time too-late", "1", "3"]
    assert [fate for _, fate, _ in await desk.fates()] == ["rejected", "accepted", "accepted", "accepted"]


async def test_the_same_twice_in_a_batch_is_refused_twice_as_in_two_batches(pool: Database) -> None:
    desk = Desk(pool, late=frozenset({"a"}))
    await desk.stage()(batch("a:1", "a:1"))

    assert await desk.fates() == [(0, "rejected", "too-late"), (1, "rejected", "too-late")]
    assert await desk.announced() == ["dead 0 time too-late", "dead 1 time too-late"]


async def test_of_a_refusal_and_an_acceptance_at_once_the_record_has_the_first_fate(pool: Database) -> None:
    """A member that lost its partitions refuses what the one that has them now could work."""
    for begin in range(0, 40, 2):
        records = batch(f"{begin}:1", f"x{begin}:2", begin=begin)
        late, early = Desk(pool, late=frozenset({f"{begin}"})), Desk(pool)
        await asyncio.gather(late.stage()(records), early.stage()(records))
        effects, announced = await late.effects(), await late.announced()
        is_refused = f"dead {begin} time too-late" in announced
        assert (f"{begin}" in effects) is not is_refused
        assert effects.count(f"x{begin}") == 1


async def test_while_the_vault_is_away_a_refusal_waits_and_leaves_nothing(pool: Database) -> None:
    desk = Desk(pool, is_vault_away=True)
    with pytest.raises(Unavailable):
        await desk.stage()(batch("a:1", "!"))

    assert (await desk.effects(), await desk.announced(), await desk.fates()) == ([], [], [])
    assert desk.commits == 0


async def test_a_record_of_a_topic_made_anew_is_worked_although_its_offset_was_seen(pool: Database) -> None:
    desk = Desk(pool)
    await desk.stage()(batch("a:1", "!"))
    await desk.stage()(batch("b:2", "!!"))

    assert await desk.effects() == ["a", "b"]
    assert [value for value in await desk.announced() if value.startswith("dead")] == ["dead 1 body malformed"] * 2


def test_reading_tells_arrivals_refusals_and_strangers_apart() -> None:
    read = event_reader(decode, faults=(Malformed,), unknown=Unknown)
    kinds: list[type[Reading[str]]] = [type(read(record)) for record in batch("a:1", "!", "?")]

    assert kinds == [Arrival, Refusal, Passed]


# what breaks in between -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["stage.before_transaction", "stage.after_inbox", "stage.before_commit"])
async def test_what_breaks_before_the_commit_leaves_nothing_and_the_repeat_has_one_effect(
    pool: Database, plan: Any, point: str
) -> None:
    desk = Desk(pool)
    records = batch("a:1", "!", "a:1")
    plan(f"{point}:raise:1")
    with pytest.raises(FaultInjected):
        await desk.stage()(records)
    assert (await desk.effects(), await desk.announced(), await desk.fates()) == ([], [], [])

    await desk.stage()(records)
    assert await desk.effects() == ["a"]
    assert await desk.announced() == ["1", "dead 1 body malformed"]


async def test_what_breaks_after_the_commit_has_had_its_one_effect(pool: Database, plan: Any) -> None:
    desk = Desk(pool)
    records = batch("a:1", "!", "a:1")
    plan("stage.after_commit:raise:1")
    with pytest.raises(FaultInjected):
        await desk.stage()(records)
    await desk.stage()(records)

    assert await desk.effects() == ["a"]
    assert await desk.announced() == ["1", "dead 1 body malformed"]
    assert [fate for _, fate, _ in await desk.fates()] == ["accepted", "rejected", "duplicate"]


async def test_work_that_raises_leaves_nothing(pool: Database) -> None:
    desk = Desk(pool, breaks=asyncpg.DeadlockDetectedError())
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await desk.stage()(batch("a:1"))

    assert (await desk.effects(), await desk.announced(), await desk.fates()) == ([], [], [])


@pytest.mark.parametrize(
    "point",
    ["bus.after_fetch", "stage.after_inbox", "stage.before_commit", "stage.after_commit", "bus.before_offset_commit"],
)
async def test_on_kafka_each_record_has_one_effect_wherever_it_breaks(
    pool: Database, kafka: str, topics: TopicFactory, plan: Any, point: str
) -> None:
    topic, desk = topics(), Desk(pool)
    plan(f"{point}:raise:1,{point}:raise:2")
    values = [f"{uuid4()}:{nth}" for nth in range(30)]
    await produce(kafka, topic, *(value.encode() for value in values[:20]), b"!", *(v.encode() for v in values[15:]))

    async with member(kafka, topic, fresh_group(), desk.stage(), max_records=7):
        await until(lambda: has(desk, 36), 20)

    assert sorted(await desk.effects()) == sorted(value.partition(":")[0] for value in values)
    announced = await desk.announced()
    assert [value for value in announced if not value.startswith("dead")] == [str(nth) for nth in range(30)]
    assert [value for value in announced if value.startswith("dead")] == ["dead 20 body malformed"]
    assert Counter(fate for _, fate, _ in await desk.fates()) == {"accepted": 30, "duplicate": 5, "rejected": 1}


async def test_two_members_with_the_same_records_at_once_have_one_effect(pool: Database) -> None:
    """A member that lost its partitions without knowing works beside the one that has them now."""
    desks = [Desk(pool), Desk(pool)]
    records = batch(*(f"{nth}:{nth}" for nth in range(200)))
    await asyncio.gather(desks[0].stage()(records), desks[1].stage()(list(reversed(records))))

    assert len(await desks[0].effects()) == 200
    assert len(await desks[0].announced()) == 200


async def has(desk: Desk, number: int) -> bool:
    return len(await desk.fates()) == number
