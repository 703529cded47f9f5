"""How a record of the notification topic is read: a report that can be taken in, or why there is none.

Everything that can be told from the record, the time and the settings is decided here, before any transaction; nothing
raises.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.nemrefusion.v1 import AbsenceReport, Parsed, Reason, ReasonCode, parse_notification, reason
from plumbing import ids, inbox
from plumbing.bus import Record
from services.intake.domain import Rules, objections


class Report(NamedTuple):
    """A report that can be accepted as far as it can be told from itself."""

    record: Record
    report: AbsenceReport
    fingerprint: bytes
    ignored_fields: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A record that cannot be accepted, with the ids that could be read, so that the reporter gets an answer."""

    record: Record
    reasons: tuple[Reason, ...]
    notification_id: UUID | None
    absence_reference: UUID | None

    @property
    def receipt_id(self) -> UUID:
        """Named by where the record stands: it may carry no id that could be trusted."""
        return ids.derive(inbox.position_id(self.record), "receipt")


NOT_TAKEN_YET = reason("kind", ReasonCode.NOT_TAKEN_YET)


def read(record: Record, received_at: datetime, rules: Rules) -> Report | Rejected:
    """A report, or why it is none."""
    parsed = parse_notification(record.value)
    if not isinstance(parsed, Parsed):
        return Rejected(
            record=record,
            reasons=parsed.reasons,
            notification_id=parsed.notification_id,
            absence_reference=parsed.absence_reference,
        )
    notification = parsed.notification
    if isinstance(notification, AbsenceReport):
        found = objections(notification, received_at, rules)
        if not found:
            return Report(
                record=record,
                report=notification,
                fingerprint=parsed.fingerprint(),
                ignored_fields=parsed.ignored_fields,
            )
    else:
        found = [NOT_TAKEN_YET]
    return Rejected(
        record=record,
        reasons=tuple(found),
        notification_id=notification.notification_id,
        absence_reference=notification.absence_reference,
    )
