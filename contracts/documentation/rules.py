"""What a notification is refused for beyond the form of its fields, as reporters read it (N3, N7).

The rules themselves are code (`consistency`, `plausibility`); a test breaks each one named here and finds its reason.
"""

from typing import Final, NamedTuple

from contracts.nemrefusion.v1 import KINDS, ReasonCode

REPORTS: Final = ("absence_reported", "amended")
_WITH_FIRST_DAY: Final = (*REPORTS, "fast_track_requested")
_EMPLOYEES_ONLY: Final = ("pay", "employment", "workplace_contact", "retention_answers")
_FAR: Final = "more than 366 days ahead or more than three years ago"


class Rule(NamedTuple):
    """Of these kinds, `field` is refused with `code` `when` this holds."""

    kinds: tuple[str, ...]
    field: str
    code: ReasonCode
    when: str


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        KINDS,
        "sent_at",
        ReasonCode.IMPLAUSIBLE_DATE,
        "more than an hour ahead of our clock, or more than three years behind it",
    ),
    Rule(
        ("fast_track_requested",),
        "sent_at",
        ReasonCode.TOO_LATE,
        "more than 34 days after the first absence day, by the day in Denmark",
    ),
    Rule(KINDS, "citizen.cpr", ReasonCode.TEST_CPR, "day + 60, where test numbers are not taken"),
    Rule(
        KINDS,
        "citizen.cpr",
        ReasonCode.IMPLAUSIBLE_DATE,
        "a birth date after the day of `sent_at`; the century is told by the seventh digit",
    ),
    Rule(
        _WITH_FIRST_DAY,
        "citizen.address.postal_code",
        ReasonCode.BAD_FORMAT,
        "not four digits, and the country is `DK` or left out",
    ),
    Rule(
        REPORTS,
        "citizen_kind",
        ReasonCode.INCONSISTENT,
        "not the kind of citizen that this kind of reporter reports",
    ),
    Rule(_WITH_FIRST_DAY, "municipality_code", ReasonCode.NOT_OURS, "no municipality's code on the day we receive it"),
    Rule(
        _WITH_FIRST_DAY,
        "first_absence_day",
        ReasonCode.IMPLAUSIBLE_DATE,
        "still to come, or more than three years ago",
    ),
    Rule(_WITH_FIRST_DAY, "first_absence_day", ReasonCode.INCONSISTENT, "after the day of `sent_at`"),
    Rule(REPORTS, "last_absence_day", ReasonCode.INCONSISTENT, "before the first absence day"),
    Rule(REPORTS, "last_absence_day", ReasonCode.IMPLAUSIBLE_DATE, "more than 366 days ahead"),
    Rule(
        ("absence_reported",),
        "last_absence_day",
        ReasonCode.WITH_FUND,
        "an unemployed person's absence spans 14 days or fewer, both counted",
    ),
    Rule(("recovered",), "last_absence_day", ReasonCode.IMPLAUSIBLE_DATE, _FAR),
    *(
        Rule(REPORTS, field, ReasonCode.MISSING, "left out for an employee")
        for field in _EMPLOYEES_ONLY
        if field in ("pay", "employment")
    ),
    *(Rule(REPORTS, field, ReasonCode.INCONSISTENT, "sent for anybody but an employee") for field in _EMPLOYEES_ONLY),
    Rule(REPORTS, "pay.until", ReasonCode.INCONSISTENT, "before the first absence day"),
    Rule(REPORTS, "pay.until", ReasonCode.IMPLAUSIBLE_DATE, "more than 366 days ahead"),
    Rule(REPORTS, "employment.start_day", ReasonCode.INCONSISTENT, "after the first absence day"),
    Rule(("refund_requested",), "period.first_day", ReasonCode.IMPLAUSIBLE_DATE, _FAR),
    Rule(("refund_requested",), "period.last_day", ReasonCode.IMPLAUSIBLE_DATE, _FAR),
    Rule(("refund_requested",), "period.last_day", ReasonCode.INCONSISTENT, "before the period's first day"),
    Rule(("refund_requested",), "final.unpaid_from", ReasonCode.INCONSISTENT, "before the period's first day"),
)


def rules_for(kind: str, field: str) -> list[Rule]:
    """The rules about one field of a kind."""
    return [rule for rule in RULES if kind in rule.kinds and rule.field == field]
