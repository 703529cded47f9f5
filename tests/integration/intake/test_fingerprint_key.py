"""The key by which messages are told apart belongs to the database: another one stops the start, before it does harm."""

import base64
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from plumbing.postgres import Database
from plumbing.service.settings import BadConfiguration
from services.intake.app import check_key
from services.intake.settings import Settings
from stack import DatabaseAddresses
from tests.support.fixtures import DatabaseFactory

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
KEY, ANOTHER = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"l"))
NOBODY = "127.0.0.1:1"
BAD_CONFIGURATION = 78


def settings(addresses: DatabaseAddresses, key: str) -> Settings:
    told: dict[str, Any] = {
        "database_url": SecretStr(addresses.runtime_dsn),
        "ops_port": 0,
        "kafka_bootstrap_servers": NOBODY,
        "citizens_url": f"http://{NOBODY}",
        "citizens_token": SecretStr("t" * 32),
        "fingerprint_key": SecretStr(key),
    }
    return Settings(**told)


def serve(told: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "services.intake", "serve"]
    return subprocess.run(argv, env=told, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # our own


async def test_the_database_keeps_to_the_key_that_it_was_first_given(database: DatabaseFactory) -> None:
    addresses = database("intake")
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    for _ in range(2):
        await check_key(settings(addresses, KEY), opened, NOW)
    with pytest.raises(BadConfiguration, match="FINGERPRINT_KEY"):
        await check_key(settings(addresses, ANOTHER), opened, NOW)
    await check_key(settings(addresses, KEY), opened, NOW)
    await opened.close()


async def test_intake_says_why_it_does_not_start_with_another_key(database: DatabaseFactory) -> None:
    addresses = database("intake")
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    await check_key(settings(addresses, KEY), opened, NOW)
    await opened.close()
    told = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": addresses.runtime_dsn,
        "OPS_PORT": "0",
        "KAFKA_BOOTSTRAP_SERVERS": NOBODY,
        "CITIZENS_URL": f"http://{NOBODY}",
        "CITIZENS_TOKEN": "t" * 32,
        "FINGERPRINT_KEY": ANOTHER,
    }
    ended = serve(told)
    assert ended.returncode == BAD_CONFIGURATION, ended.stderr
    assert "FINGERPRINT_KEY" in ended.stderr
    assert ANOTHER not in ended.stdout + ended.stderr
