"""The compose file says what the native house does, keeps no secret, and opens nothing to the outside."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.addresses import DatabaseAddresses
from stack.members import SERVICES, SIMULATORS, Seat, Wiring
from stack.paths import ROOT
from stack.secrets_file import NAMES, Secrets
from stack.settings import POSTGRES

_TEXT = (ROOT / "docker-compose.yml").read_text()
_SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(_TEXT)["services"]
_OF_ITS_OWN = re.compile(r"URL|HOST|PORT|PATH|SERVERS|TOKEN|KEY|SESSION_TIMEOUT")
_ONE_SHOTS = {"topics", *(f"{service}-migrate" for service in SERVICES)}


def test_it_holds_the_servers_every_service_and_every_simulator() -> None:
    assert set(_SERVICES) == {"kafka", "postgres", *SERVICES, *SIMULATORS, *_ONE_SHOTS}


@pytest.mark.parametrize("name", _SERVICES)
def test_whatever_one_waits_for_is_there_and_can_be_waited_for(name: str) -> None:
    for other, waiting in _SERVICES[name].get("depends_on", {}).items():
        if waiting["condition"] == "service_completed_successfully":
            assert other in _ONE_SHOTS
        else:
            assert waiting["condition"] == "service_healthy"
            assert "healthcheck" in _SERVICES[other]


def test_nobody_waits_in_a_circle() -> None:
    waits = {name: set(service.get("depends_on", {})) for name, service in _SERVICES.items()}
    while waits:
        free = {name for name, others in waits.items() if not others & waits.keys()}
        assert free, f"these wait for each other: {sorted(waits)}"
        for name in free:
            del waits[name]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_only_on_a_migrated_database(service: str) -> None:
    assert _SERVICES[service]["depends_on"][f"{service}-migrate"]["condition"] == "service_completed_successfully"
    assert _SERVICES[f"{service}-migrate"]["command"] == ["migrate"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_does_not_hold_its_owners_password(service: str) -> None:
    assert "OWNER" not in str(_SERVICES[service]["environment"])


@pytest.mark.parametrize("name", _SERVICES)
def test_every_image_is_of_a_stated_version(name: str) -> None:
    image, _, version = _SERVICES[name]["image"].rpartition(":")
    assert image
    assert version not in ("", "latest")


@pytest.mark.parametrize("name", _SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in _SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted({*SERVICES, *SIMULATORS, *_ONE_SHOTS}))
def test_our_containers_may_do_no_more_than_they_need(name: str) -> None:
    ours = _SERVICES[name]
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize(
    "setting", [name for name in POSTGRES if name.startswith("log_") and name not in ("log_timezone", "log_statement")]
)
def test_the_databases_log_is_as_silent_as_the_native_one(setting: str) -> None:
    assert f"{setting}={POSTGRES[setting]}" in _SERVICES["postgres"]["command"]


def test_no_secret_stands_in_the_file() -> None:
    for name, service in _SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|KEY|SECRET", variable):
                assert not re.sub(r"\$\{[A-Z_]+:\?run make secrets\}|\w+=|[,\s]", "", str(value)), f"{name}: {variable}"
    assert not re.search(r"//\w+:(?!\$\{)[^/\s]+@", _TEXT), "an address with a password in it"


def test_every_secret_it_wants_is_made_by_make_secrets() -> None:
    assert set(re.findall(r"\$\{([A-Z_]+)", _TEXT)) <= set(NAMES)


@pytest.mark.parametrize("kind", [*SERVICES, *SIMULATORS])
def test_a_container_is_told_the_same_things_as_a_native_process(kind: str, tmp_path: Path) -> None:
    native = set(_wiring(tmp_path).environment(Seat(name=kind, kind=kind, ops_port=1, http_port=2)))
    assert set(_SERVICES[kind]["environment"]) == native - {"PATH", "LANG", "TZ", "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("kind", [*SERVICES, *SIMULATORS])
def test_what_is_said_to_both_is_the_same(kind: str, tmp_path: Path) -> None:
    """Beside addresses, paths, secrets, and how long a session may be silent."""
    native = _wiring(tmp_path).environment(Seat(name=kind, kind=kind, ops_port=1, http_port=2))
    told = {name: str(value) for name, value in _SERVICES[kind]["environment"].items() if not _OF_ITS_OWN.search(name)}
    assert told == {name: native[name] for name in told}


def _wiring(state_dir: Path) -> Wiring:
    database = DatabaseAddresses(
        name="d", role="r", owner="o", runtime_dsn="postgresql://r@h/d", owner_dsn="postgresql://o@h/d"
    )
    return Wiring(
        kafka_bootstrap="k:1",
        databases=dict.fromkeys(SERVICES, database),
        http_urls=dict.fromkeys((*SERVICES, *SIMULATORS), "http://h"),
        secrets=Secrets.load_or_make(state_dir / "secrets.env"),
        state_dir=state_dir,
        session_timeout_ms=30_000,
        gateway_dedupes=True,
    )
