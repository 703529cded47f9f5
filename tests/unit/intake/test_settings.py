"""Settings that would do harm later stop the start."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.citizens.usecases.sweep import CANDIDATE_KEPT
from services.intake.settings import Settings

NEEDED: dict[str, Any] = {
    "database_url": "postgresql://intake@localhost/intake",
    "ops_port": 0,
    "kafka_bootstrap_servers": "localhost:9092",
    "citizens_url": "http://localhost",
    "citizens_token": "token",
    "fingerprint_key": base64.b64encode(bytes(32)).decode(),
}


@pytest.mark.parametrize("size", [32, 64])
def test_a_key_that_hashes_take_is_taken(size: int) -> None:
    Settings(**NEEDED | {"fingerprint_key": base64.b64encode(bytes(size)).decode()})


@pytest.mark.parametrize("key", ["", "no base64", *(base64.b64encode(bytes(size)).decode() for size in (31, 65, 128))])
def test_a_key_that_no_hash_takes_is_refused_at_the_start_and_not_at_the_first_notification(key: str) -> None:
    with pytest.raises(ValidationError, match="fingerprint_key"):
        Settings(**NEEDED | {"fingerprint_key": key})


def test_nothing_waits_for_longer_than_its_card_is_kept() -> None:
    """An amendment that joined later would take effect without the address that it told."""
    with pytest.raises(ValidationError, match="waiting_days"):
        Settings(**NEEDED, waiting_days=CANDIDATE_KEPT // timedelta(days=1))
