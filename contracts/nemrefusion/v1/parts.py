"""The parts a NemRefusion notification is made of: the reporter, the citizen, the employment and what was told about
it (spec N2).

Descriptions name the Danish word and the rule a field comes from; they become the reporters' documentation. A field
that is null counts as left out. Fields we don't know are passed over, so that a newer reporter can talk to an older
version of us (N18).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from contracts.nemrefusion.v1.fields import CprNumber, CvrNumber, Day, FreeText, Line


class NotificationPart(BaseModel):
    """Immutable and strict; nothing is converted from one JSON type to another, and nothing personal is in its `repr`."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @override
    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        return iter(())


class CitizenKind(StrEnum):
    """Which of the three kinds the citizen is in this absence."""

    EMPLOYEE = "employee"
    UNEMPLOYED = "unemployed"
    SELF_EMPLOYED = "self_employed"


class PayKind(StrEnum):
    """What the employer pays during the absence: løn, sygedagpenge, intet."""

    WAGE = "wage"
    SICKNESS_BENEFIT = "sickness_benefit"
    NOTHING = "nothing"


class Cause(StrEnum):
    """Why the citizen is absent: sygdom, arbejdsskade, personskade med en erstatningsansvarlig tredjepart. Never a diagnosis."""

    ILLNESS = "illness"
    WORK_INJURY = "work_injury"
    LIABLE_THIRD_PARTY = "liable_third_party"


class Employer(NotificationPart):
    """An employer (arbejdsgiver)."""

    kind: Literal["employer"]
    """Which of the three kinds of reporter it is."""
    cvr: CvrNumber
    """The employer's company number (CVR-nummer): eight digits with a right check digit."""
    production_unit: Annotated[str, Field(pattern=r"^[0-9]{10}$")]
    """The place of work (produktionsenhed, P-nummer): ten digits."""
    name: Line
    """The employer's name, as the citizen knows it."""


class UnemploymentFund(NotificationPart):
    """The citizen's unemployment fund (a-kasse)."""

    kind: Literal["unemployment_fund"]
    """Which of the three kinds of reporter it is."""
    fund_number: Annotated[str, Field(pattern=r"^[0-9]{1,4}$")]
    """The fund's number (a-kassenummer), with its leading zeros."""
    name: Line
    """The fund's name."""


class SelfEmployed(NotificationPart):
    """The self-employed citizen, who reports on their own behalf (selvstændig)."""

    kind: Literal["self_employed"]
    """Which of the three kinds of reporter it is."""
    cvr: CvrNumber
    """The business's company number (CVR-nummer)."""
    name: Line | None = None
    """The business's name."""


Reporter = Annotated[Employer | UnemploymentFund | SelfEmployed, Field(discriminator="kind")]


class Address(NotificationPart):
    """A home address (bopæl), as it stands on an envelope."""

    lines: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=5)]
    """One to five lines above the postal code: c/o, street with number, floor and door, place name."""
    postal_code: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z -]{0,11}$")]
    """Postal code (postnummer); four digits in Denmark."""
    city: Line
    """Postal district (by)."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "DK"
    """Country, ISO 3166-1 alpha-2."""


class CitizenNumber(NotificationPart):
    """The citizen, where the absence is already named by its reference."""

    cpr: CprNumber
    """CPR number, ten digits; a hyphen after the sixth is allowed. Day + 60 only where test numbers are taken (N3)."""


class Citizen(CitizenNumber):
    """The citizen (borger), as the reporter knows them."""

    name: Line
    """The citizen's full name."""
    address: Address
    """Home address."""
    has_address_protection: bool
    """Whether name and address are protected (navne- og adressebeskyttelse)."""


class Pay(NotificationPart):
    """What the employer pays during the absence."""

    kind: Annotated[PayKind, Field(strict=False)]
    """`wage` (løn), `sickness_benefit` (sygedagpenge paid by the employer) or `nothing`."""
    until: Day | None = None
    """The last day paid so, if known."""


class Employment(NotificationPart):
    """The employment the citizen is absent from (ansættelse)."""

    start_day: Day | None = None
    """First day of the employment."""
    weekly_hours: Annotated[float, Field(ge=0, le=168)] | None = None
    """Agreed hours a week."""
    job_title: Line | None = None
    """The citizen's job title (stilling)."""
    employment_number: Line | None = None
    """The employer's own number of the employment; tells two employments at one employer apart (N5)."""
    is_flexjob: bool = False
    """Whether it is a fleksjob: no employer period, refund from day 1 (N6)."""
    has_section_56_agreement: bool = False
    """Whether a § 56 agreement applies (chronic illness): no employer period, refund from day 1 (N6)."""


class WorkplaceContact(NotificationPart):
    """Whom to ask at the workplace (kontaktperson)."""

    name: Line
    """The contact person's name."""
    phone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ]{3,19}$")] | None = None
    """Digits and spaces, with or without a country code."""
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$")] | None = None
    """The contact person's e-mail address."""


class RetentionAnswers(NotificationPart):
    """The employer's answers to the three questions about staying in the job (fastholdelse); each is voluntary (N2, T16)."""

    affected_job_functions: FreeText | None = None
    """Which job functions are affected by the illness?"""
    affected_for: FreeText | None = None
    """For how long has the illness affected work?"""
    work_adapted: bool | None = None
    """Has work been adapted?"""
    work_adaptation: FreeText | None = None
    """How it was adapted, or why not."""
