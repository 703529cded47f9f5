"""What `uploads` hears: how a record is read."""

from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Decoded, Reader, UnknownEventType
from plumbing.bus import Record
from plumbing.stage import event_reader
from services.uploads.usecases.follow_absences import ABSENCE_EVENTS, AnyAbsenceEvent

_ABSENCES = Reader[AnyAbsenceEvent](*ABSENCE_EVENTS)


def _absence(record: Record) -> tuple[str, Decoded[AnyAbsenceEvent]]:
    decoded = _ABSENCES.decode(record.headers, record.value)
    return decoded.envelope.id, decoded


read_absence = event_reader(_absence, faults=(BadEnvelope, BadEvent), unknown=UnknownEventType)
