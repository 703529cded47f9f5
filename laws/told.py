"""What reporters told, read from their own words: the JSON that they sent, not what intake made of it."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from laws.danish_days import instant

Report = Mapping[str, Any]
"""A notification of any kind, as it was sent."""
Stamp = tuple[datetime, str]
"""Of two notifications about one absence the later sent wins, then the higher id (N5)."""

# What a notification tells about the absence, beside who is absent and what names the message itself.
_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "reporter": frozenset({"kind", "cvr", "production_unit", "fund_number", "name"}),
    "pay": frozenset({"kind", "until"}),
    "employment": frozenset(
        {"start_day", "weekly_hours", "job_title", "employment_number", "is_flexjob", "has_section_56_agreement"}
    ),
    "workplace_contact": frozenset({"name", "phone", "email"}),
    "retention_answers": frozenset({"affected_job_functions", "affected_for", "work_adapted", "work_adaptation"}),
    "period": frozenset({"first_day", "last_day"}),
    "final": frozenset({"absence_continues", "unpaid_from"}),
}
_FIELDS: Final = ("citizen_kind", "municipality_code", "first_absence_day", "last_absence_day", "cause")
_NO_UNLESS_SAID: Final = frozenset({"is_flexjob", "has_section_56_agreement"})


def reported(value: bytes | None) -> Report | None:
    """What a reporter sent, None if it is no JSON object."""
    try:
        document = json.loads((value or b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def own_id(report: Report) -> str:
    return str(report.get("notification_id")).lower()


def reference(report: Report) -> str:
    return str(report.get("absence_reference")).lower()


def stamp(report: Report) -> Stamp:
    return instant(report["sent_at"]), own_id(report)


def whose(report: Report) -> tuple[str, str, str]:
    """Who is absent and who says so: what no two notifications about one absence may differ in."""
    reporter = report["reporter"]
    number = str(reporter.get("fund_number", "")).zfill(4) if "fund_number" in reporter else str(reporter.get("cvr"))
    return str(report["citizen"]["cpr"]).replace("-", ""), reporter["kind"], number


def shown(report: Report) -> Mapping[str, Any]:
    """All that is told about the absence, in one spelling: two that are equal here read the same."""
    told: dict[str, Any] = {name: report[name] for name in _FIELDS if report.get(name) is not None}
    for part, names in _PARTS.items():
        held = report.get(part)
        if isinstance(held, Mapping):
            told[part] = {
                name: _normal(value)
                for name, value in held.items()
                if name in names and value is not None and not (name in _NO_UNLESS_SAID and value is False)
            }
    return told


def _normal(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() | float():
            return float(value)
        case str():
            lines = unicodedata.normalize("NFC", value).replace("\t", " ").splitlines()
            text = "\n".join(lines).strip()
            return "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) != "Cc")
        case _:
            return value
