"""Which tasks a report makes, read off the table of spec section 2 a second time, from the reporter's own words.

The report is the JSON that the reporter sent, not what intake made of it.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from laws.danish_days import day_of, instant

COMMENT = "comment_reported_information"
REQUEST = "benefit_request"
FORM = "information_form"

Report = Mapping[str, Any]


def reported(value: bytes | None) -> Report | None:
    """What a reporter sent, None if it is no JSON object."""
    try:
        document = json.loads((value or b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def demanded(report: Report) -> tuple[str, ...]:
    """The tasks in the order of solving (T1): comment, request, form."""
    tasks = {
        COMMENT: report["citizen_kind"] in {"employee", "unemployed"},
        REQUEST: _benefit_is_requested(report),
        FORM: report.get("last_absence_day") is None,
    }
    return tuple(kind for kind in (COMMENT, REQUEST, FORM) if tasks[kind])


def _benefit_is_requested(report: Report) -> bool:
    kind = report["citizen_kind"]
    if kind == "unemployed":
        return True
    if kind == "self_employed":
        return False
    pay = report["pay"]
    return pay["kind"] != "wage" or _wage_ended_before_the_report(report)


def _wage_ended_before_the_report(report: Report) -> bool:
    """Wage is over and the absence was not: never because the person was well again."""
    if report["pay"].get("until") is None:
        return False
    until = date.fromisoformat(report["pay"]["until"])
    back = report.get("last_absence_day")
    ended_by_recovery = back is not None and date.fromisoformat(back) <= until
    return until < day_of(instant(report["sent_at"])) and not ended_by_recovery
