"""The six kinds of notification: what each holds, what contradicts itself, and when two are the same."""

import json
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.catalogue import NOTIFICATION
from contracts.nemrefusion.v1 import (
    AbsenceReport,
    Amendment,
    FastTrackRequest,
    PayKind,
    Recovery,
    RefundRequest,
    Withdrawal,
    parse_notification,
)
from tests.contracts.notifications import LEFT_OUT, Document, accepted, changed, employee, golden, rejected, written


@pytest.mark.rule("N1", "N2")
@pytest.mark.parametrize("example", NOTIFICATION.examples, ids=lambda path: path.stem)
def test_every_golden_notification_is_accepted_and_fully_understood(example: Path) -> None:
    parsed = accepted(example.read_bytes())

    assert parsed.ignored_fields == 0
    assert json.loads(parsed.notification.model_dump_json(exclude_unset=True)) == _as_kept(
        json.loads(example.read_bytes())
    )


def _as_kept(document: Document) -> Document:
    """What is kept of a document: instants in UTC, CPR numbers without hyphen."""
    sent_at = datetime.fromisoformat(document["sent_at"]).astimezone(UTC)
    citizen = document["citizen"] | {"cpr": document["citizen"]["cpr"].replace("-", "")}
    return document | {"citizen": citizen, "sent_at": sent_at.isoformat().replace("+00:00", "Z")}


@pytest.mark.rule("N1")
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("absence_reported.employee", AbsenceReport),
        ("amended.employee", Amendment),
        ("refund_requested.final", RefundRequest),
        ("fast_track_requested.employee", FastTrackRequest),
        ("recovered.unemployed", Recovery),
        ("withdrawn.self_employed", Withdrawal),
    ],
)
def test_the_kind_tells_the_model(name: str, model: type) -> None:
    assert type(accepted(written(golden(name))).notification) is model


@pytest.mark.rule("N2")
def test_a_report_holds_what_was_told() -> None:
    report = accepted(written(golden("absence_reported.employee"))).notification

    assert isinstance(report, AbsenceReport)
    assert report.notification_id == UUID("7d1f2a90-3c4b-4e5d-8f60-000000000001")
    assert report.sent_at.isoformat() == "2026-03-20T08:15:00+00:00"
    assert report.first_absence_day == date(2026, 3, 2)
    assert report.pay is not None
    assert report.pay.kind is PayKind.WAGE
    assert report.employment is not None
    assert Decimal(report.employment.weekly_hours or 0) == 37
    assert not report.employment.is_flexjob
    assert report.citizen.address.country == "DK"


@pytest.mark.rule("N8")
@pytest.mark.parametrize("name", ["absence_reported.employee", "absence_reported.unemployed", "recovered.unemployed"])
def test_nothing_personal_shows_in_a_repr(name: str) -> None:
    document = golden(name)
    shown = f"{accepted(written(document))!r} {accepted(written(document)).notification}"

    assert "610" not in shown
    assert document["citizen"]["cpr"][:6] not in shown
    assert "Ønskeby" not in shown


@pytest.mark.rule("N1", "N2", "N3")
@pytest.mark.parametrize(
    ("name", "changes", "reasons"),
    [
        ("absence_reported.employee", {"citizen_kind": "unemployed", "pay": None, "employment": None,
                                       "workplace_contact": None, "retention_answers": None}, {"citizen_kind": "inconsistent"}),
        ("absence_reported.unemployed", {"citizen_kind": "self_employed"}, {"citizen_kind": "inconsistent"}),
        ("absence_reported.unemployed", {"pay": {"kind": "nothing"}}, {"pay": "inconsistent"}),
        ("absence_reported.self_employed", {"retention_answers": {}}, {"retention_answers": "inconsistent"}),
        ("absence_reported.self_employed", {"workplace_contact": {"name": "Bo"}}, {"workplace_contact": "inconsistent"}),
        ("absence_reported.employee", {"pay": None}, {"pay": "missing"}),
        ("absence_reported.employee", {"employment": LEFT_OUT}, {"employment": "missing"}),
        ("absence_reported.employee", {"pay.until": "2026-03-01"}, {"pay.until": "inconsistent"}),
        ("absence_reported.employee", {"employment.start_day": "2026-03-03"}, {"employment.start_day": "inconsistent"}),
        ("amended.employee", {"last_absence_day": "2026-03-02"}, {"last_absence_day": "inconsistent"}),
        ("refund_requested.employee", {"period.last_day": "2026-03-02"}, {"period.last_day": "inconsistent"}),
        ("refund_requested.final", {"final.unpaid_from": "2026-03-31"}, {"final.unpaid_from": "inconsistent"}),
        ("refund_requested.final", {"final.absence_continues": LEFT_OUT}, {"final.absence_continues": "missing"}),
        ("refund_requested.employee", {"reporter.kind": "unemployment_fund"}, {"reporter.kind": "unknown-code"}),
        ("fast_track_requested.employee", {"employment": LEFT_OUT}, {"employment": "missing"}),
        ("fast_track_requested.employee", {"citizen.address.postal_code": "8"}, {"citizen.address.postal_code": "bad-format"}),
        ("recovered.unemployed", {"last_absence_day": LEFT_OUT}, {"last_absence_day": "missing"}),
        ("withdrawn.self_employed", {"citizen.cpr": "1"}, {"citizen.cpr": "bad-cpr"}),
        ("withdrawn.self_employed", {"reporter.cvr": "1"}, {"reporter.cvr": "bad-cvr"}),
    ],
)  # fmt: skip
def test_a_notification_that_contradicts_itself_is_refused(
    name: str, changes: Document, reasons: dict[str, str]
) -> None:
    assert rejected(written(changed(golden(name), changes))) == reasons


@pytest.mark.rule("N2")
@pytest.mark.parametrize(
    "changes",
    [
        {"last_absence_day": "2026-03-02"},
        {"pay.until": "2026-03-02"},
        {"employment.start_day": "2026-03-02"},
        {"citizen.address.country": "SE", "citizen.address.postal_code": "211 19"},
        {"employment.weekly_hours": 0},
        {"employment.weekly_hours": 168},
        {"retention_answers": {}},
        {"employment": {}},
    ],
)
def test_the_edges_of_what_agrees_are_accepted(changes: Document) -> None:
    accepted(written(changed(golden("absence_reported.employee"), changes)))


def test_null_is_the_same_as_leaving_out() -> None:
    told = golden("absence_reported.employee_back")

    left_out, null = (written(changed(told, {"last_absence_day": value})) for value in (LEFT_OUT, None))

    assert accepted(left_out) == accepted(null)


SAME: list[tuple[str, bytes]] = [
    (
        "white space and order",
        json.dumps(dict(reversed(golden("absence_reported.employee").items())), indent=4).encode(),
    ),
    ("escapes", written(golden("absence_reported.employee"), ascii_only=False)),
    ("byte order mark", b"\xef\xbb\xbf" + employee()),
    ("NFD", unicodedata.normalize("NFD", written(golden("absence_reported.employee")).decode()).encode()),
    ("hyphen", employee(citizen__cpr="610390-1236")),
    ("null", employee(last_absence_day=None)),
    ("default told", employee(employment__is_flexjob=False, citizen__address__country="DK")),
    ("same instant in another zone", employee(sent_at="2026-03-20T08:15:00Z")),
    ("37.0 hours", employee(employment__weekly_hours=37.0)),
    ("unknown field", employee(shoe_size=42)),
]

OTHER: list[tuple[str, dict[str, Any]]] = [
    ("another name", {"citizen__name": "Åse Sørensen"}),
    ("another letter case", {"citizen__name": "ÅSE ØNSKEBY SØRENSEN"}),
    ("a second later", {"sent_at": "2026-03-20T09:15:01+01:00"}),
    ("a day later", {"first_absence_day": "2026-03-03"}),
    ("back", {"last_absence_day": "2026-03-15"}),
    ("a fleksjob", {"employment__is_flexjob": True}),
    ("an answer less", {"retention_answers__affected_for": LEFT_OUT}),
    ("another reference", {"absence_reference": "c2a4e680-1b3d-4f5a-9c7e-000000000099"}),
    ("an amendment", {"kind": "amended"}),
]


@pytest.mark.rule("N4")
@pytest.mark.parametrize("raw", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_the_same_content_has_the_same_fingerprint_however_it_is_written(raw: bytes) -> None:
    assert accepted(raw).fingerprint() == accepted(employee()).fingerprint()


@pytest.mark.rule("N4")
@pytest.mark.parametrize("changes", [row[1] for row in OTHER], ids=[row[0] for row in OTHER])
def test_another_content_has_another_fingerprint(changes: dict[str, Any]) -> None:
    assert accepted(employee(**changes)).fingerprint() != accepted(employee()).fingerprint()


STORED = {
    "absence_reported.employee": "e718f82f17e33821",
    "absence_reported.employee_back": "09f8a3b4d6412a13",
    "absence_reported.self_employed": "b6023edf3ecb764c",
    "absence_reported.unemployed": "efbc9e71a603ffcf",
    "amended.employee": "10f8fa8654c4f463",
    "fast_track_requested.employee": "7b54bc854c97ebc0",
    "recovered.unemployed": "09488fe3f310443b",
    "refund_requested.employee": "31e3b2c5670c9f10",
    "refund_requested.final": "b6ab28578add9d47",
    "withdrawn.self_employed": "82c6b30eeff46d29",
}
"""The first bytes of each golden notification's fingerprint, as the first release made it."""


@pytest.mark.rule("N4")
@pytest.mark.parametrize("name", STORED)
def test_a_fingerprint_outlives_releases(name: str) -> None:
    """Fingerprints are stored: one that changed would turn every repeat of an older notification into a conflict."""
    assert accepted(written(golden(name))).fingerprint().hex().startswith(STORED[name])


def test_parsing_again_gives_the_same() -> None:
    assert parse_notification(employee()) == parse_notification(employee())


def test_reading_one_costs_no_more_than_a_few_bare_json_reads() -> None:
    """Thousands a second pass through here. Measured 4 to 5 times `json.loads`, whatever the machine's load."""
    raw = written(golden("absence_reported.employee"))
    bare, ours = zip(*((_seconds(json.loads, raw), _seconds(parse_notification, raw)) for _ in range(30)), strict=True)

    assert min(ours) < 12 * min(bare)


def _seconds(read: Callable[[bytes], object], raw: bytes) -> float:
    began = time.perf_counter()
    for _ in range(20):
        read(raw)
    return time.perf_counter() - began
