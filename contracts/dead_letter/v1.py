"""`<group>.dlq`: a record a consumer group could never work, with the reasons and its sealed original.

Outside the seal there is no personal data. Originals are sealed under a monthly key that is destroyed when the
letters have run out. An original too large for the topic stays sealed in the service's database, and the dead letter
refers to it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import override

from contracts.events import Encoded, Event, Instant, Part, encode
from contracts.position import Position
from contracts.topics import dead_letter_topic


class DeadLetterReason(Part):
    """Why, by field; the same codes as in the receipt, where there is one."""

    field: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z][a-z0-9-]*$")]


class SealedOriginal(Part):
    """The record's value, or key and headers and value, as the service sealed it."""

    key_id: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="The month's key")
    sealed: Annotated[str, Field(min_length=1, max_length=2_500_000)] | None = Field(
        default=None, description="Base64; absent where the original is kept in the service's database"
    )
    kept_as: UUID | None = Field(
        default=None, description="Its id in the service's database, where it was too large to travel"
    )
    size_bytes: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _is_here_or_kept(self) -> Self:
        if (self.sealed is None) == (self.kept_as is None):
            raise ValueError("an original is either in the letter or kept in the database")
        return self


class DeadLetter(Event):
    """A record that can never be worked as it is; it goes to the dead-letter topic of the group that failed."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.dead_letter.v1"
    KEY: ClassVar[str] = "position"

    group: Annotated[str, Field(max_length=249, pattern=r"^mitsyg\.[a-z_]+\.[a-z0-9._-]+$")] = Field(
        description="The consumer group that could not work it"
    )
    position: Position
    original_timestamp_ms: int = Field(
        description="The record's own timestamp: told, never trusted (may be 0, negative or in the year 3000)"
    )
    reasons: Annotated[tuple[DeadLetterReason, ...], Field(min_length=1, max_length=200)]
    original: SealedOriginal | None = Field(
        description="None only for a record that had neither key, headers nor value"
    )
    failed_at: Instant

    @override
    def record_topic(self) -> str:
        return dead_letter_topic(self.group)

    @override
    def record_source(self) -> str:
        return f"/mitsygefravaer/{self.group.split('.')[1]}"


def record(
    *,
    group: str,
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    reasons: Sequence[tuple[str, str]],
    key_id: str,
    sealed: str | None,
    kept_as: UUID | None,
    size_bytes: int,
    event_id: UUID,
    failed_at: datetime,
) -> Encoded:
    """A dead letter as it goes to Kafka; `reasons` are pairs of field and code."""
    letter = DeadLetter(
        group=group,
        position=Position(topic=topic, partition=partition, offset=offset),
        original_timestamp_ms=timestamp_ms,
        reasons=tuple(DeadLetterReason(field=field[:200], code=code) for field, code in reasons[:200]),
        original=SealedOriginal(key_id=key_id, sealed=sealed, kept_as=kept_as, size_bytes=size_bytes),
        failed_at=failed_at,
    )
    return encode(letter, event_id=event_id, time=failed_at)
