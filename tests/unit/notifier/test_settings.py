"""How many letters are in work at once follows what the gateway recognises."""

from typing import Any

import pytest

from services.notifier.settings import Settings

NEEDED: dict[str, Any] = {
    "database_url": "postgresql://notifier@localhost/notifier",
    "ops_port": 0,
    "kafka_bootstrap_servers": "localhost:9092",
    "citizens_url": "http://localhost",
    "citizens_token": "token",
    "gateway_url": "http://localhost",
    "http_port": 0,
    "status_push_token": "t" * 16,
}


@pytest.mark.parametrize(
    ("told", "at_once", "together"),
    [
        ({"gateway_dedupes": True}, 128, 64),
        ({"gateway_dedupes": True, "letter_concurrency": 5, "letter_doubt": 2}, 5, 5),
        ({"gateway_dedupes": True, "letter_group": 3}, 128, 3),
        ({"gateway_dedupes": False}, 8, 1),
        ({"gateway_dedupes": False, "letter_doubt": 2}, 2, 1),
        ({"gateway_dedupes": False, "letter_concurrency": 4}, 4, 1),
    ],
)
def test_fewer_letters_are_in_work_where_each_would_be_left_in_doubt(
    told: dict[str, Any], at_once: int, together: int
) -> None:
    settings = Settings(**NEEDED, **told)
    assert (settings.letters_at_once, settings.letters_together) == (at_once, together)
