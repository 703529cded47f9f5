"""Makes topics. One that is there is left as it is; when the call returns, each has leaders and can be written."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS

_LEADERS_TIMEOUT_S = 30


class TopicRefused(Exception):
    """The broker will not make a topic; the text gives its name and the broker's reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicToMake:
    name: str
    partitions: int = 6
    replication: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


def declared_topics(*, prefix: str = "", replication: int = 1) -> tuple[TopicToMake, ...]:
    """The topics of contracts/topics.py. With three replicas a write needs two of them."""
    in_sync = {"min.insync.replicas": str(max(1, replication - 1))}
    return tuple(
        TopicToMake(
            name=f"{prefix}{topic.name}",
            partitions=topic.partitions,
            replication=replication,
            config={**topic.kafka_config(), **in_sync},
        )
        for topic in TOPICS
    )


async def create_topics(bootstrap: str, topics: Sequence[TopicToMake]) -> int:
    """Gives the number of topics that were not there before."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([_new_topic(topic) for topic in topics])
        outcomes = {name: code for name, code, *_ in answer.topic_errors}
        _raise_if_refused(outcomes)
        async with asyncio.timeout(_LEADERS_TIMEOUT_S):
            while not await _have_leaders(admin, [topic.name for topic in topics]):
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    return sum(code == 0 for code in outcomes.values())


def _new_topic(topic: TopicToMake) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=topic.replication,
        topic_configs=dict(topic.config),
    )


def _raise_if_refused(outcomes: Mapping[str, int]) -> None:
    for name, code in outcomes.items():
        if code not in (0, TopicAlreadyExistsError.errno):
            message = f"topic {name}: {for_code(code).__name__}"
            raise TopicRefused(message)


async def _have_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> bool:
    described = await admin.describe_topics(names)
    return all(topic["error_code"] == 0 and all(map(_has_leader, topic["partitions"])) for topic in described)


def _has_leader(partition: Mapping[str, int]) -> bool:
    return partition["error_code"] == 0 and partition["leader"] >= 0
