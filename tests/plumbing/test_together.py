"""What is asked for together is done as one; each hears of its own, and what is wrong with one is that one's alone."""

import asyncio
from collections.abc import Sequence

import pytest

from plumbing.together import Together


class Doubler:
    """Doubles numbers; `groups` holds what it was given. Sevens fail with the whole group, thirteens by themselves."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.groups: list[list[int]] = []
        self.ended = 0
        self._seconds = seconds

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(numbers))
        await asyncio.sleep(self._seconds)
        if 7 in numbers:
            raise RuntimeError
        self.ended += 1
        return [ValueError() if number == 13 else 2 * number for number in numbers]


async def answers(together: Together[int, int], *numbers: int) -> list[int | BaseException]:
    return await asyncio.gather(*map(together, numbers), return_exceptions=True)


async def test_what_is_asked_for_in_one_turn_is_one_group_and_each_gets_its_own_answer() -> None:
    work = Doubler()
    assert await answers(Together(work, apart=0, most=10), 1, 2, 3) == [2, 4, 6]
    assert work.groups == [[1, 2, 3]]


async def test_who_comes_alone_after_a_pause_waits_for_nobody() -> None:
    work = Doubler()
    together = Together(work, apart=0.05, most=3)
    for number in (1, 2):
        async with asyncio.timeout(0.04):
            assert await together(number) == 2 * number
        await asyncio.sleep(0.06)
    assert work.groups == [[1], [2]]


async def test_who_comes_soon_after_a_group_waits_for_company_and_no_longer_than_told() -> None:
    work = Doubler()
    together = Together(work, apart=0.05, most=3)
    assert await answers(together, 1, 2) == [2, 4]
    late = asyncio.create_task(together(3))
    await asyncio.sleep(0.02)
    assert work.groups == [[1, 2]]
    assert await together(4) == 8
    assert await late == 6
    assert work.groups == [[1, 2], [3, 4]]


async def test_a_group_that_is_full_waits_for_nothing() -> None:
    work = Doubler()
    together = Together(work, apart=60, most=3)
    assert await answers(together, 1) == [2]
    async with asyncio.timeout(1):
        assert await answers(together, 2, 3, 4) == [4, 6, 8]
    assert work.groups == [[1], [2, 3, 4]]


async def test_while_as_many_groups_as_may_are_in_work_the_next_gathers() -> None:
    work = Doubler(seconds=0.05)
    together = Together(work, apart=0, most=3, at_once=1)
    first = asyncio.create_task(together(1))
    await asyncio.sleep(0.01)
    assert await answers(together, 2, 3, 4, 5) == [4, 6, 8, 10]
    assert await first == 2
    assert work.groups == [[1], [2, 3, 4], [5]]


async def test_a_group_that_fails_leaves_its_place() -> None:
    together = Together(Doubler(), apart=0, most=2, at_once=1)
    async with asyncio.timeout(1):
        assert [type(one) for one in await answers(together, 7, 7, 7)] == [RuntimeError] * 3
        assert await answers(together, 1) == [2]


async def test_groups_do_not_wait_for_each_other() -> None:
    work = Doubler(seconds=0.1)
    together = Together(work, apart=0, most=2)
    async with asyncio.timeout(0.18):
        assert await answers(together, 1, 2, 3, 4) == [2, 4, 6, 8]


async def test_an_exception_among_the_answers_is_raised_where_it_was_asked_for() -> None:
    found = await answers(Together(Doubler(), apart=0, most=10), 1, 13, 3)
    assert (found[0], type(found[1]), found[2]) == (2, ValueError, 6)


async def test_a_group_that_fails_is_done_one_by_one() -> None:
    work = Doubler()
    found = await answers(Together(work, apart=0, most=10), 1, 7, 3)
    assert (found[0], type(found[1]), found[2]) == (2, RuntimeError, 6)
    assert work.groups == [[1, 7, 3], [1], [7], [3]]


async def test_work_that_answers_too_little_leaves_nobody_waiting() -> None:
    async def silent(_: Sequence[int]) -> Sequence[int]:
        return []

    found = await answers(Together(silent, apart=0, most=10), 1, 2)
    assert [type(one) for one in found] == [ValueError, ValueError]


async def test_who_stops_waiting_before_the_group_begins_is_not_in_it() -> None:
    work = Doubler()
    together = Together(work, apart=0.02, most=10)
    first, second = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 4
    assert work.groups == [[2]]


async def test_who_stops_waiting_later_takes_the_answer_from_nobody() -> None:
    work = Doubler(seconds=0.02)
    together = Together(work, apart=0, most=10)
    first, second = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == 4


@pytest.mark.parametrize("number", [7, 13])
async def test_with_groups_of_one_nothing_is_gathered_and_a_cancelled_caller_cancels_its_work(number: int) -> None:
    work = Doubler(seconds=0.01)
    together = Together(work, apart=60, most=1)
    found = await answers(together, 1, number)
    assert (found[0], type(found[1])) == (2, RuntimeError if number == 7 else ValueError)
    assert work.groups == [[1], [number]]
    ended = work.ended
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await together(3)
    await asyncio.sleep(0.02)
    assert work.ended == ended
