"""The compose file says what the native house does, keeps no secret, and opens nothing to the outside."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.minio.__main__ import Settings
from stack.addresses import ALL_SERVERS, DOCUMENTS, Addresses, DatabaseAddresses
from stack.members import ERASER, SERVICES, SIMULATORS, UPLOADS, Seat, Wiring, kinds_with
from stack.paths import ROOT
from stack.secrets_file import NAMES, Secrets
from stack.settings import CLAMD_CONF, OBJECT_STORE, POSTGRES, S3_REGION, SIGNATURES

_TEXT = (ROOT / "docker-compose.yml").read_text()
_WHOLE: dict[str, Any] = yaml.safe_load(_TEXT)
_SERVICES: dict[str, dict[str, Any]] = _WHOLE["services"]
_SECRET = r"\$\{[A-Z0-9_]+:\?run make secrets\}|\w+=|[,\s]"
_OF_ITS_OWN = re.compile(r"URL|HOST|PORT|PATH|SERVERS|TOKEN|KEY|SESSION_TIMEOUT")
_MEMBERS = kinds_with(SERVICES)
_ONE_SHOTS = {"topics", "buckets", *(f"{service}-migrate" for service in SERVICES)}


def test_it_holds_the_servers_every_service_and_every_simulator() -> None:
    assert set(_SERVICES) == {*ALL_SERVERS, *_MEMBERS, *_ONE_SHOTS}


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


@pytest.mark.parametrize("name", sorted({*_MEMBERS, *_ONE_SHOTS, *DOCUMENTS}))
def test_containers_may_do_no_more_than_they_need(name: str) -> None:
    ours = _SERVICES[name]
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize(
    "setting", [name for name in POSTGRES if name.startswith("log_") and name not in ("log_timezone", "log_statement")]
)
def test_the_databases_log_is_as_silent_as_the_native_one(setting: str) -> None:
    assert f"{setting}={POSTGRES[setting]}" in _SERVICES["postgres"]["command"]


def test_the_object_store_is_told_what_the_native_one_is() -> None:
    told = {name: str(value) for name, value in _SERVICES["minio"]["environment"].items()}

    assert {name: told[name] for name in OBJECT_STORE} == dict(OBJECT_STORE)
    assert told.keys() - OBJECT_STORE.keys() == {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_KMS_SECRET_KEY"}


def test_the_scanner_has_the_configuration_and_the_signatures_of_the_native_one() -> None:
    clamd = _SERVICES["clamd"]
    mounts = {Path(ours): (inner, how) for ours, inner, how in (mount.split(":") for mount in clamd["volumes"])}
    configuration = mounts[Path("deploy/clamav/clamd.conf")][0]

    assert {(ROOT / path).resolve() for path in mounts} == {CLAMD_CONF, SIGNATURES}
    assert {how for _, how in mounts.values()} == {"ro"}
    assert clamd["entrypoint"] == ["clamd", "--foreground", f"--config-file={configuration}"]
    assert clamd["user"] == "clamav"


def test_only_who_scans_reaches_the_scanner() -> None:
    assert _SERVICES["clamd"]["networks"] == ["scanner"]
    assert {name for name, service in _SERVICES.items() if "scanner" in service.get("networks", [])} == {
        "clamd",
        UPLOADS,
    }
    assert "ports" not in _SERVICES["clamd"]


def test_the_scanner_reaches_nobody_by_itself() -> None:
    """It reads what strangers send, with a library of C; what takes it over is to find no way out."""
    assert _WHOLE["networks"]["scanner"] == {"internal": True}


def test_who_erases_is_the_image_of_the_service_by_another_command() -> None:
    assert _SERVICES[ERASER]["image"] == _SERVICES[UPLOADS]["image"]
    assert _SERVICES[ERASER]["command"] == ["erase"]
    assert _SERVICES[ERASER]["environment"]["S3_ACCESS_KEY_ID"] != _SERVICES[UPLOADS]["environment"]["S3_ACCESS_KEY_ID"]


@pytest.mark.parametrize("name", [*DOCUMENTS, UPLOADS])
def test_what_looks_at_or_keeps_documents_has_no_more_memory_than_it_needs(name: str) -> None:
    assert _SERVICES[name]["mem_limit"] in ("1g", "2g")


def test_buckets_are_made_with_all_that_their_making_asks_for() -> None:
    told = _SERVICES["buckets"]["environment"]

    assert {name.lower() for name in told} == set(Settings.model_fields) - {"clean_retention_days"}
    assert told["S3_REGION"] == S3_REGION
    assert told["S3_ACCESS_KEY_ID"] == _SERVICES["minio"]["environment"]["MINIO_ROOT_USER"]
    assert told["S3_SECRET_ACCESS_KEY"] == _SERVICES["minio"]["environment"]["MINIO_ROOT_PASSWORD"]


@pytest.mark.parametrize("variable", [name for name in NAMES if "_DB_" in name])
def test_every_database_gets_its_passwords(variable: str) -> None:
    assert variable in _SERVICES["postgres"]["environment"]
    assert variable.partition("_")[0].lower() in (ROOT / "deploy/postgres/databases.sh").read_text()


def test_a_role_may_connect_to_its_own_database_and_to_no_other() -> None:
    making = (ROOT / "deploy/postgres/databases.sh").read_text()
    assert "revoke all on database postgres, template1 from public" in making
    assert 'revoke all on database :"database" from public' in making
    assert re.findall(r"^grant (.*)$", making, re.MULTILINE) == [
        'connect, temporary on database :"database" to :"service";'
    ]


def test_no_secret_stands_in_the_file() -> None:
    for name, service in _SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|KEY|SECRET", variable):
                assert not re.sub(_SECRET, "", str(value)), f"{name}: {variable}"
    assert not re.search(r"//\w+:(?!\$\{)[^/\s]+@", _TEXT), "an address with a password in it"


def test_every_secret_it_wants_is_made_by_make_secrets() -> None:
    assert set(re.findall(r"\$\{([A-Z0-9_]+)", _TEXT)) <= set(NAMES)


@pytest.mark.parametrize("kind", _MEMBERS)
def test_a_container_is_told_the_same_things_as_a_native_process(kind: str, tmp_path: Path) -> None:
    native = set(_wiring(tmp_path).environment(Seat(name=kind, kind=kind, ops_port=1, http_port=2)))
    assert set(_SERVICES[kind]["environment"]) == native - {"PATH", "LANG", "TZ", "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("kind", _MEMBERS)
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
        servers=Addresses(kafka_bootstrap="k:1", clamd_host="h", clamd_port=1, s3_region=S3_REGION, source="native"),
        databases=dict.fromkeys(SERVICES, database),
        http_urls=dict.fromkeys((*SERVICES, *SIMULATORS), "http://h"),
        secrets=Secrets.load_or_make(state_dir / "secrets.env"),
        state_dir=state_dir,
        session_timeout_ms=30_000,
        gateway_dedupes=True,
    )
