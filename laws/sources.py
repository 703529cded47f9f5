"""Where the evidence lies: told by arguments or the environment, or read from the run directory of a stack."""

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


class NoSources(Exception):
    """It was not told where to look; the text names what is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What somebody signs requests to the object store with."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The object store, its administrator, and every account that it lets in, by name."""

    endpoint: str
    region: str
    administrator: Account
    accounts: Mapping[str, Account]


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSources:
    """`asked` is the citizens' history, `sightings` what the watch wrote down."""

    store: Store
    asked: Path
    sightings: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """`postgres` is an administrator's address: databases are `mitsyg_<service>` beside it. `ops_urls` are by process.
    `documents` are judged where citizens sent some."""

    kafka: str
    postgres: str = field(repr=False)
    gateway: str
    sent: Path
    logs: Path
    ops_urls: Mapping[str, str] = field(default_factory=dict)
    documents: DocumentSources | None = None

    def database(self, service: str) -> str:
        return urlunsplit(urlsplit(self.postgres)._replace(path=f"/mitsyg_{service}"))

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Sources":
        """What the command line says, else the environment, else the run directory."""
        run_dir = Path(arguments.run_dir) if arguments.run_dir else None
        told = _from_run_dir(run_dir) if run_dir else {}
        wanted = {
            "kafka": "KAFKA_BOOTSTRAP_SERVERS",
            "postgres": "POSTGRES_ADMIN_DSN",
            "gateway": "GATEWAY_URL",
            "sent": "SENT_LEDGER",
            "logs": "LOGS_DIR",
        }
        found = {
            name: getattr(arguments, name) or told.get(name) or os.environ.get(variable)
            for name, variable in wanted.items()
        }
        if missing := [f"--{name} ({wanted[name]})" for name, value in found.items() if not value]:
            raise NoSources(f"missing: {', '.join(missing)}")
        text = {name: str(value) for name, value in found.items()}
        return cls(
            kafka=text["kafka"],
            postgres=text["postgres"],
            gateway=text["gateway"],
            sent=Path(text["sent"]),
            logs=Path(text["logs"]),
            ops_urls=_ops_urls(run_dir) if run_dir else {},
            documents=documents_of(run_dir) if run_dir else None,
        )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(prog="python -m laws", description="Judge a system at rest by its raw traces.")
    line.add_argument("--run-dir", help="run directory of a stack; the rest is read from it")
    line.add_argument("--kafka", help="bootstrap address")
    line.add_argument("--postgres", help="an administrator's address")
    line.add_argument("--gateway", help="the post gateway simulator's address")
    line.add_argument("--sent", help="the sender's history, JSON lines")
    line.add_argument("--logs", help="directory of log files")
    line.add_argument("--within", type=float, default=60.0, help="seconds until everything has to be at rest (L10)")
    return line


def _stack_file(run_dir: Path) -> Mapping[str, object]:
    path = run_dir / "stack.json"
    if not path.exists():
        raise NoSources(f"no stack runs in {run_dir}")
    found: Mapping[str, object] = json.loads(path.read_text())
    return found


def _from_run_dir(run_dir: Path) -> dict[str, str]:
    held = _stack_file(run_dir)
    addresses, urls = held["addresses"], _ops_urls(run_dir)
    assert isinstance(addresses, dict)
    return {
        "kafka": addresses["kafka_bootstrap"],
        "postgres": addresses["postgres_admin_dsn"],
        "gateway": urls.get("post_gateway", ""),
        "sent": str(run_dir / "state" / "nemrefusion.jsonl"),
        "logs": str(run_dir / "logs"),
    }


def documents_of(run_dir: Path) -> DocumentSources | None:
    """What is known of documents in a run directory; None where nobody has sent any."""
    asked = run_dir / "state" / "documents.jsonl"
    if not asked.exists():
        return None
    return DocumentSources(store=store_of(run_dir), asked=asked, sightings=run_dir / "state" / "sightings.jsonl")


def store_of(run_dir: Path) -> Store:
    """The object store of the stack that runs in this directory."""
    addresses = _stack_file(run_dir)["addresses"]
    assert isinstance(addresses, dict)
    lines = (run_dir / "secrets.env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines if "=" in line)
    ending = "_S3_ACCESS_KEY_ID"
    return Store(
        endpoint=addresses["s3_endpoint"],
        region=addresses["s3_region"],
        administrator=Account(access_key=addresses["s3_access_key"], secret_key=addresses["s3_secret_key"]),
        accounts={
            name.removesuffix(ending).lower(): Account(
                access_key=key, secret_key=secrets[f"{name.removesuffix(ending)}_S3_SECRET_ACCESS_KEY"]
            )
            for name, key in secrets.items()
            if name.endswith(ending)
        },
    )


def _ops_urls(run_dir: Path) -> dict[str, str]:
    house = _stack_file(run_dir)["house"]
    assert isinstance(house, list)
    return {member["name"]: member["url"] for member in house if member["url"]}
