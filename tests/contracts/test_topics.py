"""The topics as data: names, groups, dead letters."""

import re

from contracts.topics import EVENT_TOPICS, TOPICS, consumer_group, dead_letter_topic


def test_no_topic_is_named_twice() -> None:
    names = [topic.name for topic in TOPICS]

    assert len(names) == len(set(names))


def test_names_say_domain_aggregate_and_major_version() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z-]+\.v[1-9][0-9]*", topic.name) for topic in EVENT_TOPICS)
    assert all(len(topic.name) <= 249 for topic in TOPICS)


def test_every_consumer_has_a_dead_letter_topic_kept_for_30_days() -> None:
    kept = {topic.name: topic for topic in TOPICS}

    for topic in EVENT_TOPICS:
        for service in topic.consumers:
            dead = kept[dead_letter_topic(consumer_group(service, topic.name))]
            assert (dead.owner, dead.retention.days) == (service, 30)
            assert dead.partitions == topic.partitions


def test_input_and_events_are_kept_for_7_days() -> None:
    assert {topic.retention.days for topic in EVENT_TOPICS} == {7}


def test_a_notification_that_is_too_large_reaches_us_so_that_it_can_be_answered() -> None:
    (notification,) = (topic for topic in TOPICS if topic.owner == "reporters")

    assert int(notification.kafka_config()["max.message.bytes"]) > 10 * 1024 * 1024


def test_a_dead_letter_topic_holds_the_largest_notification_sealed() -> None:
    sealed = 1024 * 1024 * 4 / 3

    assert all(topic.max_message_bytes > sealed * 1.5 for topic in TOPICS if topic not in EVENT_TOPICS)
