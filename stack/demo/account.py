"""The account: what came out, for somebody who has never seen the system."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time

from laws import names
from laws.verdict import Verdict
from stack.demo import figures
from stack.demo.calendar import COPENHAGEN
from stack.demo.documents import Papers
from stack.demo.figures import Ends, Figures
from stack.demo.grid import grid
from stack.demo.story import Told
from stack.house import House

_TASKS = {
    "comment_reported_information": "comment on what was reported (Kommentér oplysninger)",
    "benefit_request": "ask for sickness benefit (Anmodning om sygedagpenge)",
    "information_form": "fill in the information form (Oplysningsskema)",
    "fast_track_consent": "agree to early action (Fast-track)",
}
_TASK_STATES = {"open": "open", "withdrawn": "withdrawn", "superseded": "superseded"}
_WAYS = {
    figures.DIGITAL: "Digital Post",
    figures.PAPER: "on paper, to whoever is not in Digital Post",
    figures.FALLEN_BACK: "on paper, after Digital Post definitively failed",
}
_LETTER_STATES = {
    "dispatched": "dispatched",
    "returned": "returned",
    "failed": "failed",
    "unknown": "unknown",
    "held": "held",
}
_LETTERS_EXPLAINED = (
    "dispatched: proven delivered, or posted · returned: posted, and brought back · failed: for good, no deadline started",
    "unknown: no word came, it is never sent again · held: too many at once, until somebody looks; all but the first are seen",
)
_KINDS = {
    names.REPORT: "report of absence (anmeldelse)",
    names.AMENDMENT: "amendment (rettelse)",
    names.REFUND: "refund request (refusionsanmodning)",
    names.FAST_TRACK: "request for early action (fast-track)",
    names.RECOVERY: "recovery (raskmelding)",
    names.WITHDRAWAL: "withdrawal (tilbageført)",
    figures.UNREADABLE: "of no kind that can be told",
}
_FATES = {"accepted": "accepted", "duplicate": "duplicate", "parked": "waiting", "rejected": "rejected"}
_FATES_EXPLAINED = (
    "accepted: it had its effect · duplicate: the original's receipt once more, no other effect",
    "waiting: accepted, before the absence it is about · rejected: a receipt with reasons, the original kept sealed",
)
_ABSENCES = {
    "reported": "reported",
    "preliminary": "preliminary: early action was asked for, the report is still to come",
    "withdrawn": "withdrawn",
    "awaited": "known by what waits for them only",
}
_ANSWERS = {200: "went on", 202: "waits for its check", 409: "held back as a whole, and on record as an attempt"}
_TEXT_WIDTH = 88
_NINE_DAYS = 9 * 24
_RULE = "─" * 96


def lines(house: House, told: Told, came: Figures, papers: Papers, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The account, line by line."""
    yield from ("", _RULE, "  What came out", _RULE)
    yield f"  From {told.first_day:%a %d %b} to {told.last_day:%a %d %b %Y} {told.sent} notifications were sent, of every kind,"
    yield f"  some early, late, twice, contradictory or broken; {told.kills} services were killed in the middle of it."
    yield ""
    yield from grid("Notifications, by kind and fate", came.records, rows=_KINDS, columns=_FATES)
    yield from (f"    {line}" for line in _FATES_EXPLAINED)
    yield ""
    yield from _waited(came.ends)
    yield from _table("Rejected, by reason (each got a receipt that says so)", came.reasons, {})
    yield from _table(f"Absences, of {came.citizens} citizens", came.absences, _ABSENCES)
    yield from grid("Tasks, by kind and state", came.tasks, rows=_TASKS, columns=_TASK_STATES)
    yield from grid("Letters, by the way they went and state", came.letters, rows=_WAYS, columns=_LETTER_STATES)
    yield from (f"    {line}" for line in _LETTERS_EXPLAINED)
    yield ""
    yield from _deadlines(came)
    yield from _documents(papers)
    yield from _laws(verdicts)
    yield from _further(house)


def _waited(ends: Ends) -> Iterator[str]:
    yield "  What waited for its absence"
    yield f"    {ends.joined:6}  joined it since: the absence was told of after all"
    yield f"    {ends.waiting:6}  waiting still: nobody told of the absence yet"
    for reason, number in sorted(ends.buried.items()):
        yield f"    {number:6}  could not join, kept sealed as dead letters: {reason}"
    yield ""


def _table(title: str, counts: Mapping[str, int], words: Mapping[str, str]) -> Iterator[str]:
    yield f"  {title}"
    order = list(words)
    for name, number in sorted(counts.items(), key=lambda one: order.index(one[0]) if one[0] in order else -one[1]):
        yield f"    {number:6}  {words.get(name, name)}"
    yield ""


def _deadlines(came: Figures) -> Iterator[str]:
    yield "  Deadlines: the end of the eighth day after the letter was proven delivered or posted, by the Danish calendar"
    for row in came.deadlines:
        hours = round((row.deadline_at - _midnight(row.day_zero)).total_seconds() / 3600)
        yield (
            f"    {row.tasks:6}  letter on {row.day_zero:%a %d %b %Y}, answer by the end of {row.deadline_day:%a %d %b %Y}"
            f"{'' if hours == _NINE_DAYS else f' (the clock changes in between: {hours} hours, not {_NINE_DAYS})'}"
        )
    yield f"    {came.undated:6}  tasks whose letter is not proven out have no deadline"
    yield ""


def _documents(papers: Papers) -> Iterator[str]:
    yield "  Documents, by what citizens sent and what became of it"
    width = max(len(one.kind) for one in papers.files)
    for one in papers.files:
        said = one.said or "checked, stored, and sent on"
        first, *rest = textwrap.wrap(said, _TEXT_WIDTH)
        yield f"    {one.kind:{width}}  {one.state:10}  {first}"
        yield from (f"    {'':{width}}  {'':10}  {line}" for line in rest)
    held_back, afterwards = _ANSWERS[papers.held_back], _ANSWERS[papers.afterwards]
    yield f"    A letter sent together with an infected file: {held_back}; without that file: {afterwards}"
    yield (
        "    A letter that came while the scanner was dead: it waited, unread by anybody, and went on"
        f" {papers.waited_seconds:.0f} s after the scanner was back"
    )
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
    yield f"    letters in their mailboxes  {house.http_url('post_gateway')}/_sim/mailboxes"
    yield f"    letters as the gateway saw  {house.http_url('post_gateway')}/_sim/summary"
    yield f"    documents, by HTTP          {house.http_url('uploads')}/v1/submissions, with a token:"
    yield f"                                .venv/bin/python -m stack --run-dir {run_dir} token CITIZEN_ID"
    yield f"    how a service is            {house.ops_url('intake')}/readyz   …/metrics"
    yield f'    the databases               eval "$(.venv/bin/python -m stack --run-dir {run_dir} env)"; psql -d mitsyg_tasks'
    yield f"    judge again                 .venv/bin/python -m laws --run-dir {run_dir}"
    yield f"    end it                      .venv/bin/python -m stack --run-dir {run_dir} down"
    yield _RULE
