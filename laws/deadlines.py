"""T2 and L8, the clocks: a proven dispatch starts them, nothing else does, and they end with the right Danish day.

Day 0 is the day on which the gateway proves the letter out, by Digital Post or as posted on paper, the deadline the end of day 8
or of the day the letter printed, whichever is later. Reckoned here anew from the gateway's own instants. Of several proofs the
one with the latest deadline counts (M3), whatever else the gateway says of the same sending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from laws import gateway, names
from laws.danish_days import day_after, day_of, end_of, instant
from laws.events import once_each
from laws.evidence import Event, Evidence, Row, by
from laws.sendings import sendings
from laws.verdict import Findings, Verdict

LAW = "L8 deadlines run from the proven dispatch to the end of day 8"
DAYS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class _Clock:
    day_zero: date
    deadline_day: date

    @property
    def deadline_at(self) -> datetime:
        return end_of(self.deadline_day)


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    clocks = _clocks(evidence, findings)
    told = _told(evidence)
    tasks = by(evidence.table("tasks", "task"), "letter_id")
    letters = evidence.table("tasks", "letter")
    for row in letters:
        letter_id = str(row["letter_id"])
        clock = clocks.get(letter_id)
        is_dispatched = row["state"] == "dispatched"
        findings.demand(is_dispatched == (clock is not None), "a letter dispatched iff proven", letter_id, row["state"])
        _matches("letter", letter_id, row, clock, findings)
        for task in tasks.get(letter_id, []):
            _task(task, clock, told.get(str(task["task_id"]), []), findings)
    known = {str(row["letter_id"]) for row in letters}
    for letter_id in clocks.keys() - known:
        findings.offence("a letter is proven out and tasks does not know it", letter_id)
    findings.count("letters", len(letters))
    findings.count("clocks that run", len(clocks))
    findings.count(
        "tasks with a deadline", sum(row["deadline_at"] is not None for row in evidence.table("tasks", "task"))
    )
    return findings.verdict(judged=len(letters))


def _clocks(evidence: Evidence, findings: Findings) -> dict[str, _Clock]:
    """What the deadline of each letter has to be, from the gateway's proofs and what the letter printed."""
    printed = {
        event.data["letter_id"]: date.fromisoformat(event.data["planned_deadline_day"])
        for event in once_each(evidence, names.LETTER_REQUEST)
    }
    clocks: dict[str, _Clock] = {}
    for (letter_id, _), told in sendings(evidence, gateway.read(evidence.gateway)).items():
        proofs = [proof.at for one in told for letter in one.delivered for proof in letter.proofs]
        if not findings.demand(not proofs or letter_id in printed, "a letter out that was not asked for", letter_id):
            continue
        reckoned = [
            _Clock(day_zero=day_of(at), deadline_day=max(day_after(day_of(at), DAYS), printed[letter_id]))
            for at in proofs
        ]
        if reckoned:
            clocks[letter_id] = max(reckoned, key=lambda clock: clock.deadline_day)
    return clocks


def _told(evidence: Evidence) -> Mapping[str, Sequence[Event]]:
    found: dict[str, list[Event]] = {}
    for event in once_each(evidence, names.TASK, names.TASK_DEADLINE_SET):
        found.setdefault(str(event.data["task_id"]), []).append(event)
    return found


def _task(task: Row, clock: _Clock | None, told: Sequence[Event], findings: Findings) -> None:
    """All tasks of a letter share its clock, closed ones too (T1)."""
    task_id = str(task["task_id"])
    _matches("task", task_id, task, clock, findings)
    right_instant = task["deadline_at"] == (clock.deadline_at if clock is not None else None)
    findings.demand(right_instant, "a task's deadline ends at another instant", task_id, task["deadline_at"])
    findings.demand(bool(told) == (clock is not None), "a deadline is told iff the clock runs", task_id, len(told))
    if not told or clock is None:
        return
    last = told[-1].data
    same = (
        last["day_zero"] == clock.day_zero.isoformat()
        and last["deadline_day"] == clock.deadline_day.isoformat()
        and instant(last["deadline_at"]) == clock.deadline_at
    )
    findings.demand(same, "another deadline is told than the law's", task_id, last["deadline_at"])


def _matches(what: str, who: str, row: Row, clock: _Clock | None, findings: Findings) -> None:
    wanted = (clock.day_zero, clock.deadline_day) if clock is not None else (None, None)
    found = row["day_zero"], row["deadline_day"]
    findings.demand(found == wanted, f"a {what}'s deadline is another day than the law's", who, *found)
