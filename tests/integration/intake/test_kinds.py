"""Every kind of notification on a real PostgreSQL: what takes effect, what waits and joins, what is refused."""

import asyncio
import itertools
from base64 import b64decode
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from contracts.absence.v1 import REPORTED_SEALING_FIELD
from contracts.dead_letter.v1 import record as dead_letter
from plumbing.dead_letters import FIELD, Undertaker, unpack
from plumbing.errors import Unavailable
from plumbing.postgres import Connection
from plumbing.sealing import open_sealed, open_text
from services.intake.domain import Kept
from services.intake.store import Store
from services.intake.usecases.sweep import Sweeper
from tests.support.fixtures import DatabaseFactory
from tests.support.intake_house import MONTH_KEY, House, bodies, fetch_key, intake_on, open_house
from tests.support.notifications import (
    amendment,
    citizen,
    fast_track,
    raw,
    record,
    recovery,
    refund,
    report,
    unemployed,
    withdrawal,
)

Body = dict[str, Any]


@pytest.fixture
async def house(database: DatabaseFactory) -> AsyncIterator[House]:
    opened = await open_house(database)
    yield opened
    await opened.database.close()


async def send(house: House, *given: Body) -> None:
    """Each in a batch of its own, one after the other."""
    sent = len(await house.fates())
    for nth, body in enumerate(given):
        await house.take_in([record(raw(body), sent + nth)])


async def outcomes(house: House) -> list[str]:
    return [one["outcome"] for one in await house.receipts()]


async def refusals(house: House) -> list[list[tuple[str, str]]]:
    return [[(why["field"], why["code"]) for why in one["reasons"]] for one in await house.receipts() if one["reasons"]]


async def told(house: House) -> list[tuple[str, int]]:
    """The events in order: type and version."""
    rows = await house.rows(
        "select headers, payload from outbox where aggregatetype = 'sygefravaer.absence.v1' order by seq"
    )
    events = await house.events()
    types = [bytes(row["headers"]).decode().split("\n") for row in rows]
    names = [
        lines[lines.index("ce_type") + 1].removeprefix("dk.mitsygefravaer.absence.").removesuffix(".v1")
        for lines in types
    ]
    return [(name, event["version"]) for name, event in zip(names, events, strict=True)]


async def absence(house: House) -> dict[str, Any]:
    [row] = await house.rows("select * from absence")
    return dict(row)


@pytest.mark.rule("N5")
async def test_what_is_reported_anew_while_it_is_being_withdrawn_is_no_repeat(house: House) -> None:
    """The withdrawal stands on another partition, and its batch is at work in another process."""
    body = report()
    await send(house, body)
    again = anew(body)
    async with house.database.transaction() as withdrawing:
        await withdrawing.execute("select from absence for update")
        reporting = asyncio.create_task(send(house, again))
        await asyncio.sleep(0.3)
        assert not reporting.done()
        sql = "update absence set state = 'withdrawn', repeat_key = null, withdrawn_by = gen_random_uuid()"
        await withdrawing.execute(sql)
    with pytest.raises(Unavailable):  # what stood in its way is gone, and the batch is tried again
        await reporting
    await send(house, again)
    assert await outcomes(house) == ["accepted", "accepted"]


async def states(house: House) -> dict[str, str]:
    """By reference, what each absence has come to."""
    rows = await house.rows("select absence_reference, state from absence")
    return {str(row["absence_reference"]): row["state"] for row in rows}


def anew(body: Body, **changes: Any) -> Body:
    """The same illness under a reference of its own."""
    return {**body, "notification_id": str(uuid4()), "absence_reference": str(uuid4()), **changes}


@pytest.mark.rule("N5")
async def test_what_is_withdrawn_and_reported_anew_stands_in_every_order(house: House) -> None:
    """And what was said under either reference is said: nothing is left to wait."""
    for day, order in enumerate(itertools.permutations(range(4))):
        body = report(citizen=citizen(f"61019{day:05}"))
        again = anew(body, sent_at="2026-03-19T08:30:00+01:00")
        asked = refund(again, sent_at="2026-03-19T09:00:00Z")
        four = [body, withdrawal(body, sent_at="2026-03-19T08:00:00Z"), again, asked]
        await send(house, *(four[nth] for nth in order))
        came_to = await states(house)
        assert (came_to[body["absence_reference"]], came_to[again["absence_reference"]]) == ("withdrawn", "reported")
    assert await house.rows("select from waiting") == []
    assert {"rejected"}.isdisjoint(await outcomes(house))


@pytest.mark.rule("N4", "N5")
async def test_a_repeat_that_takes_effect_is_told_whole_and_keeps_its_receipt(house: House) -> None:
    body = report()
    again = anew(body, sent_at="2026-03-19T08:30:00+01:00")
    waits = amendment(again, cause="work_injury", sent_at="2026-03-19T09:00:00+01:00")
    await send(house, body, again, waits)
    assert [name for name, _ in await told(house)] == ["reported"]
    await send(house, withdrawal(body), again)

    assert await outcomes(house) == ["accepted", "duplicate", "waiting", "accepted", "duplicate"]
    receipts = await house.receipts()
    assert len({receipts[nth]["receipt_id"] for nth in (0, 1, 4)}) == 1
    assert await told(house) == [("reported", 1), ("withdrawn", 2), ("reported", 1), ("amended", 2)]
    _, _, reported, amended = await house.events()
    assert (reported["notification_id"], reported["absence_id"]) == (again["notification_id"], amended["absence_id"])
    assert (amended["is_changed"], reported["is_withdrawn"]) == (False, False)
    assert receipts[2]["absence_id"] == receipts[4]["absence_id"] == reported["absence_id"]


@pytest.mark.rule("N5")
async def test_of_several_repeats_the_earliest_sent_takes_over_and_the_others_stay_behind_it(house: House) -> None:
    body = report()
    second, third = (anew(body, sent_at=f"2026-03-19T0{hour}:30:00+01:00") for hour in (8, 9))
    await send(house, body, third, second, withdrawal(body))
    assert await states(house) == {
        body["absence_reference"]: "withdrawn",
        second["absence_reference"]: "reported",
        third["absence_reference"]: "awaited",
    }
    await send(house, amendment(second, first_absence_day="2026-03-04", sent_at="2026-03-19T10:00:00Z"))
    assert (await states(house))[third["absence_reference"]] == "reported"


@pytest.mark.rule("N5")
@pytest.mark.parametrize("comes_first", [True, False])
async def test_a_repeat_that_is_withdrawn_or_given_another_day_is_a_repeat_no_more(
    house: House, comes_first: bool
) -> None:
    body = report()
    taken_back, moved = anew(body), anew(body)
    news = [withdrawal(taken_back), amendment(moved, first_absence_day="2026-03-05")]
    both = [*news, taken_back, moved] if comes_first else [taken_back, moved, *news]
    await send(house, body, *both, withdrawal(body))
    assert await states(house) == {
        body["absence_reference"]: "withdrawn",
        taken_back["absence_reference"]: "withdrawn",
        moved["absence_reference"]: "reported",
    }
    assert [event["is_withdrawn"] for event in await house.events() if "is_withdrawn" in event].count(True) == 1


@pytest.mark.rule("N5")
async def test_a_repeat_of_a_preliminary_absence_joins_it_or_goes_with_it(house: House) -> None:
    body = report()
    joins, goes = anew(body), anew(body)
    await send(house, body, joins, fast_track(joins), goes, fast_track(goes), withdrawal(goes), withdrawal(body))
    assert await states(house) == {
        body["absence_reference"]: "withdrawn",
        joins["absence_reference"]: "reported",
        goes["absence_reference"]: "withdrawn",
    }
    assert await house.rows("select from waiting") == []


@pytest.mark.rule("N5")
async def test_nobody_else_speaks_about_an_absence_whose_report_is_kept_behind_another(house: House) -> None:
    body = report()
    again = anew(body)
    early, other = recovery(again, citizen={"cpr": "6201900002"}), {**body["reporter"], "cvr": "10000017"}
    await send(house, body, early, again)
    await send(house, recovery(again, citizen={"cpr": "6201900002"}), anew(body, reporter=other, **_named(again)))
    assert await refusals(house) == [
        [("absence_reference", "not-yours")],
        [("absence_reference", "repeated-absence")],
    ]
    assert [row["refused"] for row in await house.rows("select refused from waiting where repeat_key is null")] == [
        "not-yours"
    ]
    told_otherwise = {**again, "notification_id": str(uuid4()), "cause": "work_injury"}
    same = {**again, "notification_id": str(uuid4())}
    await send(house, told_otherwise, same)
    assert (await outcomes(house))[-2:] == ["rejected", "duplicate"]


def _named(body: Body) -> Body:
    return {"absence_reference": body["absence_reference"]}


@pytest.mark.rule("N5")
async def test_whoever_withdraws_waits_for_a_repeat_that_is_being_kept(house: House) -> None:
    """Two processes: the repeat stands on another partition, and is not committed yet."""
    body = report()
    again = anew(body)
    await send(house, body)
    stopped, going = asyncio.Event(), asyncio.Event()

    class Slow(Store):
        @override
        async def add_waiting(self, connection: Connection, kept: Kept) -> None:
            await super().add_waiting(connection, kept)
            stopped.set()
            await going.wait()

    other = replace(house, take_in=intake_on(house, Slow()))
    keeping = asyncio.create_task(other.take_in([record(raw(again), 1)]))
    await stopped.wait()
    withdrawing = asyncio.create_task(house.take_in([record(raw(withdrawal(body)), 2)]))
    await asyncio.sleep(0.3)
    assert not withdrawing.done()
    going.set()
    await asyncio.gather(keeping, withdrawing)
    assert await states(house) == {body["absence_reference"]: "withdrawn", again["absence_reference"]: "reported"}


@pytest.mark.rule("N5")
async def test_a_repeat_that_comes_while_its_twin_is_being_withdrawn_takes_effect(house: House) -> None:
    """The other way round: the withdrawal is not committed yet, and takes nobody along that it has not seen."""
    body = report()
    again = anew(body)
    await send(house, body)
    stopped, going = asyncio.Event(), asyncio.Event()

    class Slow(Store):
        @override
        async def kept_behind(self, connection: Connection, repeat_key: bytes) -> list[UUID]:
            found = await super().kept_behind(connection, repeat_key)
            stopped.set()
            await going.wait()
            return found

    other = replace(house, take_in=intake_on(house, Slow()))
    withdrawing = asyncio.create_task(other.take_in([record(raw(withdrawal(body)), 1)]))
    await stopped.wait()
    reporting = asyncio.create_task(house.take_in([record(raw(again), 2)]))
    await asyncio.sleep(0.3)
    assert not reporting.done()
    going.set()
    await asyncio.gather(withdrawing, reporting)
    assert await states(house) == {body["absence_reference"]: "withdrawn", again["absence_reference"]: "reported"}


@pytest.mark.rule("N4", "N5")
async def test_two_absences_that_come_to_the_same_day_at_once_stop_no_partition(house: House) -> None:
    """Both were corrected to one first day before they were reported; of the key that detects repeats only one can have it."""
    first, second = report(first_absence_day="2026-03-02"), report(first_absence_day="2026-03-03")
    corrected = {"first_absence_day": "2026-03-04", "cause": "work_injury"}
    await send(house, amendment(first, **corrected), amendment(second, **corrected))
    await house.take_in([record(raw(first), 2), record(raw(second), 3)])
    assert await outcomes(house) == ["waiting", "waiting", "accepted", "accepted"]
    rows = await house.rows("select first_absence_day, repeat_key is null as has_none from absence order by 2")
    assert [(str(row["first_absence_day"]), row["has_none"]) for row in rows] == [
        ("2026-03-04", False),
        ("2026-03-04", True),
    ]


@pytest.mark.rule("N1")
async def test_everything_about_a_reported_absence_takes_effect_and_is_told_in_order(house: House) -> None:
    body = report()
    await send(
        house,
        body,
        amendment(body, first_absence_day="2026-03-03"),
        refund(body),
        fast_track(body),
        recovery(body),
        withdrawal(body),
    )
    assert await outcomes(house) == ["accepted"] * 6
    assert await told(house) == [
        ("reported", 1),
        ("amended", 2),
        ("refund_requested", 3),
        ("fast_track_requested", 4),
        ("recovered", 5),
        ("withdrawn", 6),
    ]
    kept = await absence(house)
    assert (kept["state"], str(kept["first_absence_day"]), str(kept["recovered_day"])) == (
        "withdrawn",
        "2026-03-03",
        "2026-03-17",
    )


@pytest.mark.rule("N5")
async def test_all_in_one_batch_comes_to_the_same_as_one_by_one(house: House) -> None:
    body = report()
    early = [
        amendment(body),
        refund(body, sent_at="2026-03-19T09:00:00Z"),
        withdrawal(body, sent_at="2026-03-19T10:00:00Z"),
    ]
    await house.take_in(bodies(*reversed(early), body, recovery(body)))
    assert await outcomes(house) == ["waiting", "waiting", "waiting", "accepted", "rejected"]
    assert await told(house) == [("reported", 1), ("amended", 2), ("refund_requested", 3), ("withdrawn", 4)]
    assert (await house.events())[0]["is_withdrawn"]
    assert await refusals(house) == [[("absence_reference", "withdrawn")]]


@pytest.mark.rule("N4", "N5")
async def test_what_came_first_waits_is_receipted_so_and_joins_with_its_report(house: House) -> None:
    body = report()
    early = amendment(body, first_absence_day="2026-03-04")
    await send(house, recovery(body), early, refund(body), body)

    assert await outcomes(house) == ["waiting", "waiting", "waiting", "accepted"]
    assert [fate for _, fate in await house.fates()] == ["parked", "parked", "parked", "accepted"]
    receipts = await house.receipts()
    assert {one["absence_id"] for one in receipts} == {str((await absence(house))["absence_id"])}
    names = [name for name, _ in await told(house)]
    assert names[0] == "reported"
    assert sorted(names[1:]) == ["amended", "recovered", "refund_requested"]
    reported, *rest = await house.events()
    assert reported["first_absence_day"] == "2026-03-04"  # what holds: the amendment was sent later
    amended = next(one for one in rest if "is_changed" in one)
    assert (amended["is_current"], amended["is_changed"]) == (True, False)
    assert await house.rows("select from waiting") == []
    citizen_of = house.people.citizen(body["citizen"]["cpr"])
    opened = open_text(
        citizen_of.key, reported["reported"], owner=str(citizen_of.citizen_id), field=REPORTED_SEALING_FIELD
    )
    assert '"first_absence_day":"2026-03-04"' in opened


@pytest.mark.rule("N5")
async def test_all_orders_of_four_events_end_in_the_same_state(house: House) -> None:
    """F164: report, amendment, recovery, a second amendment."""
    ends = set()
    for day, order in enumerate(itertools.permutations(range(4))):
        body = report(sent_at="2026-03-10T08:00:00Z", citizen=citizen(f"61019{day:05}"))
        four = [
            body,
            amendment(body, sent_at="2026-03-11T08:00:00Z", first_absence_day="2026-03-03"),
            recovery(body, sent_at="2026-03-12T08:00:00Z"),
            amendment(
                body, sent_at="2026-03-13T08:00:00Z", first_absence_day="2026-03-04", last_absence_day="2026-03-17"
            ),
        ]
        await send(house, *(four[nth] for nth in order))
        kept = [
            row
            for row in await house.rows("select * from absence")
            if str(row["absence_reference"]) == body["absence_reference"]
        ]
        assert len(kept) == 1
        days = kept[0]["first_absence_day"], kept[0]["last_absence_day"], kept[0]["recovered_day"]
        ends.add((kept[0]["state"], kept[0]["version"], *map(str, days)))

    assert ends == {("reported", 4, "2026-03-04", "2026-03-17", "2026-03-17")}
    assert "rejected" not in await outcomes(house)
    versions: dict[str, list[int]] = {}
    for event in await house.events():
        versions.setdefault(event["absence_id"], []).append(event["version"])
    assert set(map(tuple, versions.values())) == {(1, 2, 3, 4)}


@pytest.mark.rule("N5", "T16")
async def test_a_fast_track_request_never_waits_and_its_report_joins(house: House) -> None:
    body = report()
    await send(house, fast_track(body), refund(body), recovery(body), body)

    assert await outcomes(house) == ["accepted", "waiting", "accepted", "accepted"]
    assert [name for name, _ in await told(house)] == [
        "fast_track_requested",
        "recovered",
        "reported",
        "refund_requested",
    ]
    assert (await house.events())[0]["is_preliminary"]
    assert (await absence(house))["state"] == "reported"


@pytest.mark.rule("T16")
async def test_a_fast_track_request_on_day_34_is_taken(house: House) -> None:
    await send(house, fast_track(report(first_absence_day="2026-02-14"), sent_at="2026-03-20T10:00:00Z"))
    assert await outcomes(house) == ["accepted"]


@pytest.mark.rule("T16")
async def test_a_fast_track_request_after_day_34_is_refused_with_that_reason(house: House) -> None:
    await send(house, fast_track(report(first_absence_day="2026-02-13"), sent_at="2026-03-20T10:00:00Z"))
    assert await refusals(house) == [[("sent_at", "too-late")]]


@pytest.mark.rule("N5", "T20")
async def test_after_a_withdrawal_nothing_is_taken_and_a_second_one_repeats_the_first(house: House) -> None:
    body = report()
    first = withdrawal(body)
    await send(house, body, first, amendment(body), refund(body), withdrawal(body))

    assert await outcomes(house) == ["accepted", "accepted", "rejected", "rejected", "duplicate"]
    assert await refusals(house) == [[("absence_reference", "withdrawn")]] * 2
    receipts = await house.receipts()
    assert receipts[4]["receipt_id"] == receipts[1]["receipt_id"]


async def test_days_that_were_withdrawn_can_be_reported_anew_under_a_new_reference(house: House) -> None:
    body = report()
    await send(
        house, body, withdrawal(body), {**body, "notification_id": str(uuid4()), "absence_reference": str(uuid4())}
    )
    assert await outcomes(house) == ["accepted", "accepted", "accepted"]


@pytest.mark.rule("N4", "N5")
async def test_the_same_refund_asked_for_twice_is_told_once(house: House) -> None:
    body = report()
    first, again = refund(body), refund(body, sent_at="2026-03-20T08:00:00Z")
    await send(house, body, first, again, again)

    assert await outcomes(house) == ["accepted", "accepted", "duplicate", "duplicate"]
    assert len(await house.events()) == 2
    receipts = await house.receipts()
    assert {one["receipt_id"] for one in receipts[1:]} == {receipts[1]["receipt_id"]}


async def test_the_same_refund_waiting_twice_is_told_once_too(house: House) -> None:
    body = report()
    await send(house, refund(body), refund(body, sent_at="2026-03-20T08:00:00Z"), body)
    assert [name for name, _ in await told(house)] == ["reported", "refund_requested"]
    assert await house.rows("select from waiting") == []


@pytest.mark.rule("N5")
@pytest.mark.parametrize("make", [amendment, refund, recovery, withdrawal, fast_track])
async def test_another_reporter_and_another_citizen_are_turned_away(house: House, make: Any) -> None:
    body = report()
    other = {**body["reporter"], "cvr": "10000017"}
    stranger = citizen("6201900002") if make in {amendment, fast_track} else {"cpr": "6201900002"}
    await send(house, body, make(body, reporter=other), make(body, citizen=stranger))

    assert await outcomes(house) == ["accepted", "rejected", "rejected"]
    assert await refusals(house) == [[("absence_reference", "not-yours")]] * 2
    assert len(await house.events()) == 1


@pytest.mark.rule("N5")
async def test_an_employer_may_speak_from_another_of_its_places_of_work(house: House) -> None:
    body = report()
    await send(house, body, recovery(body, reporter={**body["reporter"], "production_unit": "1000000002"}))
    assert await outcomes(house) == ["accepted", "accepted"]


@pytest.mark.rule("N5")
async def test_a_late_older_amendment_is_on_record_and_changes_nothing(house: House) -> None:
    body = report()
    await send(
        house,
        body,
        amendment(body, sent_at="2026-03-20T09:00:00Z", first_absence_day="2026-03-05"),
        amendment(body, sent_at="2026-03-19T09:00:00Z", first_absence_day="2026-03-06"),
    )
    assert await outcomes(house) == ["accepted"] * 3
    assert [one.get("is_current") for one in await house.events()] == [None, True, False]
    assert str((await absence(house))["first_absence_day"]) == "2026-03-05"


@pytest.mark.rule("T20")
async def test_an_amendment_that_says_the_same_changes_nothing_that_is_shown(house: House) -> None:
    body = report()
    later = amendment(body, cause="work_injury", sent_at="2026-03-19T09:00:00Z")
    await send(house, body, amendment(body), later)
    assert [one.get("is_changed") for one in await house.events()] == [None, False, True]


@pytest.mark.rule("N4")
async def test_a_waiting_message_repeated_is_a_duplicate_and_with_other_content_a_conflict(house: House) -> None:
    body = report()
    early = recovery(body)
    await send(house, early, early, {**early, "last_absence_day": "2026-03-16"}, body)

    assert await outcomes(house) == ["waiting", "duplicate", "rejected", "accepted"]
    receipts = await house.receipts()
    assert receipts[0]["receipt_id"] == receipts[1]["receipt_id"]
    assert str((await absence(house))["recovered_day"]) == "2026-03-17"


async def test_a_fund_amends_withdraws_and_recovers_too(house: House) -> None:
    body = unemployed(first_absence_day="2026-02-20")
    await send(house, body, amendment(body, municipality_code="0101"), recovery(body), withdrawal(body))
    assert await outcomes(house) == ["accepted"] * 4
    assert (await house.events())[1]["municipality_code"] == "0101"


@pytest.mark.rule("N4")
async def test_a_redelivered_batch_of_every_kind_changes_nothing(house: House) -> None:
    body = report()
    batch = bodies(recovery(body), fast_track(body), body, amendment(body), refund(body))
    await house.take_in(batch)
    before = await house.rows("select * from absence"), await house.receipts(), await house.events()
    await house.take_in(batch)
    assert (await house.rows("select * from absence"), await house.receipts(), await house.events()) == before


# what waits in vain ------------------------------------------------------------------------------------------------------


class Away:
    """A vault that does not answer."""

    async def keys(self, _citizen_ids: Collection[UUID]) -> dict[UUID, bytes]:
        raise Unavailable("citizens")


class Keys:
    """The vault's keys, in memory."""

    def __init__(self, house: House, erased: Collection[UUID] = ()) -> None:
        self._key = house.people.citizen("6101900001").key
        self._erased = set(erased)

    async def keys(self, citizen_ids: Collection[UUID]) -> dict[UUID, bytes]:
        return {one: self._key for one in citizen_ids if one not in self._erased}


def sweeper(house: House, erased: Collection[UUID] = (), keys: Away | None = None) -> Sweeper:
    return Sweeper(
        house.database,
        waiting=Store(),
        keys=keys or Keys(house, erased),
        undertaker=Undertaker(
            fetch_key=fetch_key,
            write=dead_letter,
            clock=house.clock,
            group="mitsyg.intake.nemrefusion.notification.v1",
        ),
        clock=house.clock,
        patience=timedelta(days=60),
    )


@pytest.mark.rule("N5")
async def test_what_never_joins_is_buried_with_that_reason_and_its_id_is_free_again(house: House) -> None:
    body = report()
    early = recovery(body)
    await send(house, early)
    assert await sweeper(house).sweep() == 0
    house.clock.at += timedelta(days=60, seconds=1)
    assert await sweeper(house).sweep() == 1

    [letter] = await house.dead_letters()
    assert [(why["field"], why["code"]) for why in letter["reasons"]] == [("absence_reference", "never-joined")]
    sealed = b64decode(letter["original"]["sealed"])
    _, value, _ = unpack(open_sealed(MONTH_KEY.key, sealed, owner=MONTH_KEY.key_id, field=FIELD))
    assert value == raw(early)
    assert await outcomes(house) == ["waiting"]  # no second receipt
    assert await house.rows("select from waiting") == []
    assert await house.rows("select from notification") == []
    assert await sweeper(house).sweep() == 0


@pytest.mark.rule("N5")
async def test_what_cannot_join_is_buried_at_the_next_sweep(house: House) -> None:
    body = report()
    other = {**body["reporter"], "cvr": "10000017"}
    await send(house, recovery(body, reporter=other), recovery(body, citizen={"cpr": "6201900002"}), body)
    assert [name for name, _ in await told(house)] == ["reported"]
    assert await sweeper(house).sweep() == 2
    codes = [why["code"] for one in await house.dead_letters() for why in one["reasons"]]
    assert codes == ["not-yours", "not-yours"]


@pytest.mark.rule("N5")
async def test_what_cannot_join_and_has_waited_for_too_long_is_buried_once(house: House) -> None:
    body = report()
    other = {**body["reporter"], "cvr": "10000017"}
    await send(house, recovery(body, reporter=other), body, recovery(report()))
    house.clock.at += timedelta(days=60, seconds=1)
    assert await sweeper(house).sweep() == 2
    codes = [why["code"] for one in await house.dead_letters() for why in one["reasons"]]
    assert sorted(codes) == ["never-joined", "not-yours"]


@pytest.mark.rule("N5")
async def test_a_repeat_is_let_go_without_a_dead_letter_and_can_be_reported_anew(house: House) -> None:
    body = report()
    again = anew(body)
    await send(house, body, again, fast_track(again))
    assert await sweeper(house).sweep() == 0
    house.clock.at += timedelta(days=60, seconds=1)
    assert await sweeper(house).sweep() == 1
    assert await house.dead_letters() == []
    assert await house.rows("select from waiting") == []
    assert await states(house) == {body["absence_reference"]: "reported", again["absence_reference"]: "preliminary"}
    await send(house, again, withdrawal(body), {**again, "notification_id": str(uuid4())})
    assert (await outcomes(house))[-3:] == ["duplicate", "accepted", "accepted"]
    assert (await states(house))[again["absence_reference"]] == "reported"


async def test_what_waits_of_somebody_erased_is_dropped_unopened(house: House) -> None:
    body = report()
    await send(house, recovery(body))
    house.clock.at = datetime(2026, 9, 1, tzinfo=UTC)
    erased = house.people.citizen(body["citizen"]["cpr"]).citizen_id
    assert await sweeper(house, {erased}).sweep() == 1
    assert await house.dead_letters() == []
    assert await house.rows("select from waiting") == []


async def test_what_waits_and_cannot_be_opened_stops_neither_its_report_nor_the_sweeper(house: House) -> None:
    body = report()
    damaged, whole = recovery(body), amendment(body, cause="work_injury", sent_at="2026-03-19T09:00:00+01:00")
    await send(house, damaged, whole)
    async with house.database.transaction() as connection:
        sql = "update waiting set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where notification_id = $1"
        await connection.execute(sql, UUID(damaged["notification_id"]))
    await send(house, body, report(citizen=citizen("6201900002")))
    assert [name for name, _ in await told(house)] == ["reported", "amended", "reported"]
    house.clock.at += timedelta(days=60, seconds=1)
    assert await sweeper(house).sweep() == 1
    assert await house.dead_letters() == []
    [buried] = await house.rows("select subject from audit_entry where action = 'notification.buried'")
    assert buried["subject"] == house.people.citizen(body["citizen"]["cpr"]).citizen_id


async def test_while_the_vault_is_away_nothing_that_waits_is_lost(house: House) -> None:
    await send(house, recovery(report()))
    house.clock.at += timedelta(days=61)
    with pytest.raises(Unavailable):
        await sweeper(house, keys=Away()).sweep()
    assert len(await house.rows("select from waiting")) == 1
    assert await sweeper(house).sweep() == 1
