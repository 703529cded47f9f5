"""Events about absences, in the words of the domain."""

from typing import Final, NamedTuple

from contracts.absence.v1 import (
    AbsenceAmended,
    AbsenceRecovered,
    AbsenceReported,
    AbsenceWithdrawn,
    FastTrackRequested,
    RefundRequested,
)
from contracts.events import BadEvent, parse
from services.tasks.domain import absence as domain
from services.tasks.domain.demands import CitizenKind, FinalRefund, Pay, PayKind, Told
from services.tasks.domain.records import Notice, Waiting

AnyAbsenceEvent = (
    AbsenceReported | AbsenceAmended | RefundRequested | FastTrackRequested | AbsenceRecovered | AbsenceWithdrawn
)
ABSENCE_EVENTS: Final[tuple[type[AnyAbsenceEvent], ...]] = (
    AbsenceReported,
    AbsenceAmended,
    RefundRequested,
    FastTrackRequested,
    AbsenceRecovered,
    AbsenceWithdrawn,
)
_BY_TYPE: Final = {each.TYPE: each for each in ABSENCE_EVENTS}


class Heard(NamedTuple):
    """An event, and the id that what follows from it is derived from."""

    event_id: str
    event: AnyAbsenceEvent


def kept(heard: Heard) -> Waiting:
    """The event as it waits."""
    event = heard.event
    return Waiting(
        event_id=heard.event_id,
        absence_id=event.absence_id,
        version=event.version,
        type=event.TYPE,
        value=event.model_dump_json().encode(),
    )


def recalled(waiting: Waiting) -> Heard | None:
    """The event that waited; None for one that a later version kept and this one, put back in its place, cannot read."""
    event_type = _BY_TYPE.get(waiting.type)
    if event_type is None:
        return None
    try:
        return Heard(waiting.event_id, parse(event_type, waiting.value))
    except BadEvent:
        return None


def notice(event: AnyAbsenceEvent) -> Notice | None:
    """What has to be kept of an event for the citizen's eyes; a report and its amendments are kept with their absence."""
    match event:
        case RefundRequested():
            kind = "refund_requested"
        case FastTrackRequested():
            kind = "fast_track_requested"
        case _:
            return None
    return Notice(
        notification_id=event.notification_id,
        absence_id=event.absence_id,
        kind=kind,
        version=event.version,
        sent_at=event.sent_at,
        reported=event.reported,
    )


def happening(event: AnyAbsenceEvent) -> domain.Happening:
    """What the event says happened."""
    match event:
        case AbsenceReported():
            return domain.Reported(told=_told(event), sent_at=event.sent_at, is_withdrawn=event.is_withdrawn)
        case AbsenceAmended():
            return domain.Amended(
                told=_told(event), sent_at=event.sent_at, is_current=event.is_current, is_changed=event.is_changed
            )
        case RefundRequested():
            final = event.final
            return domain.RefundRequested(
                final=FinalRefund(absence_continues=final.absence_continues) if final is not None else None
            )
        case FastTrackRequested():
            return domain.FastTrackRequested(
                municipality_code=event.municipality_code,
                first_absence_day=event.first_absence_day,
                is_current=event.is_current,
            )
        case AbsenceRecovered():
            return domain.Recovered(last_absence_day=event.last_absence_day, is_current=event.is_current)
        case AbsenceWithdrawn():
            return domain.Withdrawn()


def _told(event: AbsenceReported | AbsenceAmended) -> Told:
    return Told(
        citizen_kind=CitizenKind(event.citizen_kind.value),
        municipality_code=event.municipality_code,
        first_absence_day=event.first_absence_day,
        last_absence_day=event.last_absence_day,
        pay=Pay(kind=PayKind(event.pay.kind.value), until=event.pay.until) if event.pay is not None else None,
        reported=event.reported,
    )
