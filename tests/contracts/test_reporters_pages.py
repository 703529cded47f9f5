"""The reporters' pages: every field, rule and reason is told, what is told is true, and links lead somewhere."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import NOTIFICATION, ROOT
from contracts.documentation import DOCS, pages
from contracts.documentation.rules import RULES, Rule
from contracts.nemrefusion.checking import Checker
from contracts.nemrefusion.municipalities import REGISTER, is_municipality
from contracts.nemrefusion.v1 import KINDS, Outcome, ReasonCode
from contracts.nemrefusion.v1.plausibility import Rules
from tests.contracts.notifications import LEFT_OUT, changed, golden, written

AT = datetime(2026, 5, 5, 12, tzinfo=UTC)
PAGES = {path.relative_to(DOCS / "reporters").name: text for path, text in pages().items() if "reporters" in path.parts}
UNEMPLOYED = {
    "citizen_kind": "unemployed",
    "reporter": {"kind": "unemployment_fund", "fund_number": "98", "name": "Den opdigtede A-kasse"},
    **dict.fromkeys(("pay", "employment", "workplace_contact", "retention_answers"), LEFT_OUT),
}
FAR_AHEAD = "2027-06-01"
# By field and code, what breaks each rule in a full example of its kind; a list where it has several ways.
BREAKS: dict[tuple[str, ReasonCode], list[dict[str, Any]]] = {
    ("sent_at", ReasonCode.IMPLAUSIBLE_DATE): [
        {"sent_at": "2026-05-05T13:00:00Z"},
        {"sent_at": "2023-05-05T12:00:00Z"},
    ],
    ("sent_at", ReasonCode.TOO_LATE): [{"first_absence_day": "2026-02-14"}],
    ("citizen.cpr", ReasonCode.TEST_CPR): [{}],
    ("citizen.cpr", ReasonCode.IMPLAUSIBLE_DATE): [{"citizen.cpr": "6101304236"}],
    ("citizen.address.postal_code", ReasonCode.BAD_FORMAT): [
        {"citizen.address.postal_code": "80001"},
        {"citizen.address.postal_code": "80001", "citizen.address.country": LEFT_OUT},
    ],
    ("citizen_kind", ReasonCode.INCONSISTENT): [{"citizen_kind": "unemployed"}, {"citizen_kind": "self_employed"}],
    ("municipality_code", ReasonCode.NOT_OURS): [{"municipality_code": "0411"}],
    ("first_absence_day", ReasonCode.IMPLAUSIBLE_DATE): [
        {"first_absence_day": "2026-05-06", "last_absence_day": LEFT_OUT, "pay.until": LEFT_OUT},
        {"first_absence_day": "2023-05-05", "employment.start_day": LEFT_OUT},
    ],
    ("first_absence_day", ReasonCode.INCONSISTENT): [
        {"first_absence_day": "2026-04-01", "last_absence_day": LEFT_OUT, "pay.until": LEFT_OUT}
    ],
    ("last_absence_day", ReasonCode.INCONSISTENT): [{"last_absence_day": "2026-03-01"}],
    ("last_absence_day", ReasonCode.IMPLAUSIBLE_DATE): [{"last_absence_day": FAR_AHEAD}],
    ("last_absence_day", ReasonCode.WITH_FUND): [{**UNEMPLOYED, "last_absence_day": "2026-03-15"}],
    ("pay", ReasonCode.MISSING): [{"pay": LEFT_OUT}],
    ("employment", ReasonCode.MISSING): [{"employment": LEFT_OUT}],
    **{
        (field, ReasonCode.INCONSISTENT): [{"citizen_kind": "unemployed"}]
        for field in ("pay", "employment", "workplace_contact", "retention_answers")
    },
    ("pay.until", ReasonCode.INCONSISTENT): [{"pay.until": "2026-03-01"}],
    ("pay.until", ReasonCode.IMPLAUSIBLE_DATE): [{"pay.until": FAR_AHEAD}],
    ("employment.start_day", ReasonCode.INCONSISTENT): [{"employment.start_day": "2026-03-30"}],
    ("period.first_day", ReasonCode.IMPLAUSIBLE_DATE): [
        {"period.first_day": "2023-05-05"},
        {"period.first_day": FAR_AHEAD, "period.last_day": FAR_AHEAD, "final": LEFT_OUT},
    ],
    ("period.last_day", ReasonCode.IMPLAUSIBLE_DATE): [
        {"period.first_day": "2023-05-04", "period.last_day": "2023-05-05"},
        {"period.last_day": FAR_AHEAD},
    ],
    ("period.last_day", ReasonCode.INCONSISTENT): [{"period.last_day": "2026-03-15"}],
    ("final.unpaid_from", ReasonCode.INCONSISTENT): [{"final.unpaid_from": "2026-03-15"}],
}
BROKEN = [(kind, rule, way) for rule in RULES for kind in rule.kinds for way in BREAKS[rule.field, rule.code]]


def found_in(document: dict[str, Any], *, accept_test_cpr: bool) -> list[tuple[str, ReasonCode]]:
    checker = Checker(at=AT, rules=Rules(accept_test_cpr=accept_test_cpr, is_municipality=is_municipality))
    (finding,) = checker.check(written(document), by_lines=False)
    return [(each.field, each.code) for each in finding.reasons]


def without(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes that this kind of document has a place for."""
    places = set(paths_in(document))
    return {path: value for path, value in changes.items() if path in places}


@pytest.mark.parametrize(
    ("kind", "rule", "way"), BROKEN, ids=lambda each: f"{each.field}-{each.code}" if isinstance(each, Rule) else None
)
def test_a_rule_that_is_told_is_a_rule(kind: str, rule: Rule, way: dict[str, Any]) -> None:
    full = golden(f"{kind}.full")
    broken = changed(full, without(full, way))

    assert (rule.field, rule.code) in found_in(broken, accept_test_cpr=rule.code is not ReasonCode.TEST_CPR)
    assert found_in(full, accept_test_cpr=True) == []


def test_every_rule_beyond_form_is_told() -> None:
    """Whatever an example is refused for when broken in any of these ways is told for its kind."""
    told = {(kind, rule.field, rule.code) for rule in RULES for kind in rule.kinds}
    beyond_form = {rule.code for rule in RULES} - {ReasonCode.MISSING, ReasonCode.BAD_FORMAT}
    for kind in KINDS:
        full = golden(f"{kind}.full")
        for way in (way for ways in BREAKS.values() for way in ways):
            found = found_in(changed(full, without(full, way)), accept_test_cpr=False)
            assert {(kind, field, code) for field, code in found if code in beyond_form} <= told


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_page_tells_every_field_and_shows_every_example(kind: str) -> None:
    page = PAGES[f"{kind}.md"]
    for path in NOTIFICATION.examples:
        document = json.loads(path.read_bytes())
        if document["kind"] == kind:
            assert path.read_text(encoding="utf-8") in page
            assert {each for each in paths_in(document) if f"| `{each}` |" not in page} == set()


def test_every_reason_is_told() -> None:
    assert {code for code in ReasonCode if f"| `{code.value}` |" not in PAGES["reasons.md"]} == set()


def test_every_outcome_is_told() -> None:
    assert {each for each in Outcome if f"\n## {each.value}\n" not in PAGES["receipts.md"]} == set()


def test_every_municipality_is_told() -> None:
    assert {code for code in REGISTER if f"`{code}`" not in PAGES["municipalities.md"]} == set()


@pytest.mark.parametrize("name", PAGES)
def test_no_slot_stays_open(name: str) -> None:
    assert "{{" not in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGES[name]):
        assert (DOCS / "reporters" / link).resolve().is_file(), link


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, todo = set[str](), ["README.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            todo += [link for link in re.findall(r"\]\(([a-z_]+\.md)\)", PAGES[page]) if link in PAGES]

    assert reached == set(PAGES)


def test_a_page_that_nobody_makes_any_more_is_not_kept() -> None:
    made = {path.relative_to(ROOT.parent) for path in pages()}
    kept = {
        Path(path.relative_to(ROOT.parent))
        for room in ("reporters", "topics", "asyncapi")
        for path in (DOCS / room).iterdir()
    }

    assert kept == made


def paths_in(document: dict[str, Any], before: str = "") -> list[str]:
    return [
        path
        for name, value in document.items()
        for path in [before + name, *(paths_in(value, f"{before}{name}.") if isinstance(value, dict) else [])]
    ]
