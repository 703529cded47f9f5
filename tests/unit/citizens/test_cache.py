"""Keys in memory: few, for minutes."""

import copy
import pickle
from typing import Any
from uuid import UUID

import pytest

from contracts.citizens.cache import KeyCache
from contracts.citizens.v1 import Destroyed, KnownKey

ONE, TWO, THREE = (UUID(int=nth) for nth in range(1, 4))
KEY, OTHER = KnownKey(key=b"k" * 32), KnownKey(key=b"o" * 32)


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_remembered_for_so_long_and_no_longer() -> None:
    time = Time()
    cache = KeyCache(seconds=60, monotonic=time)
    cache.put(ONE, KEY)
    time.now += 59.9
    assert cache.get(ONE) == KEY
    time.now += 0.1
    assert cache.get(ONE) is None
    assert len(cache) == 0


def test_what_is_told_again_is_remembered_from_then_on() -> None:
    time = Time()
    cache = KeyCache(seconds=60, monotonic=time)
    cache.put(ONE, KEY)
    time.now += 50
    cache.put(ONE, OTHER)
    time.now += 50
    assert cache.get(ONE) == OTHER


def test_past_the_bound_the_first_one_goes() -> None:
    cache = KeyCache(most=2)
    for one in (ONE, TWO, THREE):
        cache.put(one, KEY)
    assert [cache.get(one) for one in (ONE, TWO, THREE)] == [None, KEY, KEY]
    assert len(cache) == 2


def test_keys_nobody_asks_for_any_more_do_not_stay() -> None:
    time = Time()
    cache = KeyCache(seconds=60, monotonic=time)
    cache.put(ONE, KEY)
    cache.put(TWO, KEY)
    time.now += 61
    cache.put(THREE, KEY)
    assert len(cache) == 1


def test_destroyed_replaces_a_key_and_no_late_answer_brings_it_back() -> None:
    cache = KeyCache()
    cache.put(ONE, KEY)
    cache.put(ONE, Destroyed())
    cache.put(ONE, KEY)
    assert cache.get(ONE) == Destroyed()


def test_a_cleared_cache_is_empty() -> None:
    cache = KeyCache()
    cache.put(ONE, KEY)
    cache.clear()
    assert cache.get(ONE) is None


@pytest.mark.parametrize(
    "bounds",
    [{"seconds": 901.0}, {"seconds": 0.0}, {"most": 100_001}, {"most": -1}],
    ids=["long", "never", "many", "negative"],
)
def test_a_cache_is_bounded_in_minutes_and_number_whatever_is_asked_for(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="bounded"):
        KeyCache(**bounds)


def test_a_cache_is_never_written_down() -> None:
    cache = KeyCache()
    cache.put(ONE, KEY)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="memory"):
            write(cache)
    assert repr(cache) == "KeyCache(1)"


def test_a_cache_that_may_hold_nothing_holds_nothing() -> None:
    cache = KeyCache(most=0)
    cache.put(ONE, KEY)
    assert len(cache) == 0
