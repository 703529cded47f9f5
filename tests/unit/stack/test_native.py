"""What the native path does before a server runs: it finds what is there, checks what it fetched, and names what is missing."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from stack import MissingPiece, SecondListener, StackError
from stack.accounts import Account
from stack.native import java, postgres
from stack.native.broker import settings as broker_settings
from stack.native.jars import KAFKA, VERAPDF, Program, verify
from stack.packages import install
from stack.ports import free_port, is_answering
from tests.support.fixtures import new_run_dir


def _program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}' >&{2 if path.name == 'java' else 1}\n")
    path.chmod(0o755)


def test_an_ordinary_user_is_told_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingPiece, match="install openjdk-17-jre-headless"):
        install("openjdk-17-jre-headless", "Java")


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "old" / "bin" / "java", 'openjdk version "11.0.2" 2019-01-15')
    _program(tmp_path / "jvm" / "new" / "bin" / "java", 'openjdk version "21.0.1" 2023-10-17')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(java, "DEBIAN", tmp_path / "jvm")
    assert java.find_java.__wrapped__() == tmp_path / "jvm" / "new" / "bin" / "java"


def test_postgresql_15_is_taken_where_there_is_a_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("14", "15", "17"):
        for name in ("initdb", "postgres"):
            _program(tmp_path / version / "bin" / name, f"postgres (PostgreSQL) {version}.3")
    monkeypatch.delenv("POSTGRES_BIN", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    assert postgres.find_programs() == tmp_path / "15" / "bin"


def test_a_jar_that_is_not_the_one_we_know_is_refused(tmp_path: Path) -> None:
    jar = tmp_path / "kafka.jar"
    jar.write_bytes(b"as it was")
    known = {"kafka.jar": hashlib.sha256(b"as it was").hexdigest()}
    verify(KAFKA, tmp_path, known)
    jar.write_bytes(b"as it was not")
    with pytest.raises(StackError, match=r"kafka\.jar"):
        verify(KAFKA, tmp_path, known)


@pytest.mark.parametrize(
    ("program", "jar", "version"),
    [(KAFKA, "kafka_2.13-4.4.0.jar", "4.4.0"), (VERAPDF, "greenfield-apps-1.28.2.jar", "1.28.2")],
)
def test_every_jar_has_a_hash_and_the_version_that_is_asked_for(program: Program, jar: str, version: str) -> None:
    lines = program.hashes.read_text().split()
    assert all(len(digest) == 64 for digest in lines[::2])
    assert jar in lines[1::2]
    assert f"<version>{version}</version>" in (program.home / "pom.xml").read_text()


def test_nothing_that_makes_a_commit_durable_is_switched_off() -> None:
    told = postgres.settings(5432, None)
    assert not told.keys() & {"fsync", "synchronous_commit", "full_page_writes"}
    assert told["listen_addresses"] == "127.0.0.1"


def test_the_broker_listens_on_loopback_only(tmp_path: Path) -> None:
    told = broker_settings(9092, 9093, tmp_path)
    assert told["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert told["auto.create.topics.enable"] == "false"


def test_who_comes_by_the_second_listener_is_sent_back_to_what_stands_in_between(tmp_path: Path) -> None:
    told = broker_settings(9092, 9093, tmp_path, SecondListener(port=9094, advertised_port=9095))
    assert told["listeners"].split(",")[1] == "SECOND://127.0.0.1:9094"
    assert told["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,SECOND://127.0.0.1:9095"
    assert "SECOND:PLAINTEXT" in told["listener.security.protocol.map"].split(",")


def test_a_port_is_given_once() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert not any(is_answering("127.0.0.1", port) for port in ports)


def test_a_closed_home_above_a_directory_keeps_a_servers_account_out() -> None:
    stranger = Account(name="stranger", uid=54_321, gid=54_321)
    with new_run_dir() as directory:
        home = directory / "home"
        (home / "jars").mkdir(parents=True)
        home.chmod(0o700)
        assert not stranger.can_reach(home / "jars")
        home.chmod(0o711)
        assert stranger.can_reach(home / "jars")
