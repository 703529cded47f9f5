"""Where servers come from is decided once, and said aloud when it cannot be had."""

from pathlib import Path

import pytest

from stack import ALL_SERVERS, DOCUMENTS, Addresses, MissingPiece, Process, SecondListener, Stack, StackError
from stack.run_file import Remembered, RunFile

MESSAGING = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "POSTGRES_ADMIN_DSN": "postgresql://admin@db.example/postgres",
}
FOR_DOCUMENTS = {
    "CLAMD_HOST": "clamd.example",
    "CLAMD_PORT": "3310",
    "S3_ENDPOINT_URL": "https://s3.example",
    "S3_REGION": "eu-north-1",
    "S3_ACCESS_KEY_ID": "administrator",
    "S3_SECRET_ACCESS_KEY": "administrators-secret",
}


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    for name in (*MESSAGING, *FOR_DOCUMENTS, "STACK"):
        monkeypatch.delenv(name, raising=False)


def say_in_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_addresses_in_the_environment_come_first_and_their_servers_are_left_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say_in_environment(monkeypatch, MESSAGING)
    stack = Stack.start(tmp_path)
    assert (stack.kafka_bootstrap, stack.addresses.source) == ("kafka.example:9092", "environment")
    assert stack.is_borrowed
    with pytest.raises(StackError, match="kafka is not a process of this stack"):
        stack.server("kafka")
    stack.stop()


def test_documents_servers_of_the_environment_are_used_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    say_in_environment(monkeypatch, {**MESSAGING, **FOR_DOCUMENTS})
    stack = Stack.start(tmp_path, servers=ALL_SERVERS)
    assert (stack.addresses.clamd_host, stack.addresses.clamd_port) == ("clamd.example", 3310)
    assert (stack.store.endpoint, stack.store.region) == ("https://s3.example", "eu-north-1")
    assert "administrators-secret" not in repr(stack.addresses)
    with pytest.raises(StackError, match="clamd is not a process of this stack"):
        stack.learn_signature("Name", b"bytes")


@pytest.mark.parametrize("missing", FOR_DOCUMENTS)
def test_an_environment_that_names_only_some_of_them_is_not_half_believed(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say_in_environment(monkeypatch, {**MESSAGING, **FOR_DOCUMENTS})
    monkeypatch.delenv(missing)
    with pytest.raises(StackError, match=missing):
        Stack.start(tmp_path, servers=ALL_SERVERS)
    assert Stack.start(tmp_path).is_borrowed


def test_documents_servers_alone_are_not_those_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    say_in_environment(monkeypatch, MESSAGING)
    assert Addresses.from_environment(DOCUMENTS) is None
    say_in_environment(monkeypatch, FOR_DOCUMENTS)
    assert Addresses.from_environment(DOCUMENTS) is not None


def test_a_server_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no server is called redis"):
        Stack.start(tmp_path, servers=["kafka", "redis"])


def test_a_running_stack_that_lacks_a_server_is_not_used_for_it(tmp_path: Path) -> None:
    here = Process("kafka", ("sleep", "60"), log_path=tmp_path / "log").start()
    try:
        addresses = Addresses(kafka_bootstrap="127.0.0.1:9", source="native")
        RunFile(addresses=addresses, home="", servers=(Remembered.of(here),)).write(tmp_path)
        with pytest.raises(StackError, match="has no clamd and MinIO"):
            Stack.start(tmp_path, servers=["kafka", *DOCUMENTS])
        assert Stack.start(tmp_path, servers=["kafka"]).is_borrowed
    finally:
        here.kill()


def test_a_broker_of_somebody_else_is_not_said_to_have_a_second_listener(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say_in_environment(monkeypatch, MESSAGING)
    with pytest.raises(StackError, match="second listener"):
        Stack.start(tmp_path, second_listener=SecondListener(port=9094, advertised_port=9095))


def test_containers_are_not_silently_replaced_when_they_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK", "docker")
    with pytest.raises(MissingPiece, match="no container engine answers"):
        Stack.start(tmp_path)


def test_a_misspelt_choice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STACK", "podman")
    with pytest.raises(StackError, match="STACK=podman"):
        Stack.start(tmp_path)


def test_a_foreign_file_in_the_run_directory_is_not_taken_for_a_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"addresses": 7}')
    with pytest.raises(StackError, match="not a stack's file"):
        Stack.attach(tmp_path)
