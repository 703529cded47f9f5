"""The topics that contracts/topics.py declares, made on a broker: `python -m deploy.kafka`; the stack uses the same code."""

from deploy.kafka.topics import TopicToMake, create_topics, declared_topics

__all__ = ["TopicToMake", "create_topics", "declared_topics"]
