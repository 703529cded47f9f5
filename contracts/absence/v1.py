"""`sygefravaer.absence.v1`: accepted notifications, normalised (spec N5 to N8).

No field here tells who the citizen is beyond the random `citizen_id`; what the reporter told is in `reported`, sealed
under the citizen's key. Once the key is destroyed the event says only that someone was absent.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from contracts.events import Event, Instant, MunicipalityCode, Part
from contracts.topics import ABSENCE, Topic

REPORTED_SEALING_FIELD: Final = "absence.reported"
"""The field name that sealing binds `reported` to, beside the citizen's id."""


Sealed = Annotated[str, Field(min_length=1, max_length=200_000)]


class CitizenKind(StrEnum):
    """Which of the three kinds the citizen is in this absence (lønmodtager, ledig, selvstændig)."""

    EMPLOYEE = "employee"
    UNEMPLOYED = "unemployed"
    SELF_EMPLOYED = "self_employed"


class ReporterKind(StrEnum):
    """Who reported (anmelder)."""

    EMPLOYER = "employer"
    UNEMPLOYMENT_FUND = "unemployment_fund"
    SELF_EMPLOYED = "self_employed"


class PayKind(StrEnum):
    """What the employer pays during the absence (løn, sygedagpenge, intet)."""

    WAGE = "wage"
    SICKNESS_BENEFIT = "sickness_benefit"
    NOTHING = "nothing"


class ReporterDeadline(StrEnum):
    """Whether the reporter kept the deadline of N6; never a reason to reject."""

    ON_TIME = "on_time"
    LATE = "late"
    NOT_APPLICABLE = "not_applicable"
    NO_RULE = "no_rule"


class Pay(Part):
    kind: PayKind
    until: date | None = Field(default=None, description="Last day paid so, if known")


class FinalRefund(Part):
    """What the last refund request of an absence says about the end of pay."""

    absence_continues: bool
    unpaid_from: date | None = Field(default=None, description="The first day without pay, where pay stops")


class AbsenceEvent(Event):
    """Something that became known about an absence. Whoever keeps an absence keeps the highest `version` it has worked."""

    TOPIC: ClassVar[Topic] = ABSENCE
    SOURCE: ClassVar[str] = "/mitsygefravaer/intake"
    KEY: ClassVar[str] = "absence_id"

    absence_id: UUID
    citizen_id: UUID
    notification_id: UUID
    sent_at: Instant
    received_at: Instant
    version: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Counts the events of one absence, in the order in which they took effect"
    )


class _Told(AbsenceEvent):
    """What a report tells, and an amendment anew."""

    citizen_kind: CitizenKind
    reporter_kind: ReporterKind
    municipality_code: MunicipalityCode
    first_absence_day: date
    last_absence_day: date | None = Field(default=None, description="Set if the person was back when it was reported")
    pay: Pay | None = Field(default=None, description="Employees only")
    reporter_deadline: ReporterDeadline
    early: bool = Field(description="Unemployed, without a last day, reported within the first 14 days (N7)")
    reported: Sealed = Field(description="What the reporter told, as sealed JSON (base64)")


class AbsenceReported(_Told):
    """A citizen's absence was reported (anmeldelse). It tells what holds now: an amendment sent later, which waited for its
    report, is in it already.
    """

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.reported.v1"

    is_withdrawn: bool = Field(
        default=False, description="The withdrawal came before the report: nothing is asked of anybody"
    )


class AbsenceAmended(_Told):
    """A report was corrected (rettelse): all that holds now."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.amended.v1"

    is_current: bool = Field(description="False: sent before what holds already. On record, and changes nothing")
    is_changed: bool = Field(description="Whether anything that the citizen is shown reads differently now (T20)")


class RefundRequested(AbsenceEvent):
    """An employer asked for refund (refusionsanmodning) for some days."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.refund_requested.v1"

    first_day: date
    last_day: date
    final: FinalRefund | None = Field(default=None, description="With the last request of an absence only")
    reporter_deadline: ReporterDeadline
    reported: Sealed = Field(description="What the employer told, as sealed JSON (base64)")


class FastTrackRequested(AbsenceEvent):
    """An employer asked for early action (fast-track), perhaps before it reported the absence (T16)."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.fast_track_requested.v1"

    municipality_code: MunicipalityCode
    first_absence_day: date
    is_preliminary: bool = Field(description="The absence is not reported yet")
    is_current: bool = Field(description="False: sent before a request that is known already. Changes nothing")
    reported: Sealed = Field(description="What the employer told, as sealed JSON (base64)")


class AbsenceRecovered(AbsenceEvent):
    """The reporter says that the citizen is well again (raskmelding)."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.recovered.v1"

    last_absence_day: date
    is_current: bool = Field(description="False: sent before a recovery that is known already. Changes nothing")


class AbsenceWithdrawn(AbsenceEvent):
    """The report was taken back (tilbageført): the absence ends here, and nothing about it is taken any more."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.withdrawn.v1"
