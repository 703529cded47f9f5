"""What the native path does before a server runs: it finds what is there, checks what it fetched, and names what is missing."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stack import MissingPiece, SecondListener, StackError
from stack.accounts import Account
from stack.native import clamd, go, java, minio, postgres
from stack.native.broker import settings as broker_settings
from stack.native.jars import KAFKA, VERAPDF, Program, verify
from stack.packages import install
from stack.ports import free_port, is_answering
from stack.settings import CLAMD_CONF
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


def test_a_clamd_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "old" / "clamd", "ClamAV 0.103.12/27000/Sun Nov 29 2026")
    _program(tmp_path / "new" / "clamd", "ClamAV 1.4.6")
    monkeypatch.delenv("CLAMD_BIN", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: str(tmp_path / "old" / "clamd"))
    monkeypatch.setattr(clamd, "DEBIAN", tmp_path / "new" / "clamd")
    assert clamd.find_clamd() == tmp_path / "new" / "clamd"


def test_a_clamd_is_told_what_the_container_is_but_for_where(tmp_path: Path) -> None:
    deployed, native = (
        {line.partition(" ")[0]: line.partition(" ")[2] for line in text.splitlines() if line and line[0] != "#"}
        for text in (CLAMD_CONF.read_text(), clamd.configuration(23310, tmp_path))
    )
    assert native.keys() == deployed.keys()
    assert {name: value for name, value in native.items() if value != deployed[name]} == {
        "TCPSocket": "23310",
        "TCPAddr": "127.0.0.1",
        "DatabaseDirectory": str(tmp_path / "signatures"),
        "TemporaryDirectory": str(tmp_path / "tmp"),
    }


def test_no_service_is_started_by_an_installation_and_what_forbade_it_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(clamd, "POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def install() -> None:
        with clamd._nothing_is_started():
            assert subprocess.run((str(policy), "clamav-daemon", "start"), check=False).returncode == 101
            raise MissingPiece

    with pytest.raises(MissingPiece):
        install()
    assert not policy.exists()


def test_a_policy_of_the_machines_owner_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    monkeypatch.setattr(clamd, "POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with clamd._nothing_is_started():
        assert policy.read_text() == "theirs"
    assert policy.read_text() == "theirs"


def test_a_go_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "old" / "go", "go version go1.19.8 linux/amd64")
    _program(tmp_path / "new" / "go", "go version go1.26.8 linux/amd64")
    monkeypatch.setattr(shutil, "which", lambda _name: str(tmp_path / "old" / "go"))
    monkeypatch.setattr(go, "PLACES", (tmp_path / "new" / "go",))
    assert go.find_go() == tmp_path / "new" / "go"


@pytest.mark.parametrize(
    ("offered", "is_installed"), [("2:1.19~1", False), ("2:1.24~2", True), ("(none)", False), (None, False)]
)
def test_debians_go_is_installed_only_where_it_is_new_enough(
    offered: str | None, is_installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(go, "PLACES", ())
    monkeypatch.setattr(go, "candidate", lambda _package: offered)
    monkeypatch.setattr(go, "install", lambda package, _purpose: installed.append(package))
    with pytest.raises(MissingPiece, match=r"Go 1\.24 or newer, which builds MinIO, is missing"):
        go.find_go()
    assert installed == ["golang-go"] * is_installed


def test_a_program_of_another_module_or_hash_is_refused() -> None:
    said = (
        f"/x/minio: go1.26.8\n\tpath\t{go.MINIO.module}\n\tmod\t{go.MINIO.module}\t{go.MINIO.version}\t{go.MINIO.sum}\n"
    )
    go.verify(go.MINIO, said)
    for other in (said.replace("h1:/q", "h1:/r"), said.replace("20260212", "20260213"), "/x/minio: go1.26.8\n"):
        with pytest.raises(StackError, match="was not built from"):
            go.verify(go.MINIO, other)


def test_a_minio_of_ones_own_is_taken_and_a_wrong_name_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "minio", "minio version of mine")
    monkeypatch.setenv("MINIO_BIN", str(tmp_path / "minio"))
    assert minio.find_minio() == tmp_path / "minio"
    monkeypatch.setenv("MINIO_BIN", str(tmp_path / "nothing"))
    with pytest.raises(MissingPiece, match="nothing is not a program"):
        minio.find_minio()


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
