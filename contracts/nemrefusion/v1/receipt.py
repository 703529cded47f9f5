"""`nemrefusion.receipt.v1`: the one answer each notification gets (spec N3, N4). Holds nothing of what was sent but
its ids.
"""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field
from typing_extensions import override

from contracts.events import Event, Instant
from contracts.nemrefusion.v1.reasons import Reason
from contracts.position import Position
from contracts.topics import NEMREFUSION_RECEIPT, Topic


class Outcome(StrEnum):
    """What became of a notification."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    WAITING = "waiting"
    REJECTED = "rejected"


class Receipt(Event):
    """The answer to one notification."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.notification.receipted.v1"
    TOPIC: ClassVar[Topic] = NEMREFUSION_RECEIPT
    SOURCE: ClassVar[str] = "/mitsygefravaer/intake"
    KEY: ClassVar[str] = "notification_id"

    receipt_id: UUID = Field(description="A duplicate gets its original's receipt id again")
    notification_id: UUID | None = Field(default=None, description="None where the message could not be read so far")
    outcome: Outcome = Field(description="`waiting`: accepted, and takes effect once the absence it refers to is known")
    reasons: Annotated[tuple[Reason, ...], Field(max_length=200)] = Field(
        default=(), description="Why it was rejected, one per field"
    )
    ignored_fields: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How many fields we don't know were passed over"
    )
    absence_reference: UUID | None = None
    absence_id: UUID | None = Field(
        default=None, description="The absence it belongs to, also where it waits for that; None where it was rejected"
    )
    received_at: Instant
    position: Position = Field(description="Where the notification stood on its topic")

    @override
    def record_key(self) -> str:
        return str(self.notification_id or self.receipt_id)
