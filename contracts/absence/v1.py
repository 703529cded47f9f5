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


class AbsenceReported(Event):
    """A citizen's absence was reported (anmeldelse): the first that anyone past intake hears of it."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.absence.reported.v1"
    TOPIC: ClassVar[Topic] = ABSENCE
    SOURCE: ClassVar[str] = "/mitsygefravaer/intake"
    KEY: ClassVar[str] = "absence_id"

    absence_id: UUID
    citizen_id: UUID
    notification_id: UUID
    citizen_kind: CitizenKind
    reporter_kind: ReporterKind
    municipality_code: MunicipalityCode
    first_absence_day: date
    last_absence_day: date | None = Field(default=None, description="Set if the person was back when it was reported")
    pay: Pay | None = Field(default=None, description="Employees only")
    reporter_deadline: ReporterDeadline
    early: bool = Field(description="Unemployed, without a last day, reported within the first 14 days (N7)")
    sent_at: Instant
    received_at: Instant
    reported: Annotated[str, Field(min_length=1, max_length=200_000)] = Field(
        description="What the reporter told, as sealed JSON (base64)"
    )
