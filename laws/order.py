"""L12 for absences: effects follow the order of the source, and a late older message never overwrites a newer state.

The versions of an absence's events are 1, 2, 3 … in log order, without holes. Whatever the order of arrival was, the events taken
as they come, the row that intake keeps and the row that tasks keeps end in the same state: that of the reference model over the
set of notifications that took effect (`absence_model`). An event says truly whether it counts and whether anything reads
differently.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from laws import names
from laws.absence_model import State, folded, state_of, winners
from laws.evidence import Event, Evidence, Row, by
from laws.spec_tasks import told_at_first
from laws.stories import Story, Taken, stories
from laws.told import Report, own_id, shown, stamp
from laws.verdict import Findings, Verdict

LAW = "L12 an absence ends the same whatever the order of its notifications, and a late older one overwrites nothing"

_REGISTERS = ((names.REPORT, names.AMENDMENT), (names.FAST_TRACK,), (names.RECOVERY,))


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    kept = by(evidence.table("intake", "absence"), "absence_id")
    refunds = by(evidence.table("intake", "refund"), "absence_id")
    known = by(evidence.table("tasks", "absence"), "absence_id")
    told = [story for story in stories(evidence).values() if story.taken]
    out_of_order = 0
    for story in told:
        _versions(story, findings)
        model = state_of([one.report for one in story.taken])
        events = [(event.type, event.data) for event in story.events]
        for name in model.differs_in(folded(events)):
            findings.offence(f"events end in another {name} than the set of notifications", story.reference)
        _flags(story, findings)
        out_of_order += _arrived_out_of_order(story)
        for row in kept.get(story.absence_id, []):
            _compare("intake", story, row, _kept(story, model), findings)
            same = {str(each["notification_id"]) for each in refunds.get(story.absence_id, [])} == model.refund_ids
            findings.demand(same, "intake keeps other refunds than were asked for", story.reference)
        for row in known.get(story.absence_id, []):
            _tasks(story, row, model, findings)
    findings.count("absences", len(told))
    findings.count("told of by several events", sum(len(story.events) > 1 for story in told))
    findings.count("arrived out of order", out_of_order)
    findings.count("withdrawn", sum(any(one.kind == names.WITHDRAWAL for one in story.taken) for story in told))
    return findings.verdict(judged=len(told))


def _versions(story: Story, findings: Findings) -> None:
    found = [event.data.get("version") for event in story.events]
    right = found == list(range(1, len(found) + 1))
    findings.demand(right, "versions are 1, 2, 3 … in log order", story.reference, *found)
    partitions = {(event.record.generation, event.record.partition) for event in story.events}
    findings.demand(len(partitions) <= 1, "events of one absence in several partitions", story.reference)
    over = [event.type for event in story.events]
    if names.EVENT_OF[names.WITHDRAWAL] in over:
        last = over.index(names.EVENT_OF[names.WITHDRAWAL]) == len(over) - 1
        findings.demand(last, "something took effect after the withdrawal", story.reference)


def _arrived_out_of_order(story: Story) -> bool:
    stamps = [stamp(one.report) for _, one in story.told()]
    return any(one.waited for one in story.taken) or stamps != sorted(stamps)


def _flags(story: Story, findings: Findings) -> None:
    """What an event says of itself: whether it counts, whether anything reads differently, whether all was taken back."""
    told = story.told()
    for kinds in _REGISTERS:
        _currency([pair for pair in told if pair[1].kind in kinds], findings)
    _changes(story, told, findings)
    for event, one in told:
        if one.kind == names.REPORT:
            taken_back = any(other.kind == names.WITHDRAWAL and other.waited for other in story.taken)
            right = bool(event.data.get("is_withdrawn", False)) == taken_back
            findings.demand(right, "a report says withdrawn iff the withdrawal came first", one.record)
        if one.kind == names.FAST_TRACK:
            earlier = {other.kind for before, other in told if before.data["version"] < event.data["version"]}
            right = event.data["is_preliminary"] == (names.REPORT not in earlier)
            findings.demand(right, "preliminary iff not reported yet", one.record)


def _currency(register: list[tuple[Event, Taken]], findings: Findings) -> None:
    """What counts is not older than anything told before; what does not count is older than something."""
    newest = max((stamp(one.report) for _, one in register), default=None)
    before: list[Report] = []
    for event, one in register:
        own = stamp(one.report)
        counts = event.data.get("is_current", True)
        if one.kind != names.REPORT:
            is_late = any(own < stamp(other) for other in before)
            findings.demand(not (counts and is_late), "a late older message says that it counts", one.record)
            findings.demand(counts or own != newest, "the newest message says that it does not count", one.record)
        before.append(one.report)


def _changes(story: Story, told: list[tuple[Event, Taken]], findings: Findings) -> None:
    held: Report | None = None
    for event, one in told:
        if one.kind == names.REPORT:
            held = told_at_first(story.taken)
        if one.kind != names.AMENDMENT or held is None:
            continue
        counts = not one.waited and stamp(one.report) > stamp(held)
        changed = counts and shown(one.report) != shown(held)
        findings.demand(event.data["is_changed"] == changed, "an amendment says truly what it changes", one.record)
        held = one.report if counts else held


def _state(model: State) -> str:
    if model.is_withdrawn:
        return "withdrawn"
    return "reported" if model.is_reported else "preliminary"


def _kept(story: Story, model: State) -> Mapping[str, Any]:
    """What intake's row has to hold."""
    won = winners(one.report for one in story.taken)
    return {
        "state": _state(model),
        "version": len(story.events),
        "first_absence_day": _day(model.first_absence_day),
        "last_absence_day": _day(model.last_absence_day),
        "recovered_day": _day(model.recovered_day),
        "told_id": own_id(won.report) if won.report else None,
        "fast_track_id": model.fast_track,
        "recovery_id": own_id(won.recovery) if won.recovery else None,
    }


def _tasks(story: Story, row: Row, model: State, findings: Findings) -> None:
    pay, until = model.pay or (None, None)
    wanted = {
        "state": _state(model),
        "version": len(story.events),
        "citizen_kind": model.citizen_kind,
        "first_absence_day": _day(model.first_absence_day),
        "last_absence_day": _day(model.recovered_day or model.last_absence_day),
        "recovered_day": _day(model.recovered_day),
        "municipality_code": model.municipality_code,
        "pay_kind": pay,
        "pay_until": _day(until),
    }
    _compare("tasks", story, row, wanted, findings)


def _compare(service: str, story: Story, row: Row, wanted: Mapping[str, Any], findings: Findings) -> None:
    for name, value in wanted.items():
        found = row[name]
        same = (str(found) if name.endswith("_id") and found is not None else found) == value
        findings.demand(same, f"{service} keeps another {name}", story.reference, story.absence_id)


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told is not None else None
