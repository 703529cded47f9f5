"""An absence as intake keeps it, and what each notification does to it (N5). Pure: no clock, no I/O.

Invariant: what an absence comes to depends on the *set* of its notifications, never on the order in which they arrive. What is
told, a fast-track request and a recovery are registers: of two the later sent wins, then the higher id. Refund requests
are a set. A withdrawal ends everything. Of reports that say the same under several references one stands and the others are
kept behind it, each until it says something else or is withdrawn, or the one that stands has given way.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from contracts.nemrefusion.v1 import (
    AbsenceReport,
    Amendment,
    AnyNotification,
    FastTrackRequest,
    ReasonCode,
    Recovery,
    RefundRequest,
    Withdrawal,
)


class State(StrEnum):
    """How much of an absence is known."""

    AWAITED = "awaited"
    """Only by the notifications that wait for it."""
    PRELIMINARY = "preliminary"
    """By a fast-track request; its report is still to come."""
    REPORTED = "reported"
    WITHDRAWN = "withdrawn"

    @property
    def is_known(self) -> bool:
        """Whether there is an absence that anybody told of."""
        return self in {State.PRELIMINARY, State.REPORTED}


class Stamp(NamedTuple):
    """Among notifications of one absence the later sent wins, then the higher id."""

    sent_at: datetime
    notification_id: UUID


class Absence(NamedTuple):
    """An absence, its id derived from its reference.

    `reporter`, `repeat_key`, `report_content` and `content` are keyed hashes: who reports; citizen, reporter, employment and
    first day; all that the report told but ids and sent time; what holds now. `notification_id` and `receipt_id` are those of
    the report, or of the fast-track request that opened it; `reported_at` is when the report was sent (None also where it was
    amended before this was kept). `version` counts its events. One whose report is kept behind another has an owner and a
    `report_content` though it is not reported.
    """

    absence_id: UUID
    absence_reference: UUID
    state: State = State.AWAITED
    citizen_id: UUID | None = None
    reporter: bytes | None = None
    repeat_key: bytes | None = None
    report_content: bytes | None = None
    content: bytes | None = None
    notification_id: UUID | None = None
    receipt_id: UUID | None = None
    reported_at: datetime | None = None
    first_absence_day: date | None = None
    last_absence_day: date | None = None
    told_at: Stamp | None = None
    fast_track_at: Stamp | None = None
    recovered_day: date | None = None
    recovered_at: Stamp | None = None
    withdrawn_by: UUID | None = None
    version: int = 0

    @property
    def is_kept_behind(self) -> bool:
        """Whether its report came, and another absence that says the same stands."""
        return self.state in {State.AWAITED, State.PRELIMINARY} and self.report_content is not None


class Claim(NamedTuple):
    """A notification with what is known about it: whose it is, what it says as hashes, the receipt it gets."""

    notification: AnyNotification
    citizen_id: UUID
    reporter: bytes
    content: bytes
    repeat_key: bytes | None
    receipt_id: UUID

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.notification.sent_at, self.notification.notification_id)


class Applied(NamedTuple):
    """It took effect: the absence after it. `is_current`: nothing sent later was there first. `is_changed`: what is told
    about the absence reads differently now."""

    absence: Absence
    is_current: bool = True
    is_changed: bool = False


class Waits(NamedTuple):
    """The absence it is about is not there yet."""


class Repeats(NamedTuple):
    """It says what `original_id` said."""

    original_id: UUID


class Behind(NamedTuple):
    """A report that says what `original_id` said under another reference: it is kept, should that one give way."""

    original_id: UUID


class Refused(NamedTuple):
    """It cannot be taken in."""

    code: ReasonCode
    field: str


Verdict = Applied | Waits | Repeats | Behind | Refused

_NOT_YOURS = Refused(ReasonCode.NOT_YOURS, "absence_reference")
_WITHDRAWN = Refused(ReasonCode.WITHDRAWN, "absence_reference")
_TOLD_OTHERWISE = Refused(ReasonCode.REPEATED_ABSENCE, "absence_reference")


def first_report(absence_id: UUID, claim: Claim, report: AbsenceReport) -> Absence:
    """What `decide` makes of a report of an absence that nobody has heard of; most notifications are one."""
    return Absence(
        absence_id=absence_id,
        absence_reference=report.absence_reference,
        state=State.REPORTED,
        citizen_id=claim.citizen_id,
        reporter=claim.reporter,
        repeat_key=claim.repeat_key,
        report_content=claim.content,
        content=claim.content,
        notification_id=report.notification_id,
        receipt_id=claim.receipt_id,
        reported_at=report.sent_at,
        first_absence_day=report.first_absence_day,
        last_absence_day=report.last_absence_day,
        told_at=claim.stamp,
        version=1,
    )


def decide(absence: Absence, claim: Claim) -> Verdict:
    """What a notification does to its absence as it stands. A refund request's twin is found by whoever keeps the set."""
    if absence.state is State.AWAITED and not absence.is_kept_behind:
        return _first(absence, claim)
    if (absence.citizen_id, absence.reporter) != (claim.citizen_id, claim.reporter):
        has_report = absence.state is State.REPORTED or absence.is_kept_behind
        return _TOLD_OTHERWISE if has_report and isinstance(claim.notification, AbsenceReport) else _NOT_YOURS
    match absence.state:
        case State.WITHDRAWN:
            return _after_withdrawal(absence, claim)
        case State.AWAITED | State.PRELIMINARY:
            return _before_its_report(absence, claim)
        case _:
            return _once_reported(absence, claim)


def _first(absence: Absence, claim: Claim) -> Verdict:
    match claim.notification:
        case AbsenceReport() as report:
            return _told(_opened(absence, claim, State.REPORTED), claim, report)
        case FastTrackRequest() as request if absence.is_kept_behind:
            return _fast_track(absence._replace(state=State.PRELIMINARY), claim, request)
        case FastTrackRequest() as request:
            return _fast_track(_opened(absence, claim, State.PRELIMINARY), claim, request)
        case _:
            return Waits()


def _before_its_report(absence: Absence, claim: Claim) -> Verdict:
    match claim.notification:
        case Amendment() | RefundRequest():
            return Waits()
        case AbsenceReport() if absence.is_kept_behind:
            return _again(absence, claim)
        case AbsenceReport():
            return _first(absence, claim)
        case _ if absence.state is State.AWAITED:
            return _first(absence, claim)
        case _:
            return _once_reported(absence, claim)


def _once_reported(absence: Absence, claim: Claim) -> Verdict:
    match claim.notification:
        case AbsenceReport():
            return _again(absence, claim)
        case Amendment() as amendment:
            return _told(absence, claim, amendment)
        case RefundRequest():
            return Applied(_counted(absence))
        case FastTrackRequest() as request:
            return _fast_track(absence, claim, request)
        case Recovery() as recovery:
            return _recovered(absence, claim, recovery)
        case Withdrawal():
            return _withdrawn(absence, claim)


def holds(report: Claim, waiting: Sequence[Claim]) -> bool:
    """Whether a report still is about the days that it names, by what waits for it: not taken back, and given no others."""
    return not is_taken_back(report, waiting) and effective(report, waiting).repeat_key == report.repeat_key


def beside(claim: Claim, standing: Absence) -> Behind | Refused:
    """What becomes of a report about the days of another absence that stands: kept behind it, or something to be corrected."""
    if standing.report_content == claim.content and standing.notification_id is not None:
        return Behind(standing.notification_id)
    return _TOLD_OTHERWISE


def kept_behind(absence: Absence, claim: Claim) -> Absence:
    """The absence, its report kept behind another."""
    return absence._replace(
        citizen_id=claim.citizen_id,
        reporter=claim.reporter,
        report_content=claim.content,
        notification_id=claim.notification.notification_id,
        receipt_id=claim.receipt_id,
    )


def let_go(absence: Absence) -> Absence:
    """The absence, its report kept no longer."""
    if absence.state is State.AWAITED:
        return Absence(absence_id=absence.absence_id, absence_reference=absence.absence_reference)
    return absence._replace(report_content=None)


def effective(opening: Claim, waiting: Sequence[Claim]) -> Claim:
    """Of a report and the amendments that waited for it, the one that holds: none sent after a withdrawal, which is refused."""
    ends = [one.stamp for one in waiting if isinstance(one.notification, Withdrawal) and _is_same(opening, one)]
    amendments = [
        one
        for one in waiting
        if isinstance(one.notification, Amendment) and _is_same(opening, one) and all(one.stamp < end for end in ends)
    ]
    return max([opening, *amendments], key=lambda one: one.stamp)


def is_taken_back(opening: Claim, waiting: Sequence[Claim]) -> bool:
    """Whether a withdrawal waited for this report."""
    return any(isinstance(one.notification, Withdrawal) and _is_same(opening, one) for one in waiting)


def _is_same(opening: Claim, other: Claim) -> bool:
    return (opening.citizen_id, opening.reporter) == (other.citizen_id, other.reporter)


def _after_withdrawal(absence: Absence, claim: Claim) -> Verdict:
    if isinstance(claim.notification, Withdrawal) and absence.withdrawn_by is not None:
        return Repeats(absence.withdrawn_by)
    return _WITHDRAWN


def _again(absence: Absence, claim: Claim) -> Verdict:
    """A second report of an absence, under another id."""
    if absence.report_content == claim.content and absence.notification_id is not None:
        return Repeats(absence.notification_id)
    return _TOLD_OTHERWISE


def _opened(absence: Absence, claim: Claim, state: State) -> Absence:
    is_report = state is State.REPORTED
    return absence._replace(
        state=state,
        citizen_id=claim.citizen_id,
        reporter=claim.reporter,
        report_content=claim.content if is_report else None,
        notification_id=claim.notification.notification_id,
        receipt_id=claim.receipt_id,
        reported_at=claim.notification.sent_at if is_report else None,
    )


def _told(absence: Absence, claim: Claim, told: AbsenceReport | Amendment) -> Applied:
    """What is told now, unless something sent later was there first."""
    if absence.told_at is not None and claim.stamp < absence.told_at:
        return Applied(_counted(absence), is_current=False)
    is_changed = absence.content != claim.content
    after = absence._replace(
        content=claim.content,
        repeat_key=claim.repeat_key,
        first_absence_day=told.first_absence_day,
        last_absence_day=told.last_absence_day,
        told_at=claim.stamp,
    )
    return Applied(_counted(after), is_changed=is_changed)


def _fast_track(absence: Absence, claim: Claim, request: FastTrackRequest) -> Applied:
    if absence.fast_track_at is not None and claim.stamp < absence.fast_track_at:
        return Applied(_counted(absence), is_current=False)
    if absence.state is State.PRELIMINARY:
        absence = absence._replace(first_absence_day=request.first_absence_day)
    return Applied(_counted(absence._replace(fast_track_at=claim.stamp)))


def _recovered(absence: Absence, claim: Claim, recovery: Recovery) -> Applied:
    if absence.recovered_at is not None and claim.stamp < absence.recovered_at:
        return Applied(_counted(absence), is_current=False)
    return Applied(_counted(absence._replace(recovered_day=recovery.last_absence_day, recovered_at=claim.stamp)))


def _withdrawn(absence: Absence, claim: Claim) -> Applied:
    """It no longer stands in the way of a new report about the same days."""
    after = absence._replace(state=State.WITHDRAWN, withdrawn_by=claim.notification.notification_id, repeat_key=None)
    return Applied(_counted(after))


def _counted(absence: Absence) -> Absence:
    return absence._replace(version=absence.version + 1)
