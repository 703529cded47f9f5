"""What a campaign takes as evidence, on real servers: Kafka's own record of who was a member of a group, and who waited for a
lock."""

import asyncio
from collections.abc import Sequence

import asyncpg

from campaign.groups import Groups
from campaign.provoke import hold_lock
from plumbing import inbox
from plumbing.bus import Record
from stack import DatabaseAddresses
from tests.plumbing.helpers import fresh_group, member, until
from tests.support.fixtures import PlainDatabaseFactory, TopicFactory


async def work(_: Sequence[Record]) -> None:
    pass


async def test_one_that_joins_and_leaves_is_found_in_what_kafka_wrote_down(kafka: str, topics: TopicFactory) -> None:
    topic, group, groups = topics(partitions=2), fresh_group(), Groups(bootstrap=kafka)

    async def found() -> tuple[int, int]:
        """Rebalances of the group, and of how many members it was at most."""
        await groups.look()
        return sum(one.group == group for one in groups.rebalances), groups.largest.get(group, 0)

    async def becomes(wanted: tuple[int, int]) -> bool:
        return await found() == wanted

    async with member(kafka, topic, group, work):
        await until(lambda: becomes((0, 1)))
        async with member(kafka, topic, group, work):
            await until(lambda: becomes((1, 2)))
        await until(lambda: becomes((2, 2)))
    assert await found() == (2, 2)  # who leaves last leaves nobody behind
    before, groups = groups.rebalances, Groups(bootstrap=kafka)
    assert await found() == (2, 2)
    assert [one for one in groups.rebalances if one.group == group] == [one for one in before if one.group == group]


async def test_a_lock_tells_for_how_long_somebody_waited(plain_database: PlainDatabaseFactory) -> None:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    await owner.execute(inbox.SCHEMA.replace("{role}", addresses.role))
    await owner.close()
    assert await asyncio.to_thread(hold_lock, addresses.owner_dsn, 0.5) == 0
    waiting = asyncio.create_task(_wait(addresses, 0.5))
    waited = await asyncio.to_thread(hold_lock, addresses.owner_dsn, 1.5)
    await waiting
    assert 0.5 < waited < 1.5


async def _wait(addresses: DatabaseAddresses, seconds: float) -> None:
    await asyncio.sleep(seconds)
    service = await asyncpg.connect(addresses.runtime_dsn)
    await service.fetch("select * from inbox_record")
    await service.close()
