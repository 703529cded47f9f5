"""An absence, and what each happening does to it and to its tasks (N5, T4, T13, T16, T20).

Invariants: happenings of one absence are numbered by `version` in the order in which they took effect; each part of what is kept
(what is told, the fast-track request, the recovery) remembers which one it came from and is never overwritten by a lower; who
withdraws ends everything; what cannot be judged yet waits and is never guessed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never
from uuid import UUID

from services.tasks.domain import demands
from services.tasks.domain.demands import About, CitizenKind, Demand, FinalRefund, Pay, Task, TaskState, Told


class AbsenceState(StrEnum):
    """How much of an absence is known."""

    AWAITED = "awaited"
    """Only by happenings that wait for it."""
    PRELIMINARY = "preliminary"
    """By a fast-track request; its report is still to come."""
    REPORTED = "reported"
    WITHDRAWN = "withdrawn"


class Absence(NamedTuple):
    """An absence. `version` is the highest one worked; a part's version is that of the happening it came from, 0 before any.

    `citizen_kind` to `reported` are what is told (`Told`); a preliminary absence has municipality and first day alone. The last
    day is the recovery's where one is known, else the one told.
    """

    absence_id: UUID
    citizen_id: UUID
    state: AbsenceState = AbsenceState.AWAITED
    version: int = 0
    told_version: int = 0
    citizen_kind: CitizenKind | None = None
    municipality_code: str | None = None
    first_absence_day: date | None = None
    last_absence_day: date | None = None
    pay: Pay | None = None
    reported: str | None = None
    fast_track_version: int = 0
    recovered_version: int = 0
    recovered_day: date | None = None


class Reported(NamedTuple):
    """A report; `is_withdrawn` if it was taken back before it came."""

    told: Told
    sent_at: datetime
    is_withdrawn: bool


class Amended(NamedTuple):
    """A correction. `is_current`: nothing sent later holds already. `is_changed`: what the citizen is shown reads differently."""

    told: Told
    sent_at: datetime
    is_current: bool
    is_changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRequested:
    """The employer asks for refund; `final` with the last request alone."""

    final: FinalRefund | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FastTrackRequested:
    """The employer asks for early action."""

    municipality_code: str
    first_absence_day: date
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """The reporter says that the citizen is well again."""

    last_absence_day: date
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawn:
    """The report was taken back."""


Happening = Reported | Amended | RefundRequested | FastTrackRequested | Recovered | Withdrawn


class Effect(NamedTuple):
    """What a happening comes to: the absence after it, tasks to open with one letter about them, tasks that are closed."""

    absence: Absence
    opens: tuple[Demand, ...] = ()
    closes: tuple[Task, ...] = ()


class Waits:
    """What it is about is not known yet."""


class Known:
    """The absence was reported already; a second report is not how it changes."""


Verdict = Effect | Waits | Known


def decide(absence: Absence, tasks: Sequence[Task], happening: Happening, version: int) -> Verdict:
    """What a happening does; `tasks` are the open ones of the absence and all its benefit requests and forms."""
    if _must_wait(absence.state, happening):
        return Waits()
    if isinstance(happening, Reported) and absence.told_version:
        # What is told may be an amendment's that waits for no report since the absence was withdrawn: the report was overtaken.
        is_overtaken = absence.state is AbsenceState.WITHDRAWN and version < absence.told_version
        return Effect(absence=absence) if is_overtaken else Known()
    return _effect(absence._replace(version=max(absence.version, version)), tasks, happening, version)


def _effect(counted: Absence, tasks: Sequence[Task], happening: Happening, version: int) -> Effect:
    match happening:
        case Reported():
            return _reported(counted, tasks, happening, version)
        case Amended():
            return _amended(counted, tasks, happening, version)
        case RefundRequested():
            return _refund_requested(counted, tasks, happening)
        case FastTrackRequested():
            return _fast_track_requested(counted, tasks, happening, version)
        case Recovered():
            return _recovered(counted, happening, version)
        case Withdrawn():
            return _withdrawn(counted, tasks)
        case _:
            assert_never(happening)


def _must_wait(state: AbsenceState, happening: Happening) -> bool:
    match state:
        case AbsenceState.AWAITED:
            opens = isinstance(happening, Reported) or (
                isinstance(happening, FastTrackRequested) and happening.is_current
            )
            return not opens
        case AbsenceState.PRELIMINARY:
            return isinstance(happening, Amended | RefundRequested)
        case AbsenceState.REPORTED | AbsenceState.WITHDRAWN:
            return False
        case _:
            assert_never(state)


def _reported(absence: Absence, tasks: Sequence[Task], report: Reported, version: int) -> Effect:
    after = _with(absence, report.told, version)
    if report.is_withdrawn or absence.state is AbsenceState.WITHDRAWN:
        return _withdrawn(after, tasks)
    opens = demands.at_report(report.told, report.sent_at, absence.recovered_day)
    return Effect(absence=after._replace(state=AbsenceState.REPORTED), opens=opens)


def _amended(absence: Absence, tasks: Sequence[Task], amendment: Amended, version: int) -> Effect:
    if not amendment.is_current or version < absence.told_version:
        return Effect(absence=absence)
    after = _with(absence, amendment.told, version)
    if absence.state is AbsenceState.WITHDRAWN:
        return Effect(absence=after)
    if not amendment.is_changed:
        # What calls for a task may be this one's alone: a report that it waited for has told the same at an earlier time, when
        # wage was paid still; and the amendment that changed pay or last day may come behind it, and changes nothing then.
        opens = demands.still_missing(amendment.told, amendment.sent_at, absence.recovered_day, tasks)
        return Effect(absence=after, opens=opens)
    opens = demands.at_amendment(amendment.told, amendment.sent_at, absence.recovered_day, tasks)
    return Effect(absence=after, opens=opens, closes=_superseded(tasks, opens, About.REPORT))


def _refund_requested(absence: Absence, tasks: Sequence[Task], refund: RefundRequested) -> Effect:
    if absence.state is AbsenceState.WITHDRAWN or absence.citizen_kind is None:
        return Effect(absence=absence)
    opens = demands.at_refund(absence.citizen_kind, absence.pay, refund.final, tasks)
    return Effect(absence=absence, opens=opens)


def _fast_track_requested(absence: Absence, tasks: Sequence[Task], request: FastTrackRequested, version: int) -> Effect:
    if not request.is_current or version < absence.fast_track_version or absence.state is AbsenceState.WITHDRAWN:
        return Effect(absence=absence)
    after = absence._replace(fast_track_version=version)
    if absence.state is not AbsenceState.REPORTED:
        after = after._replace(
            state=AbsenceState.PRELIMINARY,
            municipality_code=request.municipality_code,
            first_absence_day=request.first_absence_day,
        )
    opens = demands.at_fast_track(absence.citizen_kind)
    return Effect(absence=after, opens=opens, closes=_superseded(tasks, opens, About.FAST_TRACK))


def _recovered(absence: Absence, recovery: Recovered, version: int) -> Effect:
    if not recovery.is_current or version < absence.recovered_version:
        return Effect(absence=absence)
    day = recovery.last_absence_day
    return Effect(absence=absence._replace(recovered_day=day, recovered_version=version, last_absence_day=day))


def _withdrawn(absence: Absence, tasks: Sequence[Task]) -> Effect:
    return Effect(
        absence=absence._replace(state=AbsenceState.WITHDRAWN),
        closes=tuple(task._replace(state=TaskState.WITHDRAWN) for task in tasks if task.is_open),
    )


def _with(absence: Absence, told: Told, version: int) -> Absence:
    return absence._replace(
        told_version=version,
        citizen_kind=told.citizen_kind,
        municipality_code=told.municipality_code,
        first_absence_day=told.first_absence_day,
        last_absence_day=absence.recovered_day or told.last_absence_day,
        pay=told.pay,
        reported=told.reported,
    )


def _superseded(tasks: Sequence[Task], opens: Collection[Demand], about: About) -> tuple[Task, ...]:
    """Unanswered older tasks that ask what one of the new ones asks again."""
    again = {one.kind for one in opens}
    return tuple(
        task._replace(state=TaskState.SUPERSEDED)
        for task in tasks
        if task.is_open and task.about is about and task.kind in again
    )
