"""The story of each absence: the notifications about it that took effect, as they were sent, and the events that told
of them, in the order in which they took effect.

Notifications come from the raw log, what took effect from their fates (accepted; or parked, or a duplicate, and an event was
told), the order from the events' place in the log: all events of one absence have one key, so they stand in one partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from laws import names
from laws.conservation import End, ends, fates
from laws.events import once_each
from laws.evidence import Event, Evidence, LogRecord
from laws.told import Report, own_id, reference, reported
from laws.verdict import Findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A notification that took effect; `waited`: not before its absence was there."""

    record: LogRecord
    report: Report
    waited: bool

    @property
    def kind(self) -> str:
        return str(self.report["kind"])

    @property
    def own_id(self) -> str:
        return own_id(self.report)


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """`taken` is a set, its order means nothing; `events` stand in log order, each once."""

    reference: str
    absence_ids: frozenset[str]
    """What receipts and events call it: one id, or something is wrong."""
    taken: Sequence[Taken]
    events: Sequence[Event]
    waiting: int = 0
    """How many notifications still wait for it."""

    @property
    def absence_id(self) -> str:
        return min(self.absence_ids, default="")

    def told(self) -> list[tuple[Event, Taken]]:
        """Each event with what it tells of, in the order of effect; strangers are left out, and told by law L1."""
        by_id = {one.own_id: one for one in self.taken}
        pairs = [(event, by_id.get(str(event.data["notification_id"]).lower())) for event in self.events]
        return [(event, one) for event, one in pairs if one is not None]


@dataclass(kw_only=True, slots=True)
class _Gathered:
    taken: list[Taken] = field(default_factory=list)
    absence_ids: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    waiting: int = 0


def stories(evidence: Evidence) -> Mapping[str, Story]:
    """The stories by reference. What is wrong with fates and ends is told elsewhere."""
    unheard = Findings(law="")
    settled = fates(evidence, unheard)
    after = ends(evidence, settled, unheard)
    receipts = _absence_ids(evidence)
    found: dict[str, _Gathered] = {}
    of: dict[str, str] = {}
    for record in evidence.records(names.NOTIFICATION):
        row, report = settled.get(record.position), reported(record.value)
        is_late = record.position in after.late
        if row is None or report is None or not (is_late or row["fate"] in {"accepted", "parked"}):
            continue
        story = found.setdefault(reference(report), _Gathered())
        story.absence_ids |= receipts.get(own_id(report), set())
        end = after.ends.get(record.position)
        story.waiting += end is End.WAITING
        if row["fate"] == "accepted" or end is End.JOINED or is_late:
            story.taken.append(Taken(record=record, report=report, waited=row["fate"] == "parked"))
            of[own_id(report)] = reference(report)
    for one in once_each(evidence, names.ABSENCE):
        if own := of.get(str(one.data["notification_id"]).lower()):
            found[own].events.append(one)
            found[own].absence_ids.add(str(one.data["absence_id"]))
    return {
        name: Story(
            reference=name,
            absence_ids=frozenset(one.absence_ids),
            taken=one.taken,
            events=one.events,
            waiting=one.waiting,
        )
        for name, one in found.items()
    }


def _absence_ids(evidence: Evidence) -> dict[str, set[str]]:
    """What the receipts of each notification call its absence."""
    found: dict[str, set[str]] = {}
    for one in once_each(evidence, names.RECEIPT):
        if one.data["outcome"] in {"accepted", "waiting"} and one.data.get("absence_id") is not None:
            found.setdefault(str(one.data["notification_id"]), set()).add(str(one.data["absence_id"]))
    return found
