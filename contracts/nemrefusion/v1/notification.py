"""The six kinds of NemRefusion notification, version 1 (spec N1, N2): the public face of the system for reporters.

A notification describes itself: `version`, `kind` and `notification_id` are in the body, and neither key nor headers
matter. All kinds name the absence by NemRefusion's own reference, so they may arrive in any order (N5). Each model
states what a message of its kind holds; what contradicts across fields is in `consistency`, what needs a clock, a
register or a setting in `plausibility`. A model that is new here is read only once `parsing` lists it.
"""

from typing import Annotated, Literal

from pydantic import Field

from contracts.nemrefusion.v1.fields import Day, Id, Instant
from contracts.nemrefusion.v1.parts import (
    Cause,
    Citizen,
    CitizenKind,
    CitizenNumber,
    Employer,
    Employment,
    NotificationPart,
    Pay,
    Reporter,
    RetentionAnswers,
    WorkplaceContact,
)

MunicipalityCode = Annotated[str, Field(pattern=r"^[0-9]{4}$")]


class _Notification(NotificationPart):
    version: Literal[1]
    """The version of this contract."""
    kind: str
    """Which of the six kinds of notification it is."""
    notification_id: Id
    """The reporter's own id of this message. Sent again it has its effect once; with another content it is refused (N4)."""
    sent_at: Instant
    """When the reporter sent it, with time zone. Among messages about one absence the later one wins (N5)."""
    absence_reference: Id
    """NemRefusion's reference of the absence: the same in every message about it (N5)."""


class _Report(_Notification):
    reporter: Reporter
    """Who reports (anmelder)."""
    citizen: Citizen
    """Who is absent."""
    citizen_kind: Annotated[CitizenKind, Field(strict=False)]
    """`employee` is reported by an employer, `unemployed` by a fund, `self_employed` by themselves."""
    municipality_code: MunicipalityCode
    """The citizen's municipality (kommunekode): four digits, with the leading zero."""
    first_absence_day: Day
    """The first day of absence (første fraværsdag)."""
    last_absence_day: Day | None = None
    """The last day of absence, if the person is already back (sidste fraværsdag)."""
    cause: Annotated[Cause, Field(strict=False)]
    """Why. Never a diagnosis: an employer may not ask for one."""
    pay: Pay | None = None
    """Pay during the absence. Mandatory for an employee, left out for others."""
    employment: Employment | None = None
    """The employment. Mandatory for an employee, left out for others."""
    workplace_contact: WorkplaceContact | None = None
    """Contact person at the workplace; employees only."""
    retention_answers: RetentionAnswers | None = None
    """The employer's answers to the three retention questions, if it chose to answer; employees only."""


class AbsenceReport(_Report):
    """A report of absence (anmeldelse)."""

    kind: Literal["absence_reported"]
    """Which of the six kinds of notification it is."""


class Amendment(_Report):
    """A correction (rettelse): the whole report as it should read now. Fields left out are no longer told."""

    kind: Literal["amended"]
    """Which of the six kinds of notification it is."""


class RefundPeriod(NotificationPart):
    """The days that refund is asked for, both counted."""

    first_day: Day
    """The first day that refund is asked for."""
    last_day: Day
    """The last day that refund is asked for."""


class FinalRefund(NotificationPart):
    """What the final refund request says about the end of pay."""

    absence_continues: bool
    """Whether the absence goes on after the employer stopped paying."""
    unpaid_from: Day | None = None
    """The first day without pay, where pay stops."""


class RefundRequest(_Notification):
    """A request for refund (refusionsanmodning) by an employer who pays during the absence."""

    kind: Literal["refund_requested"]
    """Which of the six kinds of notification it is."""
    reporter: Employer
    """The employer who asks."""
    citizen: CitizenNumber
    """Who is absent."""
    period: RefundPeriod
    """What the request is for."""
    final: FinalRefund | None = None
    """Sent with the last request of an absence only."""


class FastTrackRequest(_Notification):
    """A request for early action (fast-track) by an employer: the absence may last beyond 8 weeks, or the job is at
    risk (T16).

    It may come before the report, and carries what is needed to open a preliminary absence.
    """

    kind: Literal["fast_track_requested"]
    """Which of the six kinds of notification it is."""
    reporter: Employer
    """The employer who asks."""
    citizen: Citizen
    """Who is absent."""
    municipality_code: MunicipalityCode
    """The citizen's municipality (kommunekode): four digits, with the leading zero."""
    first_absence_day: Day
    """The first day of absence (første fraværsdag)."""
    employment: Employment
    """The employment at risk."""
    workplace_contact: WorkplaceContact | None = None
    """Contact person at the workplace."""
    retention_answers: RetentionAnswers | None = None
    """The employer's answers to the three retention questions, if it chose to answer."""


class Recovery(_Notification):
    """The citizen is well again (raskmelding), as the reporter tells."""

    kind: Literal["recovered"]
    """Which of the six kinds of notification it is."""
    reporter: Reporter
    """Who reported the absence."""
    citizen: CitizenNumber
    """Who was absent."""
    last_absence_day: Day
    """The last day of absence (sidste fraværsdag)."""


class Withdrawal(_Notification):
    """The report is taken back (tilbageført): it should never have been sent."""

    kind: Literal["withdrawn"]
    """Which of the six kinds of notification it is."""
    reporter: Reporter
    """Who reported the absence."""
    citizen: CitizenNumber
    """Who was absent."""


AnyNotification = AbsenceReport | Amendment | RefundRequest | FastTrackRequest | Recovery | Withdrawal
Notification = Annotated[AnyNotification, Field(discriminator="kind")]
"""Any of the six, told apart by `kind`."""
