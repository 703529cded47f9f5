"""Which fate, receipt or dead letter belongs to which record.

A place is topic, partition and offset. A topic that was deleted and made anew (F057) has other records at the same
places: a fate names its record by a fingerprint beside the place; a receipt and a dead letter name the place alone, so
they go to a record there that was written before them, and of several to the one that they fit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from laws.evidence import Event, LogRecord, Place, Position, Row, spelt
from laws.verdict import Findings

Fits = Callable[[LogRecord, Event], bool]


def fates_of(
    records: Sequence[LogRecord], rows: Iterable[Row], findings: Findings, *, nothing: str
) -> dict[Position, Row]:
    """The fate of each record that has one. A fate of no record is an offence, called `nothing`; so are two of one."""
    known = {(record.place, record.fingerprint): record for record in records}
    found: dict[Position, Row] = {}
    for row in rows:
        place = row["topic"], row["partition"], row["offset"]
        record = known.get((place, row["fingerprint"]))
        if not findings.demand(record is not None, nothing, spelt(place)):
            continue
        assert record is not None
        findings.demand(record.position not in found, "two fates", record)
        found[record.position] = row
    return found


def told_of(
    records: Sequence[LogRecord], events: Sequence[Event], fits: Fits, findings: Findings, *, twice: str, nothing: str
) -> dict[Position, Event]:
    """Which event tells of which record; one too many is an offence called `twice`, one of no record `nothing`."""
    standing: dict[Place, list[LogRecord]] = {}
    for record in records:
        standing.setdefault(record.place, []).append(record)
    found: dict[Position, Event] = {}
    for one in sorted(events, key=lambda event: event.record.timestamp_ms):
        place = place_of(one.data)
        there = standing.get(place, [])
        free = [record for record in there if record.position not in found]
        if not free:
            findings.offence(twice if there else nothing, spelt(place))
            continue
        before = [record for record in free if record.timestamp_ms <= one.record.timestamp_ms] or free
        found[next((record for record in before if fits(record, one)), before[0]).position] = one
    return found


def place_of(data: Mapping[str, object]) -> Place:
    """The place that a receipt or a dead letter names."""
    told = data["position"]
    assert isinstance(told, Mapping)
    return told["topic"], told["partition"], told["offset"]
