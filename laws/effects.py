"""L1, the effects: each accepted notification made one absence, the tasks the table demands, and one letter request
where it demands any.

And nothing else did: every absence, task and letter request goes back to an accepted notification. The tasks are
those of `spec_tasks`, read from the reporter's own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laws import names
from laws.conservation import fates
from laws.events import once_each
from laws.evidence import Event, Evidence, Row, by, spelt
from laws.spec_tasks import Report, demanded, reported
from laws.verdict import Findings, Verdict

LAW = "L1 one absence, the tasks of the table and one letter request per accepted notification"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """What was made of notifications, by absence."""

    told: Mapping[str, Sequence[Event]]
    absences: Mapping[str, Sequence[Row]]
    tasks: Mapping[str, Sequence[Row]]
    opened: Mapping[str, Sequence[Event]]
    letters: Mapping[str, Sequence[Row]]
    requests: Mapping[str, Sequence[Event]]


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    # Faults in the fates themselves are told by the other half of L1.
    settled = fates(evidence, Findings(law=LAW))
    accepted = {position: row["message_id"] for position, row in settled.items() if row["fate"] == "accepted"}
    kept = by(evidence.table("intake", "absence"), "notification_id")
    made = _made(evidence)
    explained: set[str] = set()
    for record in evidence.records(names.NOTIFICATION):
        if record.position not in accepted:
            continue
        rows = kept.get(accepted[record.position], [])
        if not findings.demand(len(rows) == 1, "one absence per accepted notification", record, len(rows)):
            continue
        absence_id = str(rows[0]["absence_id"])
        findings.demand(absence_id not in explained, "two notifications opened one absence", record, absence_id)
        explained.add(absence_id)
        report = reported(record.value)
        if findings.demand(report is not None, "accepted, and cannot be read", record):
            assert report is not None
            _judge(spelt(record.position), report, absence_id, made, findings)
    _nothing_else(explained, kept, made, findings)
    findings.count("absences", len(explained))
    findings.count("tasks", sum(map(len, made.tasks.values())))
    findings.count("letter requests", sum(map(len, made.requests.values())))
    return findings.verdict(judged=len(explained))


def _made(evidence: Evidence) -> _Made:
    return _Made(
        told=_by_absence(once_each(evidence, names.ABSENCE)),
        absences=by(evidence.table("tasks", "absence"), "absence_id"),
        tasks=by(evidence.table("tasks", "task"), "absence_id"),
        opened=_by_absence(once_each(evidence, names.TASK, names.TASK_OPENED)),
        letters=by(evidence.table("tasks", "letter"), "absence_id"),
        requests=_by_absence(once_each(evidence, names.LETTER_REQUEST)),
    )


def _by_absence(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for one in events:
        found.setdefault(str(one.data["absence_id"]), []).append(one)
    return found


def _judge(who: str, report: Report, absence_id: str, made: _Made, findings: Findings) -> None:
    told = made.told.get(absence_id, [])
    findings.demand(len(told) == 1, "one event per absence", who, absence_id, len(told))
    for event in told:
        same = event.data["notification_id"] == str(report["notification_id"]).lower()
        findings.demand(same, "an absence told of another notification", who, absence_id)
    rows = made.absences.get(absence_id, [])
    findings.demand(len(rows) == 1, "the absence has reached tasks once", who, absence_id, len(rows))
    wanted = demanded(report)
    kinds = [row["kind"] for row in sorted(made.tasks.get(absence_id, []), key=lambda row: row["order_in_letter"])]
    findings.demand(tuple(kinds) == wanted, "tasks other than the table demands", who, absence_id, "+".join(kinds))
    places = [row["order_in_letter"] for row in made.tasks.get(absence_id, [])]
    findings.demand(sorted(places) == list(range(1, len(places) + 1)), "tasks out of order", who, absence_id)
    opened = sorted(str(event.data["task_id"]) for event in made.opened.get(absence_id, []))
    findings.demand(opened == _ids(made.tasks.get(absence_id, []), "task_id"), "each task is told once", absence_id)
    _one_letter(who, absence_id, wanted, made, findings)


def _one_letter(who: str, absence_id: str, wanted: tuple[str, ...], made: _Made, findings: Findings) -> None:
    expected = 1 if wanted else 0
    requests, letters = made.requests.get(absence_id, []), made.letters.get(absence_id, [])
    findings.demand(len(requests) == expected, "one letter request where there are tasks", who, len(requests))
    findings.demand(len(letters) == expected, "one letter kept where there are tasks", who, len(letters))
    for request in requests:
        named = [str(task["task_id"]) for task in request.data["tasks"]]
        kinds = tuple(task["kind"] for task in request.data["tasks"])
        findings.demand(kinds == wanted, "a letter that names other tasks", who, request.data["letter_id"])
        same = sorted(named) == _ids(made.tasks.get(absence_id, []), "task_id")
        findings.demand(same, "a letter about tasks that are not there", who, request.data["letter_id"])
        known = [str(row["letter_id"]) for row in letters]
        findings.demand(known == [request.data["letter_id"]], "a letter asked for under another id", who)


def _ids(rows: Sequence[Row], column: str) -> list[str]:
    return sorted(str(row[column]) for row in rows)


def _nothing_else(explained: set[str], kept: Mapping[str, Sequence[Row]], made: _Made, findings: Findings) -> None:
    for rows in kept.values():
        for row in rows:
            is_explained = str(row["absence_id"]) in explained
            findings.demand(is_explained, "an absence nobody reported", row["absence_id"])
    what = {
        "an absence event": made.told,
        "an absence in tasks": made.absences,
        "tasks": made.tasks,
        "task events": made.opened,
        "a letter": made.letters,
        "a letter request": made.requests,
    }
    for name, found in what.items():
        for absence_id in found.keys() - explained:
            findings.offence(f"{name} of an absence nobody reported", absence_id)
