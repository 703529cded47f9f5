"""What each process of the house is told, and what it is not."""

import base64
import importlib
import json
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.citizen_token.v1 import Verifier
from deploy.minio import ACCOUNTS
from plumbing.service import load
from services.uploads.settings import EraseSettings
from stack.addresses import Addresses, DatabaseAddresses
from stack.errors import StackError
from stack.members import ERASER, ON_KAFKA, SERVICES, SIMULATORS, Seat, Wiring
from stack.secrets_file import NAMES, Secrets

_BASE = {"PATH", "LANG", "TZ", "PYTHONUNBUFFERED"}


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return Wiring(
        servers=Addresses(
            kafka_bootstrap="127.0.0.1:9092",
            clamd_host="127.0.0.1",
            clamd_port=3310,
            s3_endpoint="http://127.0.0.1:9000",
            s3_region="eu-north-1",
            s3_access_key="administrator",
            s3_secret_key="the administrator's secret",
            source="native",
        ),
        databases={
            service: DatabaseAddresses(
                name=f"mitsyg_{service}",
                role=service,
                owner=f"{service}_owner",
                runtime_dsn=f"postgresql://{service}@127.0.0.1/mitsyg_{service}",
                owner_dsn=f"postgresql://{service}_owner@127.0.0.1/mitsyg_{service}",
            )
            for service in SERVICES
        },
        http_urls={kind: f"http://{kind}" for kind in (*SERVICES, *SIMULATORS)},
        secrets=Secrets.load_or_make(tmp_path / "secrets.env"),
        state_dir=tmp_path,
        session_timeout_ms=6_000,
        gateway_dedupes=False,
    )


def _told(wiring: Wiring, kind: str) -> dict[str, str]:
    return wiring.environment(Seat(name=kind, kind=kind, ops_port=9000, http_port=8080))


@pytest.mark.parametrize("kind", [*SERVICES, ERASER, *SIMULATORS])
def test_nothing_of_the_callers_shell_leaks_in(wiring: Wiring, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    told = _told(wiring, kind)
    assert "LOG_LEVEL" not in told
    assert told.get("DATABASE_URL") != "postgresql://elsewhere"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_understands_all_that_it_is_told(
    wiring: Wiring, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {name: value for name, value in _told(wiring, service).items() if name not in _BASE}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings = importlib.import_module(f"services.{service}.settings").Settings
    assert {name.lower() for name in told} <= set(settings.model_fields)
    load(settings)


def test_who_erases_understands_all_that_it_is_told(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name: value for name, value in _told(wiring, ERASER).items() if name not in _BASE}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert {name.lower() for name in told} <= set(EraseSettings.model_fields)
    load(EraseSettings)


def test_who_keeps_documents_and_who_erases_them_have_accounts_of_their_own(wiring: Wiring) -> None:
    accounts = wiring.secrets.s3_accounts
    assert {
        kind: (_told(wiring, kind)["S3_ACCESS_KEY_ID"], _told(wiring, kind)["S3_SECRET_ACCESS_KEY"])
        for kind in ("uploads", ERASER)
    } == {kind: (accounts[kind].access_key, accounts[kind].secret_key) for kind in ("uploads", ERASER)}


def test_nobody_is_told_the_key_that_citizens_tokens_are_made_with(wiring: Wiring) -> None:
    told = [_told(wiring, kind) for kind in (*SERVICES, ERASER, *SIMULATORS)]
    assert not [one for one in told if wiring.secrets["PORTAL_SIGNING_KEY"] in one.values()]
    assert [one for one in told if "CITIZEN_TOKEN_KEYS" in one] == [_told(wiring, "uploads")]


def test_a_token_that_the_secrets_make_is_one_that_the_services_know(wiring: Wiring) -> None:
    person = uuid4()
    token = wiring.secrets.portal().token(person, audience="uploads")
    assert Verifier(_told(wiring, "uploads")["CITIZEN_TOKEN_KEYS"], audience="uploads")(token).citizen_id == person


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_its_own_database_and_never_its_owner(wiring: Wiring, service: str) -> None:
    told = _told(wiring, service)
    assert told["DATABASE_URL"] == f"postgresql://{service}@127.0.0.1/mitsyg_{service}"
    assert not any("_owner" in value for value in told.values())


@pytest.mark.parametrize("service", ON_KAFKA)
def test_a_service_gets_its_own_token_for_the_vault_and_no_keys(wiring: Wiring, service: str) -> None:
    told = _told(wiring, service)
    assert told["CITIZENS_TOKEN"] == wiring.secrets.vault_token(service)
    assert not told.keys() & {"MASTER_KEYS", "HMAC_KEY", "SERVICE_TOKENS"}


def test_the_vault_knows_every_caller_and_needs_no_kafka(wiring: Wiring) -> None:
    told = _told(wiring, "citizens")
    callers = dict(pair.split("=", 1) for pair in told["SERVICE_TOKENS"].split(","))
    assert {caller: callers[caller] for caller in ON_KAFKA} == {
        caller: wiring.secrets.vault_token(caller) for caller in ON_KAFKA
    }
    assert "KAFKA_BOOTSTRAP_SERVERS" not in told


def test_the_gateway_and_the_notifier_agree_on_repeats(wiring: Wiring) -> None:
    assert _told(wiring, "post_gateway")["DEDUPES"] == _told(wiring, "notifier")["GATEWAY_DEDUPES"] == "false"


def test_a_letter_that_the_post_brings_back_is_understood_as_one(wiring: Wiring) -> None:
    assert json.loads(_told(wiring, "notifier")["PAPER_RETURN_CODES"]) == [_told(wiring, "post_gateway")["RETURN_CODE"]]


def test_some_people_get_paper_and_the_print_house_waits_for_no_clock(wiring: Wiring) -> None:
    told = _told(wiring, "post_gateway")
    assert 0 < float(told["EXEMPT_SHARE"]) < 0.2
    assert told["PRINT_DAYS"] == "0"
    assert int(_told(wiring, "notifier")["PAPER_SHIPMENT_TYPE"]) > 0


def test_secrets_are_made_once_for_their_owner_alone_and_shown_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "run" / "secrets.env"
    made = Secrets.load_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Secrets.load_or_make(path).values == made.values
    assert len(set(made.values.values())) == len(NAMES)
    assert not any(value in repr(made) for value in made.values.values())


def test_keys_of_the_object_store_are_as_long_as_it_makes_them_itself(tmp_path: Path) -> None:
    made = Secrets.load_or_make(tmp_path / "secrets.env")
    assert set(made.s3_accounts) == set(ACCOUNTS)
    assert {len(keys.access_key) for keys in made.s3_accounts.values()} == {20} == {len(made["MINIO_ROOT_USER"])}
    assert {len(keys.secret_key) for keys in made.s3_accounts.values()} == {40} == {len(made["MINIO_ROOT_PASSWORD"])}


def test_what_documents_are_encrypted_with_is_a_name_and_a_key_of_256_bits(tmp_path: Path) -> None:
    name, _, key = Secrets.load_or_make(tmp_path / "secrets.env")["MINIO_KMS_SECRET_KEY"].partition(":")
    assert name == "mit-sygefravaer"
    assert len(base64.b64decode(key, validate=True)) == 32


def test_a_file_that_lacks_a_secret_says_which(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    Secrets.load_or_make(path)
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("HMAC_KEY")))
    with pytest.raises(StackError, match="lacks HMAC_KEY"):
        Secrets.load_or_make(path)
