"""Notifications as intake keeps them: their ids with what they said, those that wait, the cards they proposed."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.nemrefusion.v1 import ReasonCode


class Notification(NamedTuple):
    """A notification that has its effect, waits for it, or repeats one: receipt and absence are those of `original_id`."""

    notification_id: UUID
    fingerprint: bytes
    original_id: UUID
    receipt_id: UUID
    absence_id: UUID


class Kept(NamedTuple):
    """A notification that waits for its absence; `sealed` is the whole record, under the citizen's key.

    With `refused` it no longer waits: it cannot join, and is to be buried. With `repeat_key` it is a report that was answered as
    a duplicate, kept behind the absence that stands under that key.
    """

    notification_id: UUID
    absence_id: UUID
    citizen_id: UUID
    kind: str
    sent_at: datetime
    sealed: bytes
    waits_since: datetime
    card_candidate: UUID | None = None
    refused: ReasonCode | None = None
    repeat_key: bytes | None = None


class Card(NamedTuple):
    """A proposed card: whose, and the vault's name for the proposal."""

    citizen_id: UUID
    candidate: UUID
