"""Alert rules: what they look at is what the services show, and each says what to do."""

import importlib
import pkgutil
import re
from enum import StrEnum
from typing import Any, Final

import pytest
import yaml
from prometheus_client import REGISTRY

import plumbing
import services
from contracts.nemrefusion.v1 import ReasonCode
from contracts.topics import EVENT_TOPICS, NEMREFUSION_NOTIFICATION
from plumbing.inbox import Fate
from plumbing.telemetry import metrics
from services.notifier.domain import Answer, Channel, LetterState, Registration
from services.notifier.usecases import QUEUE as LETTER_QUEUE
from services.uploads.app import ERASER
from services.uploads.usecases.deleting import DROP_QUEUE, ERASE_QUEUE
from services.uploads.usecases.take_file import CHECK_QUEUE
from stack.members import SERVICES
from stack.paths import ROOT

FILE: Final = ROOT / "deploy" / "alerts" / "mit-sygefravaer.yml"
RULES: Final[list[dict[str, Any]]] = [
    rule for group in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]
KNOWN: Final[dict[str, set[str]]] = {
    "topic": {topic.name for topic in EVENT_TOPICS},
    "fate": {fate.value for fate in Fate},
    "reason": {code.value for code in ReasonCode},
    "service": {*SERVICES, ERASER},
    "state": {state.value for state in LetterState},
    "channel": {channel.value for channel in Channel},
    "answer": {answer.value for answer in Registration},
    "outcome": {"clean", "recalled", "later"},
    "meaning": {answer.value for answer in Answer},
    "queue": {CHECK_QUEUE, DROP_QUEUE, ERASE_QUEUE, LETTER_QUEUE},
}
"""The labels whose values are a closed list."""
NAME: Final = re.compile(r"\bmitsyg_\w+")
MATCHER: Final = re.compile(r'(\w+)\s*(=|!=|=~|!~)\s*"([^"]*)"')


def declared() -> dict[str, set[str]]:
    """The names under which Prometheus finds what the code counts, with their labels."""
    for package in (plumbing, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not re.search(r"__main__|\.migrations", module.name):
                importlib.import_module(module.name)
    found: dict[str, set[str]] = {}
    for collector in set(REGISTRY._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ()))
        found |= dict.fromkeys(REGISTRY._collector_to_names[collector], labels)
    return found


DECLARED: Final = declared()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
class TestOneRule:
    def test_every_metric_in_it_is_one_of_the_code(self, rule: dict[str, Any]) -> None:
        names = NAME.findall(rule["expr"])

        assert names
        assert [name for name in names if name not in DECLARED] == []

    def test_it_asks_for_labels_and_values_that_there_are(self, rule: dict[str, Any]) -> None:
        for name, matchers in re.findall(r"\b(mitsyg_\w+)\{([^}]*)\}", rule["expr"]):
            assert ",".join("".join((*each[:2], f'"{each[2]}"')) for each in MATCHER.findall(matchers)) == matchers
            for label, operator, value in MATCHER.findall(matchers):
                assert label in DECLARED[name]
                assert operator in {"=", "!="}
                assert value in KNOWN[label]

    def test_what_only_grows_is_asked_for_its_growth(self, rule: dict[str, Any]) -> None:
        bare = re.sub(r"increase\([^()]*\[\d+[mh]\]\)", "", rule["expr"])

        assert [name for name in NAME.findall(bare) if name.endswith("_total")] == []

    def test_it_says_what_is_the_matter_and_what_to_do(self, rule: dict[str, Any]) -> None:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert 80 < len(rule["annotations"]["runbook"]) < 400
        for page in re.findall(r"docs/[\w/.-]+\.md", rule["annotations"]["runbook"]):
            assert (ROOT / page).is_file()

    def test_its_braces_and_brackets_are_paired(self, rule: dict[str, Any]) -> None:
        """All that can be told of PromQL without a parser."""
        left = re.sub(r'"[^"]*"|[^(){}\[\]]', "", rule["expr"])
        while (shorter := re.sub(r"\(\)|\{\}|\[\]", "", left)) != left:
            left = shorter
        assert left == ""


def test_no_two_rules_have_one_name() -> None:
    names = [rule["alert"] for rule in RULES]

    assert len(set(names)) == len(names)


def test_a_counter_of_a_topic_is_there_before_it_counts() -> None:
    """What begins with a one shows no increase: the first of its kind would raise no alarm."""
    topic = "alerts.begin.at.zero"
    metrics.begin_at_zero(topic, Fate, ReasonCode)

    for fate in Fate:
        assert REGISTRY.get_sample_value("mitsyg_records_total", {"topic": topic, "fate": fate}) == 0
    for reason in ReasonCode:
        assert REGISTRY.get_sample_value("mitsyg_refused_records_total", {"topic": topic, "reason": reason}) == 0
    for name in ("mitsyg_personal_keys_total", "mitsyg_topic_went_back_total", "mitsyg_partition_unreadable_total"):
        assert REGISTRY.get_sample_value(name, {"topic": topic}) == 0


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("mitsyg_letters_moved_total", "state", LetterState),
        ("mitsyg_letter_sendings_failed_total", "channel", Channel),
        ("mitsyg_register_answers_total", "answer", Registration),
        ("mitsyg_gateway_answers_total", "meaning", Answer),
    ],
)
def test_what_is_counted_of_letters_is_there_before_it_counts(name: str, label: str, values: type[StrEnum]) -> None:
    assert [REGISTRY.get_sample_value(name, {label: one.value}) is not None for one in values] == [True] * len(values)


def test_reasons_are_asked_for_where_they_are_counted() -> None:
    asked = [rule for rule in RULES if "mitsyg_refused_records_total" in rule["expr"]]

    assert asked
    assert all(f'topic="{NEMREFUSION_NOTIFICATION.name}"' in rule["expr"] for rule in asked)
