"""`python -m deploy.kafka`: makes the declared topics at KAFKA_BOOTSTRAP_SERVERS, TOPIC_REPLICATION times (default 3).

Running it again changes nothing; topics that are there keep what they have. Exit code 69 when the broker is not there.
"""

import asyncio
import os
import sys

from aiokafka.errors import KafkaConnectionError

from deploy.kafka.topics import create_topics, declared_topics


def main() -> int:
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not bootstrap:
        print("topics: KAFKA_BOOTSTRAP_SERVERS is missing", file=sys.stderr)
        return 78
    topics = declared_topics(replication=int(os.environ.get("TOPIC_REPLICATION", "3")))
    try:
        made = asyncio.run(create_topics(bootstrap, topics))
    except KafkaConnectionError:
        print(f"topics: no broker answers at {bootstrap}", file=sys.stderr)
        return 69
    print(f"topics: {made} made, {len(topics) - made} were there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
