"""What the stack asks of a broker: is it there, and make these topics."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from stack.errors import StackError
from stack.ports import is_answering
from stack.waiting import run


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicToMake:
    name: str
    partitions: int = 6
    config: Mapping[str, str] = field(default_factory=dict)


def is_broker_ready(bootstrap: str) -> bool:
    """Whether the broker answers and would accept a topic."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    return is_answering(host, int(port)) and run(_answers(bootstrap))


def create_topics(bootstrap: str, topics: Iterable[TopicToMake]) -> None:
    """Makes the topics that are not there yet, and returns when each of them has its leaders."""
    run(_create(bootstrap, list(topics)))


async def _answers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a broker that is still starting is what we wait for, not news
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
        logger.setLevel(level)
    return True


async def _create(bootstrap: str, topics: list[TopicToMake]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        made = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=1,
                    topic_configs=dict(topic.config),
                )
                for topic in topics
            ]
        )
        for name, code, *_ in made.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                message = f"topic {name} could not be made: {for_code(code).__name__}"
                raise StackError(message)
        await _wait_for_leaders(admin, [topic.name for topic in topics])
    finally:
        await admin.close()


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    async with asyncio.timeout(30):
        while True:
            described = await admin.describe_topics(names)
            if all(
                topic["error_code"] == 0
                and all(part["error_code"] == 0 and part["leader"] >= 0 for part in topic["partitions"])
                for topic in described
            ):
                return
            await asyncio.sleep(0.05)
