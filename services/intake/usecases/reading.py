"""How a record of the notification topic is read: a notification that can be taken in, or why there is none.

Everything that can be told from the record, the time and the settings is decided here, before any transaction; nothing
raises.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from typing_extensions import override

from contracts.nemrefusion.v1 import (
    WHOLE_MESSAGE,
    AnyNotification,
    Parsed,
    Reason,
    ReasonCode,
    parse_notification,
    reason,
)
from plumbing import ids, inbox
from plumbing.bus import Record
from plumbing.bus.unpacking import MOST_BYTES
from services.intake.domain import Rules, objections


class Notice(NamedTuple):
    """A notification that can be accepted as far as it can be told from itself."""

    record: Record
    notification: AnyNotification
    fingerprint: bytes
    ignored_fields: int

    @override
    def __repr__(self) -> str:
        return f"Notice({self.record!r})"  # what it says is nobody's business


class Rejected(NamedTuple):
    """A record that cannot be accepted, with the ids that could be read, so that the reporter gets an answer."""

    record: Record
    reasons: tuple[Reason, ...]
    notification_id: UUID | None
    absence_reference: UUID | None

    @property
    def receipt_id(self) -> UUID:
        """Named by where the record stands: it may carry no id that could be trusted."""
        return ids.derive(inbox.position_id(self.record), "receipt")


_UNREAD: Final = reason(
    WHOLE_MESSAGE,
    ReasonCode.TOO_LARGE,
    "The message was not read: it stands in a compressed batch that unfolds to more than "
    f"{MOST_BYTES // 2**20} MiB. Send smaller batches.",
)


def read(record: Record, received_at: datetime, rules: Rules) -> Notice | Rejected:
    """A notification, or why there is none."""
    if record.is_unread:
        return Rejected(record=record, reasons=(_UNREAD,), notification_id=None, absence_reference=None)
    parsed = parse_notification(record.value)
    if not isinstance(parsed, Parsed):
        return Rejected(
            record=record,
            reasons=parsed.reasons,
            notification_id=parsed.notification_id,
            absence_reference=parsed.absence_reference,
        )
    notification = parsed.notification
    found = objections(notification, received_at, rules)
    if found:
        return Rejected(
            record=record,
            reasons=tuple(found),
            notification_id=notification.notification_id,
            absence_reference=notification.absence_reference,
        )
    return Notice(
        record=record,
        notification=notification,
        fingerprint=parsed.fingerprint(),
        ignored_fields=parsed.ignored_fields,
    )
