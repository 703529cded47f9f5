"""The metrics that every service has; labels never hold ids."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("mitsyg_records", "Records that were settled, by topic and fate.", ("topic", "fate"))
REFUSALS = Counter(
    "mitsyg_refused_records", "Records that were rejected, by topic and first reason.", ("topic", "reason")
)
BATCH_SECONDS = Histogram(
    "mitsyg_batch_seconds",
    "Time from a batch's arrival to its commit, retries included.",
    ("topic",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
BATCH_RETRIES = Counter("mitsyg_batch_retries", "Batches tried again in place, by topic and cause.", ("topic", "cause"))
BATCH_RECORDS = Histogram(
    "mitsyg_batch_records", "Records in a batch.", ("topic",), buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500)
)
CONSUMER_LAG = Gauge("mitsyg_consumer_lag_records", "Records fetched positions are behind the log's end.", ("topic",))
CONSUMER_PROGRESS = Gauge(
    "mitsyg_consumer_last_progress_timestamp_seconds", "When a batch was last finished.", ("topic",)
)
CONSUMER_STANDING = Gauge(
    "mitsyg_consumer_standing_seconds",
    "How long a partition with records to read has not moved, without the time that batches were in work.",
    ("topic",),
)
CONSUMER_BLIND = Gauge(
    "mitsyg_consumer_blind_seconds",
    "For how long the broker has not told where the log ends; lag and standing are as old.",
    ("topic",),
)
TOPIC_WENT_BACK = Counter(
    "mitsyg_topic_went_back",
    "Partitions that ended before where they had ended: deleted and made anew, or records lost.",
    ("topic",),
)
PARTITION_UNREADABLE = Counter(
    "mitsyg_partition_unreadable", "Times that what was fetched of a partition could not be unpacked.", ("topic",)
)
PERSONAL_KEYS = Counter("mitsyg_personal_keys", "Records whose key looks like a CPR number, by topic.", ("topic",))
OUTBOX_WAITING = Gauge("mitsyg_outbox_waiting_messages", "Messages waiting in the outbox.")
OUTBOX_OLDEST = Gauge("mitsyg_outbox_oldest_seconds", "Age of the oldest message in the outbox.")
OUTBOX_PRODUCED = Counter("mitsyg_outbox_produced", "Messages that Kafka has acknowledged.")
OUTBOX_CLOSED = Gauge("mitsyg_outbox_closed_topics", "Topics that are not there for us; their messages wait.")
OUTBOX_PARKED = Gauge("mitsyg_outbox_parked_keys", "Keys whose messages wait because Kafka refused one for good.")
OUTBOX_PARKED_KEYS = Counter("mitsyg_outbox_keys_parked", "Keys that were parked since the start.")
LOG_LINES_DROPPED = Counter("mitsyg_log_lines_dropped", "Log lines given up because the pipe was full.")
BUILD = Gauge("mitsyg_build_info", "Which service and version this is.", ("service", "version"))


def begin_at_zero(topic: str, fates: Iterable[str], reasons: Iterable[str]) -> None:
    """Whatever may be counted of a topic is there before it is: what begins with a one shows no increase, and raises no alarm."""
    for fate in fates:
        RECORDS.labels(topic, fate)
    for reason in reasons:
        REFUSALS.labels(topic, reason)
    PERSONAL_KEYS.labels(topic)
    TOPIC_WENT_BACK.labels(topic)
    PARTITION_UNREADABLE.labels(topic)


def count_records(settled: Iterable[tuple[str, str]]) -> None:
    """Count what a batch came to: the topic and the fate of each record."""
    for (topic, fate), number in Tally(settled).items():
        RECORDS.labels(topic, fate).inc(number)


def count_refusals(refused: Iterable[tuple[str, str]]) -> None:
    """Count what a batch was refused for: the topic and the first reason of each record; reasons are of a closed list."""
    for (topic, reason), number in Tally(refused).items():
        REFUSALS.labels(topic, reason).inc(number)
