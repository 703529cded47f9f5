"""L6, L9 and L10: a trail that was touched, a person who can be told, and work that never ends are found."""

import base64
import gzip
import json
import re
from collections.abc import Callable

import pytest

from laws import audit, canary, names, privacy, progress
from laws.progress import Measure
from laws.secrets_told import gathered
from tests.laws.world import DLQ, NOW, World, event_record, good_world, notify, record

Spoil = Callable[[World], object]


def block(world: World) -> dict[str, object]:
    return world.table("tasks", "audit_chain")[0]


AUDIT: dict[str, tuple[Spoil, str]] = {
    "an entry changed": (
        lambda world: world.table("tasks", "audit_entry")[0].update(actor="somebody"),
        "an entry changed or gone",
    ),
    "an entry gone": (lambda world: world.table("tasks", "audit_entry").pop(0), "an entry changed or gone"),
    "the chain made anew": (
        lambda world: block(world).update(hash=bytes(32)),
        "a block does not follow from the one before",
    ),
    "the first block gone": (lambda world: block(world).update(number=2), "a block is missing"),
    "an entry outside the chain": (
        lambda world: world.audit("tasks", "task.opened", "task", "x"),
        "an entry is in the chain once",
    ),
    "a change without entry": (
        lambda world: world.table("tasks", "task").append({"task_id": "x", "deadline_at": None, "state": "open"}),
        "one entry task.opened per change in tasks",
    ),
    "a deadline without entry": (
        lambda world: world.table("tasks", "task").append({"task_id": "x", "deadline_at": NOW, "state": "open"}),
        "one entry task.deadline_set per change in tasks",
    ),
}


@pytest.mark.parametrize(("spoil", "rule"), AUDIT.values(), ids=AUDIT.keys())
def test_a_trail_that_was_touched_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in audit.check(world.evidence()).offences


CPR, NAME, STREET = "6101900001", "Prøveperson Ærlig Ørstedb", "Prøvevænget 11"


TOLD = {
    "kind": names.REFUND,
    "citizen": {"cpr": "6101900077"},
    "workplace_contact": {"name": "Bo", "phone": "+45 00 11 22 33"},
    "retention_answers": {"affected_job_functions": "Ved ikke.\nLøft over 10 kg er svært."},
}


def in_topic(world: World, **told: object) -> None:
    world.log[names.TASK].append(record(names.TASK, 0, 99, **told))


LEAKS: dict[str, tuple[Spoil, str]] = {
    "in a key": (lambda world: in_topic(world, key=CPR.encode()), "CPR number in the open"),
    "in a header": (lambda world: in_topic(world, headers=(("h", CPR.encode()),)), "CPR number in the open"),
    "in an event": (
        lambda world: world.log[names.TASK].append(event_record(names.TASK, 99, "i", "t", {"name": NAME})),
        "name, JSON-escaped in the open",
    ),
    "in a table": (
        lambda world: world.table("notifier", "letter").append({"sealed": f"to {NAME}".encode()}),
        "name in the open",
    ),
    "in a log": (lambda world: world.texts.update({"intake.log:1": f"cannot insert ({CPR})"}), "CPR number in the open"),
    "an address in a log": (lambda world: world.texts.update({"log": f"at {STREET}, 2. tv."}), "address in the open"),
    "in the name of a header": (lambda world: in_topic(world, headers=((CPR, b""),)), "CPR number in the open"),
    "in the name of a topic": (lambda world: world.log.update({f"retry.{CPR}": []}), "CPR number in the open"),
    "in a list in a table": (
        lambda world: world.table("notifier", "letter").append({"lines": [b"to", NAME.encode()]}),
        "name in the open",
    ),
    "in a dead letter": (
        lambda world: world.log[DLQ].append(record(DLQ, 0, 9, value=json.dumps({"reasons": [CPR]}).encode())),
        "CPR number in the open",
    ),
    "in a metric": (
        lambda world: world.texts.update({"metrics of intake": f'errors_total{{what="{CPR}"}} 1'}),
        "CPR number in the open",
    ),
    "a fund's telephone": (
        lambda world: world.texts.update({"log": "calls +45 00 11 22 33"}),
        "contact at work in the open",
    ),
    "what an employer wrote": (
        lambda world: world.table("tasks", "task").append({"note": "says: Løft over 10 kg er svært."}),
        "free text in the open",
    ),
    "about a refund only": (
        lambda world: world.texts.update({"log": "refund for 6101900077"}),
        "CPR number in the open",
    ),
    "compressed": (
        lambda world: in_topic(world, value=gzip.compress(CPR.encode(), mtime=0)),
        "CPR number in the open",
    ),
    "twice in base64": (
        lambda world: world.texts.update({"log": base64.b64encode(base64.b64encode(f"citizen {CPR}".encode())).decode()}),
        "CPR number, base64, base64 in the open",
    ),
    "sealed with nothing but base64": (
        lambda world: world.texts.update({"log": base64.b64encode(json.dumps({"cpr": CPR}).encode()).decode()}),
        "CPR number, base64 in the open",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), LEAKS.values(), ids=LEAKS.keys())
def test_a_person_who_can_be_told_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    notify(world, 5, json.dumps(TOLD).encode(), expected="rejected", codes=[], notification_id=None)
    spoil(world)
    assert rule in privacy.check(world.evidence()).offences


def test_a_verdict_on_a_leak_does_not_repeat_it() -> None:
    world = good_world()
    world.texts["intake.log:1"] = f"{CPR} {NAME}"
    told = "\n".join(privacy.check(world.evidence()).lines())
    assert "intake.log:1" in told
    assert CPR not in told
    assert NAME not in told


def test_a_checker_that_does_not_find_the_canary_calls_itself_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laws.secrets_told._TEN_DIGITS", re.compile("(never)(matches)"))
    assert "blind: the planted canary was not found" in privacy.check(good_world().evidence()).offences


def blind_to(monkeypatch: pytest.MonkeyPatch, name: str, instead: object) -> set[str]:
    """The places in which nothing is found any more."""
    monkeypatch.setattr(name, instead)
    verdict = privacy.check(good_world().evidence())
    assert verdict.offences.keys() == {"blind: the planted canary was not found"}
    secrets = gathered([canary.NOTIFICATION])
    return {place for place, _, evidence in canary.planted() if not privacy.found(evidence, secrets)}


def test_the_canary_is_missed_in_columns_that_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    places = blind_to(monkeypatch, "laws.privacy._spelt", str)
    assert {"a column of bytes", "a column of byte strings"} <= places


def test_the_canary_is_missed_in_what_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    places = blind_to(monkeypatch, "laws.privacy.inflated", lambda _: "")
    assert {"a compressed body", "a column of compressed bytes"} == places


def test_the_canary_is_missed_where_only_values_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    places = blind_to(monkeypatch, "laws.privacy._of_record", lambda one: (one.value or b"").decode("utf-8", "replace"))
    assert {"a key", "a header", "the name of a header"} <= places


def test_the_canary_is_missed_in_spellings_that_are_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(blind_to(monkeypatch, "laws.secrets_told._undone", lambda _: iter(()))) > len("every kind")


def test_a_search_that_cries_at_home_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laws.canary._NOBODY", canary.NAME)
    assert "cries where nothing is given away" in privacy.check(good_world().evidence()).offences


def measured(**under_way: int) -> Measure:
    return Measure(seconds=60, under_way=under_way, given_up={"parked keys of intake": 0}, groups=4)


def test_all_at_rest_is_progress() -> None:
    assert progress.judge(measured(lag=0, outbox=0), 60).holds


def test_a_stuck_partition_is_found() -> None:
    verdict = progress.judge(measured(lag=3, outbox=0), 60)
    assert verdict.offences == {"still under way after 60 s": 1}


def test_what_was_given_up_is_no_rest() -> None:
    parked = Measure(seconds=1, under_way={"lag": 0}, given_up={"parked keys of intake": 1}, groups=4)
    assert progress.judge(parked, 60).offences == {"given up": 1}


def test_a_system_without_groups_is_not_at_rest() -> None:
    assert not progress.judge(Measure(seconds=1, under_way={}, given_up={}, groups=0), 60).holds
