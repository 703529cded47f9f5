"""What the command line tells of a stack: where its servers are, and no secret of theirs."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from stack import Addresses, Process
from stack.__main__ import main
from stack.run_file import Remembered, RunFile

ALL: Final = Addresses(
    kafka_bootstrap="127.0.0.1:9092",
    postgres_admin_dsn="postgresql://postgres:databases-secret@127.0.0.1:5432/postgres",
    clamd_host="127.0.0.1",
    clamd_port=3310,
    s3_endpoint="http://127.0.0.1:9000",
    s3_region="eu-north-1",
    s3_access_key="administrator",
    s3_secret_key="stores-secret",
    source="native",
)
NAMES: Final = ("kafka", "postgres", "clamd", "minio")


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    """One in which four servers run, or what is taken for them."""
    servers = [Process(name, ("sleep", "60"), log_path=tmp_path / f"{name}.log").start() for name in NAMES]
    RunFile(addresses=ALL, home="", servers=tuple(map(Remembered.of, servers))).write(tmp_path)
    yield tmp_path
    for server in servers:
        server.kill()


def told(run_dir: Path, *words: str) -> int:
    return main(["--run-dir", str(run_dir), *words])


def variables(printed: str) -> dict[str, str]:
    words = (shlex.split(line) for line in printed.splitlines())
    return dict(word.split("=", 1) for export, word in words if export == "export")


def test_env_tells_where_each_server_is(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(run_dir, "env") == 0
    said = variables(capsys.readouterr().out)
    assert {name: said[name] for name in said if name.startswith(("KAFKA", "CLAMD", "S3")) and "FILE" not in name} == {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "CLAMD_HOST": "127.0.0.1",
        "CLAMD_PORT": "3310",
        "S3_ENDPOINT_URL": "http://127.0.0.1:9000",
        "S3_REGION": "eu-north-1",
        "S3_ACCESS_KEY_ID": "administrator",
    }


@pytest.mark.parametrize("command", ["env", "status"])
def test_no_secret_is_printed(command: str, run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(run_dir, command) == 0
    printed = capsys.readouterr()
    assert not any(secret in printed.out + printed.err for secret in ("databases-secret", "stores-secret"))


def test_secrets_are_in_files_of_their_owner_alone(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(run_dir, "env")
    said = variables(capsys.readouterr().out)
    for name, secret in (("PGPASSFILE", "databases-secret"), ("S3_SECRET_ACCESS_KEY_FILE", "stores-secret")):
        path = Path(said[name])
        assert secret in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_env_prints_does_not_make_the_next_stack_a_borrowed_one(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(run_dir, "env")
    for name, value in variables(capsys.readouterr().out).items():
        monkeypatch.setenv(name, value)
    for servers in (("kafka", "postgres"), ("clamd", "minio"), NAMES):
        assert Addresses.from_environment(servers) is None


def test_a_stack_without_documents_says_nothing_of_them(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    addresses = Addresses(
        kafka_bootstrap=ALL.kafka_bootstrap, postgres_admin_dsn=ALL.postgres_admin_dsn, source="native"
    )
    RunFile(addresses=addresses, home="").write(run_dir)
    told(run_dir, "env")
    assert not [name for name in variables(capsys.readouterr().out) if name.startswith(("S3_", "CLAMD_"))]


def test_status_tells_of_each_where_it_answers(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(run_dir, "status") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [[name, "running"] for name in NAMES]
    assert [row[4] for row in rows] == ["127.0.0.1:9092", "127.0.0.1:5432", "127.0.0.1:3310", "http://127.0.0.1:9000"]


def test_down_leaves_no_secret_behind(run_dir: Path) -> None:
    told(run_dir, "env")
    assert told(run_dir, "down") == 0
    assert {path.suffix for path in run_dir.iterdir()} == {".log"}
