"""What intake says about notifications: an event for each that took effect, a receipt for each, and nobody is named in them."""

import json
from base64 import b64decode
from typing import Any

import pytest

from contracts.absence.v1 import REPORTED_SEALING_FIELD
from contracts.events import Encoded
from plumbing.audit import Entry
from plumbing.sealing import SealBroken, open_sealed, open_text
from services.intake.domain import Citizen, Rules
from services.intake.usecases import announcements
from services.intake.usecases.joining import SEALING_FIELD, record_of
from services.intake.usecases.reading import Rejected, read
from tests.support.intake_memory import CITIZEN, NOW, RULES, Intake
from tests.support.notifications import (
    amendment,
    fast_track,
    raw,
    record,
    recovery,
    refund,
    report,
    self_employed,
    unemployed,
    withdrawal,
)

ANSWERS = {"affected_for": "Siden jul, på grund af ryggen", "work_adapted": True}
CONTACT = {"name": "Bodil Ledersen", "phone": "+45 12 34 56 78", "email": "bodil@example.org"}
REPORT = report(retention_answers=ANSWERS, workplace_contact=CONTACT)
EVERYTHING = (
    REPORT,
    amendment(REPORT, first_absence_day="2026-03-03", last_absence_day="2026-03-17"),
    refund(REPORT, final={"absence_continues": True, "unpaid_from": "2026-03-16"}),
    fast_track(REPORT),
    recovery(REPORT),
    withdrawal(REPORT),
)


def events(*bodies: dict[str, Any]) -> list[Encoded]:
    intake = Intake()
    for body in bodies:
        intake.take_in(body)
    return announcements.events(intake.effects, NOW)


def kind_of(event: Encoded) -> str:
    return dict(event.headers)["ce_type"].decode().removeprefix("dk.mitsygefravaer.absence.").removesuffix(".v1")


def only(*bodies: dict[str, Any]) -> dict[str, Any]:
    """What the last event says."""
    said: dict[str, Any] = json.loads(events(*bodies)[-1].value)
    return said


# the six kinds ---------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("N1", "N8")
def test_each_kind_that_took_effect_is_told_as_an_event_of_its_own() -> None:
    told = events(*EVERYTHING)
    kinds = ["reported", "amended", "refund_requested", "fast_track_requested", "recovered", "withdrawn"]
    assert [kind_of(one) for one in told] == kinds
    assert [json.loads(one.value)["version"] for one in told] == [1, 2, 3, 4, 5, 6]
    assert [json.loads(one.value)["notification_id"] for one in told] == [one["notification_id"] for one in EVERYTHING]


@pytest.mark.rule("N1")
def test_a_final_refund_request_says_whether_the_absence_goes_on_and_from_when_nothing_is_paid() -> None:
    last = refund(REPORT, final={"absence_continues": True, "unpaid_from": "2026-03-16"})
    said = only(REPORT, last)
    assert (said["first_day"], said["last_day"]) == ("2026-03-02", "2026-03-15")
    assert said["final"] == {"absence_continues": True, "unpaid_from": "2026-03-16"}
    assert only(REPORT, refund(REPORT)).get("final") is None


@pytest.mark.rule("N2")
def test_what_the_rules_need_is_told_in_clear_and_all_the_rest_sealed() -> None:
    body = {**REPORT, "last_absence_day": "2026-03-15", "pay": {"kind": "wage", "until": "2026-03-10"}}
    said = only(body)
    clear = ("citizen_kind", "municipality_code", "first_absence_day", "last_absence_day", "pay")
    assert {name: said[name] for name in clear} == {name: body[name] for name in clear}
    assert said["reporter_kind"] == "employer"
    sealed = json.loads(opened(said))
    assert (sealed["retention_answers"], sealed["workplace_contact"]) == (ANSWERS, CONTACT)
    assert (sealed["employment"], sealed["reporter"]) == (body["employment"], body["reporter"])


@pytest.mark.rule("N5")
def test_an_event_says_whether_it_holds_and_whether_anything_reads_differently() -> None:
    changed = amendment(REPORT, first_absence_day="2026-03-03", sent_at="2026-03-19T09:00:00Z")
    late = amendment(REPORT, first_absence_day="2026-03-04", sent_at="2026-03-19T08:00:00Z")
    told = [json.loads(one.value) for one in events(REPORT, amendment(REPORT), changed, late)]
    assert [(one["is_current"], one["is_changed"]) for one in told[1:]] == [(True, False), (True, True), (False, False)]


@pytest.mark.rule("N5")
def test_a_report_tells_the_amendment_that_waited_for_it_and_that_it_was_taken_back() -> None:
    early = amendment(REPORT, first_absence_day="2026-03-05")
    reported, amended, *_ = (
        json.loads(one.value) for one in events(early, withdrawal(REPORT, sent_at="2026-03-20T08:00:00Z"), REPORT)
    )
    assert (reported["first_absence_day"], reported["is_withdrawn"]) == ("2026-03-05", True)
    assert amended["is_changed"] is False


@pytest.mark.rule("N6")
def test_the_reporters_deadline_goes_with_report_amendment_and_refund_request_and_rejects_nobody() -> None:
    late = report(first_absence_day="2026-02-01", last_absence_day="2026-03-15")
    period = {"first_day": "2026-02-01", "last_day": "2026-02-10"}
    told = [
        json.loads(one.value)["reporter_deadline"]
        for one in events(late, amendment(late, last_absence_day="2026-02-20"), refund(late, period=period))
    ]
    assert told == ["late", "not_applicable", "late"]
    assert only(self_employed())["reporter_deadline"] == "no_rule"


@pytest.mark.rule("N6")
def test_an_amended_first_day_moves_the_reporters_deadline() -> None:
    body = report(first_absence_day="2026-03-02")
    assert only(body)["reporter_deadline"] == "on_time"
    assert only(body, amendment(body, first_absence_day="2026-02-01"))["reporter_deadline"] == "late"


@pytest.mark.rule("N7")
def test_an_early_report_of_an_unemployed_person_is_taken_and_marked() -> None:
    assert only(unemployed(first_absence_day="2026-03-10"))["early"] is True
    assert only(unemployed(first_absence_day="2026-03-01"))["early"] is False
    assert only(report(first_absence_day="2026-03-10"))["early"] is False


# receipts --------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("N3")
def test_each_notification_gets_one_receipt_and_a_rejected_one_every_reason() -> None:
    intake, body = Intake(), report()
    intake.take_in(recovery(REPORT), body, body)
    bad = read(record(raw(report(cause="flu", municipality_code="x")), 9), NOW, RULES)
    assert isinstance(bad, Rejected)
    told = announcements.receipts([*intake.outcomes, bad], NOW)
    said = [json.loads(one.value) for one in told]
    assert [one["outcome"] for one in said] == ["waiting", "accepted", "duplicate", "rejected"]
    assert sorted((why["field"], why["code"]) for why in said[3]["reasons"]) == [
        ("cause", "unknown-code"),
        ("municipality_code", "bad-format"),
    ]
    assert len({dict(one.headers)["ce_id"] for one in told}) == 4


@pytest.mark.rule("N4")
def test_a_duplicate_is_answered_with_the_receipt_id_of_the_first() -> None:
    intake, body = Intake(), report()
    intake.take_in(body)
    intake.take_in(body)
    first, again = (json.loads(one.value) for one in announcements.receipts(intake.outcomes, NOW))
    assert first["receipt_id"] == again["receipt_id"]
    assert (first["outcome"], again["outcome"]) == ("accepted", "duplicate")


# nobody is named -------------------------------------------------------------------------------------------------------------

SECRETS = (
    REPORT["citizen"]["cpr"],
    "610190-0001",
    REPORT["citizen"]["name"],
    "Prøvevej",
    "Prøveby",
    "Siden jul",
    "Bodil",
    "12 34 56 78",
    "smed",
    "Værkstedet",
)


def opened(said: dict[str, Any], citizen: Citizen = CITIZEN) -> str:
    return open_text(citizen.key, said["reported"], owner=said["citizen_id"], field=REPORTED_SEALING_FIELD)


def legible(one: Encoded) -> str:
    """All that anybody can read in a record who has no key: sealed texts as the bytes they are."""
    said = json.loads(one.value)
    sealed = b64decode(said.get("reported", "")).decode("latin-1")
    headers = " ".join(f"{name}: {value.decode()}" for name, value in one.headers)
    return f"{one.topic} {one.key} {headers} {json.dumps(said, ensure_ascii=False)} {sealed}"


@pytest.mark.rule("N8")
def test_events_receipts_and_audit_entries_name_people_by_their_random_id_alone() -> None:
    intake = Intake()
    for body in EVERYTHING:
        intake.take_in(body)
    bad = read(
        record(raw({**REPORT, "cause": "x", "citizen": {**REPORT["citizen"], "cpr": "6101900001x"}}), 9), NOW, RULES
    )
    assert isinstance(bad, Rejected)
    told = [
        *announcements.events(intake.effects, NOW),
        *announcements.receipts([*intake.outcomes, bad], NOW),
    ]
    entries: list[Entry] = announcements.audit_entries(intake.effects, NOW)
    said = [*(legible(one) for one in told), *(str(one) for one in entries)]
    assert not [secret for secret in SECRETS for text in said if secret in text]
    assert all(one.key == json.loads(one.value)["absence_id"] for one in told[: len(EVERYTHING)])


@pytest.mark.rule("N8")
def test_what_was_told_is_sealed_for_its_citizen_and_holds_nothing_that_the_vault_keeps() -> None:
    for one in events(*EVERYTHING):
        said = json.loads(one.value)
        assert said["citizen_id"] == str(CITIZEN.citizen_id)
        if "reported" in said:
            sealed = opened(said)
            assert "citizen" not in json.loads(sealed)
            assert not [secret for secret in SECRETS[:5] if secret in sealed]


@pytest.mark.rule("N8")
def test_what_waits_is_kept_sealed_for_its_citizen() -> None:
    intake, early = Intake(), amendment(REPORT)
    intake.take_in(early)
    [kept] = intake.memory.kept.values()
    opened = record_of(kept, CITIZEN)
    assert opened is not None
    assert opened.value == raw(early)
    assert record_of(kept, Citizen(citizen_id=CITIZEN.citizen_id, key=b"s" * 32)) is None
    with pytest.raises(SealBroken):
        open_sealed(CITIZEN.key, kept.sealed, owner=str(kept.absence_id), field=SEALING_FIELD)


@pytest.mark.rule("N8")
def test_nothing_on_its_way_in_can_be_logged_by_mistake() -> None:
    [one] = Intake().candidates(REPORT)
    strict = read(record(raw(REPORT), 1), NOW, Rules(accept_test_cpr=False, is_municipality=RULES.is_municipality))
    assert isinstance(strict, Rejected)
    shown = f"{one!r} {one} {one.notice!r} {one.claim.notification!r} {one.citizen!r} {strict!r}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert repr(CITIZEN.key) not in shown
