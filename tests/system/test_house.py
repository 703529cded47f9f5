"""The house as demo and campaign use it: everybody comes up, comes back after a kill, takes replicas and drains."""

import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stack import ALL_SERVERS, Stack
from stack.house import House
from stack.members import ERASER, SERVICES
from stack.paths import ROOT
from stack.run_file import RunFile
from tests.support.fixtures import new_run_dir

pytestmark = pytest.mark.timeout(240)
ONCE_IT_HAPPENS = {"mitsyg_batch_retries_total", "mitsyg_consumer_last_progress_timestamp_seconds"}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with new_run_dir() as run_dir:
        stack = Stack.start(run_dir, servers=ALL_SERVERS)
        house = House(stack, session_timeout_ms=2_000).start()
        yield house
        house.stop()
        stack.stop()


def _environment_of(house: House, name: str) -> set[str]:
    return set(Path(f"/proc/{house.process(name).pid}/environ").read_text().split("\0"))


def _metrics(house: House) -> dict[str, list[str]]:
    told = {}
    for service in (*SERVICES, ERASER):
        with urllib.request.urlopen(f"{house.ops_url(service)}/metrics", timeout=5) as answer:
            told[service] = answer.read().decode().splitlines()
    return told


def test_everybody_is_ready_and_tells_metrics(house: House) -> None:
    assert all(any("python_gc" in line for line in lines) for lines in _metrics(house).values())


def test_what_alerts_look_at_is_there_before_it_happens(house: House) -> None:
    """An alarm about the growth of what is not there would miss the first of its kind."""
    rules = yaml.safe_load((ROOT / "deploy" / "alerts" / "mit-sygefravaer.yml").read_text())["groups"]
    asked = {
        (name, *re.findall(r'\w+="[^"]*"', matchers))
        for group in rules
        for rule in group["rules"]
        for name, matchers in re.findall(r"\b(mitsyg_\w+)(\{[^}]*\})?", rule["expr"])
        if name not in ONCE_IT_HAPPENS
    }
    deadline = time.monotonic() + 20
    while missing := _missing(asked, [line for lines in _metrics(house).values() for line in lines]):
        assert time.monotonic() < deadline, missing
        time.sleep(0.5)


def _missing(asked: set[tuple[str, ...]], lines: list[str]) -> list[tuple[str, ...]]:
    return [
        (name, *labels)
        for name, *labels in asked
        if not any(line.startswith((f"{name}{{", f"{name} ")) and all(one in line for one in labels) for line in lines)
    ]


def test_migrating_again_changes_nothing(house: House) -> None:
    for service in SERVICES:
        house.migrate(service)
    house.wait_ready(timeout=5)


@pytest.mark.parametrize("name", ["citizens", "intake", "uploads", "eraser", "post_gateway"])
def test_who_is_killed_comes_back_at_the_same_address(house: House, name: str) -> None:
    address = house.ops_url(name)
    house.process(name).kill()
    assert not house.process(name).is_alive
    house.process(name).start()
    house.wait_ready([name])
    assert house.ops_url(name) == address


def test_a_variable_of_one_life_is_gone_in_the_next(house: House) -> None:
    house.restart("tasks", {"FAULTPOINTS": "tasks.nowhere:kill:1"})
    assert "FAULTPOINTS=tasks.nowhere:kill:1" in _environment_of(house, "tasks")
    house.restart("tasks")
    assert not any(variable.startswith("FAULTPOINTS") for variable in _environment_of(house, "tasks"))


def test_a_replica_shares_the_work_and_drains_when_asked(house: House) -> None:
    replica = house.add_replica("intake")
    house.wait_ready([replica, "intake"])
    assert house.ops_url(replica) != house.ops_url("intake")
    assert house.process(replica).stop() == 0
    house.remove_replica(replica)
    house.wait_ready(["intake"])


def test_a_later_command_knows_who_lives_here(house: House) -> None:
    house.remember()
    held = RunFile.read(house.stack.run_dir)
    assert held is not None
    assert {one.name for one in held.house} == set(house.names)
    assert all(one.found().is_alive for one in held.house)


def test_no_secret_stands_in_any_log(house: House) -> None:
    logs = {path.name: path.read_text(errors="replace") for path in (house.stack.run_dir / "logs").iterdir()}
    assert logs.keys() >= {f"{name}.log" for name in (*house.names, *ALL_SERVERS)}
    passwords = {house.service_env(service)["DATABASE_URL"].split(":")[2].split("@")[0] for service in SERVICES}
    for secret in (*house.secrets.told_to_nobody, *passwords):
        assert not [name for name, text in logs.items() if secret in text]


def test_services_drain_and_end_well_when_the_house_is_closed(house: House) -> None:
    house.stop()
    names = (*SERVICES, ERASER)
    assert {name: house.process(name).exit_code for name in names} == dict.fromkeys(names, 0)
