"""The account: what came out, for somebody who has never seen the system."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time

from laws.verdict import Verdict
from stack.demo.calendar import COPENHAGEN
from stack.demo.figures import Figures
from stack.demo.story import Told
from stack.house import House

_TASKS = {
    "comment_reported_information": "comment on what was reported (Kommentér oplysninger)",
    "benefit_request": "ask for sickness benefit (Anmodning om sygedagpenge)",
    "information_form": "fill in the information form (Oplysningsskema)",
}
_LETTERS = {
    "dispatched": "proven delivered to Digital Post",
    "failed": "failed for good: shown to operations, no deadline started",
    "unknown": "outcome unknown: shown to operations, never sent again",
}
_FATES = {
    "accepted": "accepted: an absence was opened",
    "duplicate": "duplicates: the original's receipt once more, no other effect",
    "rejected": "rejected: a receipt with reasons, the original kept sealed",
}
_NINE_DAYS = 9 * 24
_RULE = "─" * 96


def lines(house: House, told: Told, came: Figures, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The account, line by line."""
    yield from ("", _RULE, "  What came out", _RULE)
    yield f"  {told.sent} notifications were sent; {told.kills} services were killed in the middle of it."
    yield ""
    yield from _table("Notifications", came.fates, _FATES)
    yield from _table("Rejected, by reason (each got a receipt that says so)", came.reasons, {})
    yield f"  {came.absences} absences of {came.citizens} citizens"
    yield ""
    yield from _table("Tasks", came.tasks, _TASKS)
    yield from _table("Letters", came.letters, _LETTERS)
    yield from _deadlines(came)
    yield from _laws(verdicts)
    yield from _further(house)


def _table(title: str, counts: dict[str, int], words: dict[str, str]) -> Iterator[str]:
    yield f"  {title}"
    order = list(words)
    for name, number in sorted(counts.items(), key=lambda one: order.index(one[0]) if one[0] in order else -one[1]):
        yield f"    {number:6}  {words.get(name, name)}"
    yield ""


def _deadlines(came: Figures) -> Iterator[str]:
    yield "  Deadlines: the end of the eighth day after the letter was proven delivered, by the Danish calendar"
    for row in came.deadlines:
        hours = round((row.deadline_at - _midnight(row.day_zero)).total_seconds() / 3600)
        yield (
            f"    {row.tasks:6}  letter on {row.day_zero:%a %d %b %Y}, answer by the end of {row.deadline_day:%a %d %b %Y}"
            f"{'' if hours == _NINE_DAYS else f' (the clock changes in between: {hours} hours, not {_NINE_DAYS})'}"
        )
    yield f"    {came.undated:6}  tasks whose letter is not proven delivered have no deadline"
    yield ""


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), COPENHAGEN)


def _laws(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "  The laws, judged from the raw log, the databases and the gateway's ledger by code that the services do not share"
    for verdict in verdicts:
        for line in verdict.lines():
            yield f"    {line}"
    everything = all(verdict.holds for verdict in verdicts)
    yield ""
    yield f"  {'Nothing was lost, nothing was doubled.' if everything else 'A LAW IS BROKEN: see above.'}"
    yield ""


def _further(house: House) -> Iterator[str]:
    run_dir = house.stack.run_dir
    yield "  Where to look further (everything is left running)"
    yield f"    logs of each service        {run_dir / 'logs'}"
    yield f"    letters as the gateway saw  {house.http_url('post_gateway')}/_sim/summary"
    yield f"    how a service is            {house.ops_url('intake')}/readyz   …/metrics"
    yield f'    the databases               eval "$(.venv/bin/python -m stack --run-dir {run_dir} env)"; psql -d mitsyg_tasks'
    yield f"    judge again                 .venv/bin/python -m laws --run-dir {run_dir}"
    yield f"    end it                      .venv/bin/python -m stack --run-dir {run_dir} down"
    yield _RULE
