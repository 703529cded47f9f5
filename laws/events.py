"""L1, the events: every record of our own topics is one of our events, and one event id stands for one content.

Every topic is at-least-once, so an event may stand in the log several times; then each time it says the same, under
the same key and in the same partition. The other checkers read each event once.
"""

from laws import names
from laws.evidence import Event, Evidence, LogRecord, Unreadable, event
from laws.verdict import Findings, Verdict

LAW = "L1 one event id stands for one content"


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    records = [record for topic, found in evidence.log.items() if topic != names.NOTIFICATION for record in found]
    first: dict[tuple[str, str], LogRecord] = {}
    for record in records:
        try:
            one = event(record)
        except Unreadable:
            findings.offence("a record of ours is no event", record)
            continue
        earlier = first.setdefault((record.topic, one.id), record)
        findings.demand(_told(earlier) == _told(record), "one event id, two contents", one.id, earlier, record)
    findings.count("records", len(records))
    findings.count("repeated", len(records) - len(first))
    return findings.verdict(judged=len(records))


def once_each(evidence: Evidence, topic: str, *types: str) -> list[Event]:
    """The distinct events of a topic, of these types if any are named, as they first stand in the log."""
    first: dict[str, Event] = {}
    for record in evidence.records(topic):
        try:
            one = event(record)
        except Unreadable:
            continue  # told by the law above
        first.setdefault(one.id, one)
    return [one for one in first.values() if not types or one.type in types]


def _told(record: LogRecord) -> tuple[object, ...]:
    return record.partition, record.key, record.value, record.headers
