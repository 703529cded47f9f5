"""The page of rules and the tests that defend them name each other, and the page leads to where each rule is decided."""

import re
from pathlib import Path

import pytest

from campaign.bite.breaches import BREACHES
from campaign.bite.rules import WITHOUT_SERVERS, defenders

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rules.md"
ROWS = re.findall(r"^\| ([A-Z]\d+) \| .+ \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
RULES = [rule for rule, _ in ROWS]


def test_the_page_tells_each_rule_once() -> None:
    assert len(set(RULES)) == len(RULES)
    assert {f"N{number}" for number in range(1, 9)} <= set(RULES)


def test_each_rule_on_the_page_is_defended_by_a_test_and_each_marker_names_one() -> None:
    assert defenders(ROOT, "tests").keys() == set(RULES)


def test_each_rule_has_a_breach_and_a_defender_without_servers_that_may_notice_it() -> None:
    assert {breach.rule for breach in BREACHES} == set(RULES) == defenders(ROOT, *WITHOUT_SERVERS).keys()


@pytest.mark.parametrize(("rule", "decided"), ROWS, ids=RULES)
def test_the_page_leads_to_where_a_rule_is_decided(rule: str, decided: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", decided)
    assert links, rule
    for link in links:
        assert (PAGE.parent / link).is_file(), link


def test_a_marker_that_is_not_written_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\npytestmark = pytest.mark.rule(RULE)\n")
    with pytest.raises(ValueError, match="literals"):
        defenders(tmp_path, ".")
