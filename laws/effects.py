"""L1, the effects: each accepted notification told one event of its kind, each absence stands once in intake and in tasks,
and its tasks and letters are those that the table demands.

And nothing else did: every absence, event, task and letter request goes back to a notification that took effect. The tasks are
those of `spec_tasks`, read from the reporters' own words; letters are asked for in the order of effect. No report was put
aside for one that is gone (`illnesses`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from laws import names
from laws.events import once_each
from laws.evidence import Event, Evidence, Row, by
from laws.illnesses import repeats_stand
from laws.spec_tasks import Letter, asked
from laws.stories import Story, stories
from laws.verdict import Findings, Verdict

LAW = "L1 one event per notification that took effect, one absence, the tasks of the table and their letters"
AWAITED = "awaited"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """What was made of notifications, by absence."""

    kept: Mapping[str, Sequence[Row]]
    absences: Mapping[str, Sequence[Row]]
    tasks: Mapping[str, Sequence[Row]]
    opened: Mapping[str, Sequence[Event]]
    closed: Mapping[str, Sequence[Event]]
    letters: Mapping[str, Sequence[Row]]
    requests: Mapping[str, Sequence[Event]]


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    made = _made(evidence)
    told = stories(evidence)
    names_given: set[str] = set()
    for story in told.values():
        findings.demand(len(story.absence_ids) == 1, "an absence has one id", story.reference, len(story.absence_ids))
        findings.demand(names_given.isdisjoint(story.absence_ids), "two absences with one id", story.reference)
        names_given |= story.absence_ids
        _events(story, findings)
        _kept(story, made, findings)
        if story.taken:
            _asked(story, made, findings)
    repeats_stand(evidence, told, findings)
    explained = {story.absence_id for story in told.values() if story.taken}
    _nothing_else(explained, evidence, told.values(), made, findings)
    findings.count("absences", len(explained))
    findings.count("awaited only", len(names_given - explained))
    findings.count("events", sum(len(story.events) for story in told.values()))
    findings.count("tasks", sum(map(len, made.tasks.values())))
    findings.count("tasks closed", sum(map(len, made.closed.values())))
    findings.count("letter requests", sum(map(len, made.requests.values())))
    return findings.verdict(judged=len(explained))


def _made(evidence: Evidence) -> _Made:
    return _Made(
        kept=by(evidence.table("intake", "absence"), "absence_id"),
        absences=by(evidence.table("tasks", "absence"), "absence_id"),
        tasks=by(evidence.table("tasks", "task"), "absence_id"),
        opened=_by_absence(once_each(evidence, names.TASK, names.TASK_OPENED)),
        closed=_by_absence(once_each(evidence, names.TASK, names.TASK_CLOSED)),
        letters=by(evidence.table("tasks", "letter"), "absence_id"),
        requests=_by_absence(once_each(evidence, names.LETTER_REQUEST)),
    )


def _by_absence(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for one in events:
        found.setdefault(str(one.data["absence_id"]), []).append(one)
    return found


def _events(story: Story, findings: Findings) -> None:
    told = _by(story.events)
    for one in story.taken:
        events = told.get(one.own_id, [])
        who = one.record, one.kind
        findings.demand(len(events) == 1, "one event per notification that took effect", *who, len(events))
        for event in events:
            findings.demand(event.type == names.EVENT_OF.get(one.kind), "an event of another kind", *who, event.type)


def _by(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(str(event.data["notification_id"]).lower(), []).append(event)
    return found


def _kept(story: Story, made: _Made, findings: Findings) -> None:
    """Intake keeps a row for an absence and for what is awaited, tasks for an absence only."""
    rows = made.kept.get(story.absence_id, [])
    wanted = int(bool(story.taken or story.waiting))
    known = [row for row in rows if row["state"] != AWAITED]
    who = story.reference, story.absence_id
    if wanted or len(rows) > 1:
        findings.demand(len(rows) == wanted, "intake keeps an absence once", *who, len(rows))
    findings.demand(bool(known) == bool(story.taken), "an absence iff a report or a fast-track request came", *who)
    openers = {names.REPORT, names.FAST_TRACK}
    is_opened = any(one.kind in openers for one in story.taken)
    findings.demand(is_opened or not story.taken, "an absence without report and fast-track request", *who)
    reports = sum(one.kind == names.REPORT for one in story.taken)
    findings.demand(reports <= 1, "two reports opened one absence", *who, reports)
    there = [row for row in made.absences.get(story.absence_id, []) if row["state"] != AWAITED]
    findings.demand(len(there) == bool(story.taken), "the absence has reached tasks once", *who, len(there))


def _asked(story: Story, made: _Made, findings: Findings) -> None:
    letters = asked([one for _, one in story.told()])
    tasks, requests = made.tasks.get(story.absence_id, []), made.requests.get(story.absence_id, [])
    wanted = sorted(kind for letter in letters for kind in letter.kinds)
    found = sorted(row["kind"] for row in tasks)
    who = story.reference, story.absence_id
    findings.demand(found == wanted, "tasks other than the table demands", *who, "+".join(found))
    opened = sorted(str(event.data["task_id"]) for event in made.opened.get(story.absence_id, []))
    findings.demand(opened == _ids(tasks, "task_id"), "each task is told once", story.absence_id)
    findings.demand(len(requests) == len(letters), "one letter request where there are tasks", *who, len(requests))
    kept = _ids(made.letters.get(story.absence_id, []), "letter_id")
    findings.demand(len(kept) == len(letters), "one letter kept where there are tasks", *who, len(kept))
    same = kept == sorted(str(event.data["letter_id"]) for event in requests)
    findings.demand(same, "a letter asked for under another id", *who)
    known = {str(row["task_id"]): row for row in tasks}
    for letter, request in zip(letters, requests, strict=False):
        _letter(letter, request, known, made, findings)
    told = {str(event.data["task_id"]) for event in made.closed.get(story.absence_id, [])}
    for stranger in sorted(told - known.keys()):
        findings.offence("a task is closed that is not there", stranger)


def _letter(letter: Letter, request: Event, tasks: Mapping[str, Row], made: _Made, findings: Findings) -> None:
    """The letter names the tasks that it is to name, in their order, and each has become what it is to become."""
    letter_id, named = str(request.data["letter_id"]), request.data["tasks"]
    kinds = tuple(task["kind"] for task in named)
    findings.demand(kinds == letter.kinds, "a letter that names other tasks", letter_id, "+".join(kinds))
    ids = [str(task["task_id"]) for task in named]
    rows = [tasks.get(task_id) for task_id in ids]
    there = all(row is not None and str(row["letter_id"]) == letter_id for row in rows)
    findings.demand(there, "a letter about tasks that are not there", letter_id)
    places = [row["order_in_letter"] for row in rows if row is not None]
    findings.demand(places == list(range(1, len(places) + 1)), "tasks out of order", letter_id, *places)
    for task_id, row in zip(ids, rows, strict=True):
        if row is not None:
            _ended(task_id, row, letter.closed.get(str(row["kind"])), made, findings)


def _ended(task_id: str, row: Row, reason: str | None, made: _Made, findings: Findings) -> None:
    findings.demand(
        row["state"] == (reason or "open"), "a task is open, or closed, and is not to be", task_id, row["state"], reason
    )
    events = [one for one in made.closed.get(str(row["absence_id"]), []) if str(one.data["task_id"]) == task_id]
    findings.demand(len(events) == (reason is not None), "the end of a task is told once", task_id, len(events))
    for event in events:
        told = event.data["reason"]
        findings.demand(told == reason, "a task is told closed for another reason", task_id, told)
        same = event.data["kind"] == row["kind"] and str(event.data["letter_id"]) == str(row["letter_id"])
        findings.demand(same, "the end of another task is told", task_id)


def _ids(rows: Sequence[Row], column: str) -> list[str]:
    return sorted(str(row[column]) for row in rows)


def _nothing_else(
    explained: set[str],
    evidence: Evidence,
    told: Collection[Story],
    made: _Made,
    findings: Findings,
) -> None:
    known = {event.id for story in told for event in story.events}
    for event in once_each(evidence, names.ABSENCE):
        if event.id not in known:
            findings.offence("an event of nothing that took effect", event.data["absence_id"], event.type)
    for absence_id, rows in made.kept.items():
        for row in rows:
            # What waited may have been buried since: its empty place in the queue stays.
            is_explained = absence_id in explained or row["state"] == AWAITED
            findings.demand(is_explained, "an absence nobody reported", absence_id, row["state"])
    what = {
        "an absence in tasks": made.absences,
        "tasks": made.tasks,
        "task events": {**made.opened, **made.closed},
        "a letter": made.letters,
        "a letter request": made.requests,
    }
    for name, found in what.items():
        for absence_id in found.keys() - explained:
            findings.offence(f"{name} of an absence nobody reported", absence_id)
