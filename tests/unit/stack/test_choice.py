"""Where servers come from is decided once, and said aloud when it cannot be had."""

from pathlib import Path

import pytest

from stack import MissingPiece, SecondListener, Stack, StackError


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_ADMIN_DSN", "STACK"):
        monkeypatch.delenv(name, raising=False)


def test_addresses_in_the_environment_come_first_and_their_servers_are_left_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    monkeypatch.setenv("POSTGRES_ADMIN_DSN", "postgresql://admin@db.example/postgres")
    stack = Stack.start(tmp_path)
    assert (stack.kafka_bootstrap, stack.addresses.source) == ("kafka.example:9092", "environment")
    assert stack.is_borrowed
    with pytest.raises(StackError, match="kafka is not a process of this stack"):
        stack.server("kafka")
    stack.stop()


def test_a_broker_of_somebody_else_is_not_said_to_have_a_second_listener(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    monkeypatch.setenv("POSTGRES_ADMIN_DSN", "postgresql://admin@db.example/postgres")
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
