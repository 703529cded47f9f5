"""What `tasks` hears: how a record of each topic is read."""

from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Decoded, Reader, UnknownEventType
from plumbing.bus import Record
from plumbing.stage import event_reader
from services.tasks.usecases.reading import ABSENCE_EVENTS, AnyAbsenceEvent
from services.tasks.usecases.start_clocks import LETTER_EVENTS, AnyLetterEvent

_ABSENCES = Reader[AnyAbsenceEvent](*ABSENCE_EVENTS)
_LETTERS = Reader[AnyLetterEvent](*LETTER_EVENTS)
_FAULTS = (BadEnvelope, BadEvent)


def _absence(record: Record) -> tuple[str, Decoded[AnyAbsenceEvent]]:
    decoded = _ABSENCES.decode(record.headers, record.value)
    return decoded.envelope.id, decoded


def _letter(record: Record) -> tuple[str, Decoded[AnyLetterEvent]]:
    decoded = _LETTERS.decode(record.headers, record.value)
    return decoded.envelope.id, decoded


read_absence = event_reader(_absence, faults=_FAULTS, unknown=UnknownEventType)
read_letter = event_reader(_letter, faults=_FAULTS, unknown=UnknownEventType)
