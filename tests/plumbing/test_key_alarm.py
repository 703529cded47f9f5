"""Keys that name people are told of, by number and place, and change nothing (N48)."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from plumbing.bus import Record
from plumbing.bus.key_alarm import KeyAlarm, names_somebody


def record(key: bytes | None, partition: int = 0) -> Record:
    return Record(topic="alarmed", partition=partition, offset=0, key=key, value=b"", headers=(), timestamp_ms=0)


def counted() -> float:
    return REGISTRY.get_sample_value("mitsyg_personal_keys_total", {"topic": "alarmed"}) or 0.0


@pytest.mark.parametrize(
    "key", [b"6101900001", b"010190-1234", b"cpr:3112991234", b'{"cpr": "610190 1234"}', b"\xff9112991234"]
)
def test_what_looks_like_a_cpr_number_names_somebody(key: bytes) -> None:
    assert names_somebody(key)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"nemrefusion",
        b"1234567890123",
        b"3213901234",
        b"ab010190-1234-4abc-8def-010190123456",  # a UUID whose digits happen to have the form
        b"99990007",
        b"2026-03-20",
    ],
)
def test_what_does_not_names_nobody(key: bytes) -> None:
    assert not names_somebody(key)


async def test_it_tells_how_many_and_where_and_never_the_key() -> None:
    worked: list[Record] = []

    async def work(records: Sequence[Record]) -> None:
        worked.extend(records)

    before = counted()
    batch = [record(b"6101900001", 3), record(None), record(b"7f"), record(b"610190-0002", 1)]
    with capture_logs() as lines:
        await KeyAlarm(work)(batch)
    assert worked == batch
    assert counted() - before == 2
    (line,) = lines
    assert (line["partitions"], line["records"], line["log_level"]) == ([1, 3], 2, "warning")
    assert "61019" not in str(line)


async def test_a_batch_that_failed_is_not_told_of_twice() -> None:
    async def work(_: Sequence[Record]) -> None:
        raise LookupError

    before = counted()
    with pytest.raises(LookupError):
        await KeyAlarm(work)([record(b"6101900001")])
    assert counted() == before
