"""What the stack asks of a broker: is it there?"""

import logging

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stack.ports import is_answering
from stack.waiting import run


def is_broker_ready(bootstrap: str) -> bool:
    """Whether the broker answers a question that needs its metadata."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    return is_answering(host, int(port)) and run(_answers(bootstrap))


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
