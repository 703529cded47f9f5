"""L1, between our services: what one of us announces, the next one has settled, once, and refused nothing.

Each record of a topic of ours has exactly one fate with each service that reads it. An event takes effect once: of the
records that carry its id one is accepted, at once or after having waited (parked), the others are duplicates. Nobody of us
says what another of us can't read: dead letters of our own topics are an offence.
"""

from collections import Counter
from collections.abc import Sequence

from laws import names
from laws.evidence import Evidence, LogRecord, Position, Row, Unreadable, event
from laws.settled import fates_of
from laws.verdict import Findings, Verdict

LAW = "L1 what one service announces the next one has settled once"
OWN = tuple((topic, service) for topic, service in names.CONSUMERS if topic != names.NOTIFICATION)


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    judged = 0
    for topic, service in OWN:
        records = evidence.records(topic)
        findings.count(f"to {service} on {topic}", len(records))
        _settled_once(records, _fates(evidence, topic, service, findings), findings)
        dead = evidence.records(names.dead_letters(service, topic))
        for record in dead:
            findings.offence("an event of ours that another of ours refused", record)
        judged += len(records)
    for service in {service for _, service in OWN}:
        for row in evidence.table(service, "waiting"):
            findings.offence("an event that still waits at rest", service, row["event_id"])
    return findings.verdict(judged=judged)


def _fates(evidence: Evidence, topic: str, service: str, findings: Findings) -> dict[Position, Row]:
    rows = [row for row in evidence.table(service, "inbox_record") if row["topic"] == topic]
    return fates_of(evidence.records(topic), rows, findings, nothing="a fate of no record")


def _settled_once(records: Sequence[LogRecord], fates: dict[Position, Row], findings: Findings) -> None:
    accepted: Counter[str] = Counter()
    carried: set[str] = set()
    for record in records:
        row = fates.get(record.position)
        if not findings.demand(row is not None, "a record without a fate", record):
            continue
        assert row is not None
        is_settled = row["fate"] in {"accepted", "duplicate", "parked"}
        findings.demand(is_settled, "a record that was not taken in", record, row["fate"])
        try:
            event_id = event(record).id
        except Unreadable:
            findings.offence("a record of ours is no event", record)
            continue
        findings.demand(row["message_id"] == event_id, "settled under another id", record)
        carried.add(event_id)
        accepted[event_id] += row["fate"] in {"accepted", "parked"}
    for event_id in carried:
        findings.demand(accepted[event_id] == 1, "an event takes effect once", event_id, accepted[event_id])
