"""Builders of NemRefusion notifications for tests: a valid report by default, changed by name."""

import json
from typing import Any
from uuid import uuid4

from plumbing.bus import Record

TEST_CPR = "6101900001"
"""Day + 60: a test number, nobody's."""


def report(**changes: Any) -> dict[str, Any]:
    """An employer's report about an employee on wage who is still absent; a change to None leaves the field out."""
    body: dict[str, Any] = {
        "version": 1,
        "kind": "absence_reported",
        "notification_id": str(uuid4()),
        "sent_at": "2026-03-18T08:30:00+01:00",
        "absence_reference": str(uuid4()),
        "reporter": {
            "kind": "employer",
            "cvr": "10000009",
            "production_unit": "1000000001",
            "name": "Værkstedet ved Åen",
        },
        "citizen": {
            "cpr": TEST_CPR,
            "name": "Prøveperson Ærlig Ørsted",
            "address": {"lines": ["Prøvevej 1"], "postal_code": "9999", "city": "Prøveby"},
            "has_address_protection": False,
        },
        "citizen_kind": "employee",
        "municipality_code": "0751",
        "first_absence_day": "2026-03-02",
        "cause": "illness",
        "pay": {"kind": "wage"},
        "employment": {"job_title": "smed", "weekly_hours": 37},
    }
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def unemployed(**changes: Any) -> dict[str, Any]:
    """A fund's report about an unemployed member."""
    fund = {"kind": "unemployment_fund", "fund_number": "0012", "name": "Prøvekassen"}
    return report(**{"reporter": fund, "citizen_kind": "unemployed", "pay": None, "employment": None, **changes})


def self_employed(**changes: Any) -> dict[str, Any]:
    """A self-employed person's own report."""
    own = {"kind": "self_employed", "cvr": "10000009"}
    return report(**{"reporter": own, "citizen_kind": "self_employed", "pay": None, "employment": None, **changes})


def citizen(cpr: str) -> dict[str, Any]:
    """Another person."""
    return {**report()["citizen"], "cpr": cpr}


def raw(body: dict[str, Any]) -> bytes:
    """As it goes over the wire."""
    return json.dumps(body, ensure_ascii=False).encode()


def record(
    value: bytes | None, offset: int, *, partition: int = 0, topic: str = "nemrefusion.notification.v1"
) -> Record:
    """A record as the bus hands it over."""
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=None,
        value=value,
        headers=(),
        timestamp_ms=1_773_800_000_000,
    )


def _about(absence: dict[str, Any], kind: str, **told: Any) -> dict[str, Any]:
    """Another notification about a reported absence, by the same reporter about the same citizen."""
    common = {name: absence[name] for name in ("version", "absence_reference", "reporter")}
    body = {**common, "kind": kind, "notification_id": str(uuid4()), "sent_at": "2026-03-19T08:30:00+01:00", **told}
    return {name: value for name, value in body.items() if value is not None}


def amendment(absence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The whole report as it should read now."""
    whole = {**absence, "kind": "amended", "notification_id": str(uuid4()), "sent_at": "2026-03-19T08:30:00+01:00"}
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not None}


def refund(absence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A request for refund of the first weeks."""
    period = {"first_day": "2026-03-02", "last_day": "2026-03-15"}
    number = {"cpr": absence["citizen"]["cpr"]}
    return _about(absence, "refund_requested", **{"citizen": number, "period": period, **changes})


def fast_track(absence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The employer asks for early action."""
    told = {name: absence[name] for name in ("citizen", "municipality_code", "first_absence_day", "employment")}
    return _about(absence, "fast_track_requested", **{**told, **changes})


def recovery(absence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The citizen is well again."""
    number = {"cpr": absence["citizen"]["cpr"]}
    return _about(absence, "recovered", **{"citizen": number, "last_absence_day": "2026-03-17", **changes})


def withdrawal(absence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The report is taken back."""
    return _about(absence, "withdrawn", **{"citizen": {"cpr": absence["citizen"]["cpr"]}, **changes})
