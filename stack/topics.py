"""The topics that contracts/topics.py declares, made on a broker. As a command it serves the compose file's one-shot service:
`python -m stack.topics <bootstrap>`.
"""

import sys

from contracts.topics import TOPICS
from stack.kafka_admin import TopicToMake, create_topics


def declared_topics(prefix: str = "") -> tuple[TopicToMake, ...]:
    return tuple(
        TopicToMake(name=f"{prefix}{topic.name}", partitions=topic.partitions, config=topic.kafka_config())
        for topic in TOPICS
    )


if __name__ == "__main__":
    create_topics(sys.argv[1], declared_topics())
