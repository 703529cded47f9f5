"""Every Kafka topic of the system, as data: the stack creates them from here, deployments too, docs are generated
from here.

Names are `<domain>.<aggregate>.v<major>`; consumer groups are `mitsyg.<service>.<topic>`; a dead-letter topic belongs
to the consumer group whose work failed and is called `<group>.dlq`. No topic's key, name or header ever carries
personal data.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

PARTITIONS: Final = 6
MIB: Final = 1024 * 1024

# A notification may be 1 MiB. The topic takes more, so that a reporter who sends too much gets an answer from us and
# not an error from the broker that nobody reads.
LARGEST_NOTIFICATION_BYTES: Final = MIB
_LARGEST_ANSWERED_BYTES: Final = 11 * MIB
_LARGEST_EVENT_BYTES: Final = MIB
# A dead letter holds its original sealed and in base64 (4/3), and the original's headers.
_LARGEST_DEAD_LETTER_BYTES: Final = 3 * MIB

Audience = Literal["reporters", "everyone", "ours"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic. `owner` is the only service that writes it (`reporters` for the input)."""

    name: str
    owner: str
    key: str
    """What the record key is, in words."""
    audience: Audience
    description: str
    partitions: int = PARTITIONS
    retention: timedelta = timedelta(days=7)
    max_message_bytes: int = _LARGEST_EVENT_BYTES
    consumers: tuple[str, ...] = field(default=())
    """Our services that read it, each in a group of its own with a dead-letter topic of its own."""

    def kafka_config(self) -> dict[str, str]:
        """Topic configuration in Kafka's own words."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(int(self.retention.total_seconds() * 1000)),
            "max.message.bytes": str(self.max_message_bytes),
        }


NEMREFUSION_NOTIFICATION: Final = Topic(
    name="nemrefusion.notification.v1",
    owner="reporters",
    key="any or none, never a CPR number; the absence reference is a good choice: it keeps an absence in order",
    audience="reporters",
    description="Notifications about sickness absence from employers, unemployment funds and self-employed people.",
    max_message_bytes=_LARGEST_ANSWERED_BYTES,
    consumers=("intake",),
)
NEMREFUSION_RECEIPT: Final = Topic(
    name="nemrefusion.receipt.v1",
    owner="intake",
    key="notification id; the receipt's own id where the notification could not be read so far",
    audience="reporters",
    description="Exactly one receipt per notification: accepted, duplicate, waiting, or rejected with reasons.",
)
ABSENCE: Final = Topic(
    name="sygefravaer.absence.v1",
    owner="intake",
    key="absence id",
    audience="ours",
    description="Accepted notifications, normalised; what the reporter told is sealed under the citizen's key.",
    consumers=("tasks", "uploads"),
)
TASK: Final = Topic(
    name="sygefravaer.task.v1",
    owner="tasks",
    key="absence id",
    audience="everyone",
    description="The life of citizens' tasks: metadata only, no sensitive field.",
)
LETTER_REQUEST: Final = Topic(
    name="sygefravaer.letter-request.v1",
    owner="tasks",
    key="absence id",
    audience="ours",
    description="Letters to send: one request per letter, naming the tasks it tells about.",
    consumers=("notifier",),
)
LETTER: Final = Topic(
    name="sygefravaer.letter.v1",
    owner="notifier",
    key="absence id",
    audience="everyone",
    description="What became of each letter: proven dispatched with channel, instant and proof, or failed.",
    consumers=("tasks",),
)
DOCUMENT: Final = Topic(
    name="sygefravaer.document.v1",
    owner="uploads",
    key="absence id",
    audience="ours",
    description="Documents that citizens sent, each found clean and stored; what was refused; what was recalled.",
)

EVENT_TOPICS: Final[tuple[Topic, ...]] = (
    NEMREFUSION_NOTIFICATION,
    NEMREFUSION_RECEIPT,
    ABSENCE,
    TASK,
    LETTER_REQUEST,
    LETTER,
    DOCUMENT,
)


def consumer_group(service: str, topic: str) -> str:
    """The one consumer group of a service for a topic."""
    return f"mitsyg.{service}.{topic}"


def dead_letter_topic(group: str) -> str:
    """Where a consumer group puts what it can never work."""
    return f"{group}.dlq"


def _dead_letters_of(topic: Topic) -> tuple[Topic, ...]:
    return tuple(
        Topic(
            name=dead_letter_topic(consumer_group(service, topic.name)),
            owner=service,
            key="where the original stood: topic:partition:offset",
            audience="ours",
            description=f"What {service} could never work from {topic.name}; originals sealed under the month's key.",
            retention=timedelta(days=30),
            max_message_bytes=_LARGEST_DEAD_LETTER_BYTES,
        )
        for service in topic.consumers
    )


TOPICS: Final[tuple[Topic, ...]] = EVENT_TOPICS + tuple(
    dlq for topic in EVENT_TOPICS for dlq in _dead_letters_of(topic)
)
