"""Every event about absences through a real broker: in order, doubled, told again from the beginning (F160, F161, L12)."""

from uuid import UUID, uuid4

from contracts.absence.v1 import AbsenceEvent
from contracts.events import encode
from tests.plumbing.helpers import committed, fresh_group, member, producer, until
from tests.support.fixtures import TopicFactory
from tests.support.tasks_house import NOW, House, Reporter


def lives(number: int) -> list[list[AbsenceEvent]]:
    told: list[list[AbsenceEvent]] = []
    for _ in range(number):
        reporter = Reporter()
        told.append(
            [
                reporter.reports(),
                reporter.amends(municipality_code="0461"),
                reporter.asks_for_refund(),
                reporter.tells_recovery(),
                reporter.withdraws(),
            ]
        )
    return told


async def test_lives_that_are_doubled_and_read_again_from_the_beginning_take_effect_once(
    house: House, kafka: str, topics: TopicFactory
) -> None:
    topic = topics("sygefravaer.absence.v1", partitions=3)
    told = lives(40)
    ids: dict[int, UUID] = {}
    async with producer(kafka) as client:
        for step in range(5):
            for life in told:
                event = life[step]
                one = encode(event, event_id=ids.setdefault(id(event), uuid4()), time=NOW, topic=topic)
                for _ in range(2):
                    await client.send(topic, one.value, key=one.key.encode(), headers=list(one.headers))
        await client.flush()

    async def is_read_by(group: str) -> bool:
        return sum([await committed(kafka, group, topic, nth) or 0 for nth in range(3)]) == 400

    first, second = fresh_group(), fresh_group()  # the second begins anew
    async with member(kafka, topic, first, house.absences):
        await until(lambda: is_read_by(first), 60)
    requests, events = await house.requests(), await house.messages("sygefravaer.task.v1")
    async with member(kafka, topic, second, house.absences):
        await until(lambda: is_read_by(second), 60)
    assert await house.requests() == requests
    assert await house.messages("sygefravaer.task.v1") == events
    assert sorted(await house.fates()) == ["accepted"] * 200 + ["duplicate"] * 200
    assert len(requests) == 40 * 3
    rows = await house.rows("select state, version, municipality_code from absence")
    assert {tuple(row) for row in rows} == {("withdrawn", 5, "0461")}
    assert await house.rows("select * from task where state = 'open'") == []
