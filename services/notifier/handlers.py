"""What `notifier` hears on Kafka: letters that are asked for."""

from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Decoded, Reader, UnknownEventType
from contracts.letter.v1 import LetterRequested
from plumbing.bus import Record
from plumbing.stage import event_reader

_REQUESTS = Reader(LetterRequested)


def _request(record: Record) -> tuple[str, Decoded[LetterRequested]]:
    decoded = _REQUESTS.decode(record.headers, record.value)
    return decoded.envelope.id, decoded


read_request = event_reader(_request, faults=(BadEnvelope, BadEvent), unknown=UnknownEventType)
