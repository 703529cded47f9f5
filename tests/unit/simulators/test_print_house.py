"""The print house: it reads the window as a machine does, and tells of a letter over days that somebody else turns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.notifier.post_status import read_status
from simulators.post_gateway.print_house import MOST_PAGES, PrintHouse, weekdays_later
from simulators.post_gateway.sheets import LARGEST_PDF_BYTES, SheetReader, Unreadable, picture
from tests.unit.notifier.samples import HOME, NAME, pdf_of, text
from tests.unit.simulators.papers import ADDRESS, LETTER, Line, in_window, paper, pdf
from tests.unit.simulators.servers import Receiver, gateway, ledger_of, serving

FRIDAY = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
AT_ONCE = ["Afsendt", "Modtaget Fjern-print", "Klar", "Afleveret til print og kuvertering"]
POSTED = "Modtaget Post Danmark"
BACK = "Opdatering fra Post Danmark"


@dataclass
class Hands:
    """A clock that stands where it was put."""

    at: datetime = field(default=FRIDAY)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def house() -> Iterator[PrintHouse]:
    reader = SheetReader()
    yield PrintHouse(reader=reader)
    reader.close()


async def test_an_address_in_the_window_is_read(house: PrintHouse) -> None:
    seen = await house.look_at(LETTER)
    assert (seen.address, seen.refusal) == (ADDRESS, None)


@pytest.fixture(scope="module")
def ours() -> dict[str, bytes]:
    """A letter of the notifier, made for each channel."""
    return {"paper": pdf_of(text(address=HOME)), "digital": pdf_of(text())}


async def test_a_letter_of_ours_is_read_by_name_and_address(house: PrintHouse, ours: dict[str, bytes]) -> None:
    seen = await house.look_at(ours["paper"])
    assert seen.refusal is None
    assert seen.address == (NAME, "Æblehaven 12, 3. th.", "8000 Aarhus C")


async def test_a_letter_made_for_a_screen_is_not_printed(house: PrintHouse, ours: dict[str, bytes]) -> None:
    seen = await house.look_at(ours["digital"])
    assert seen.refusal is not None


BESIDE = Line(text="CPR 610190-1234", left=24, top=79)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"%PDF-1.7", "unreadable"),
        (b"%PDF-1.7\n" + b"\0" * 10_000, "unreadable"),
        (LETTER[: len(LETTER) // 3], "unreadable"),
        (b"%PDF-" + bytes(LARGEST_PDF_BYTES), "unreadable"),
        (pdf(pages=0), "unreadable"),
        (pdf(), "no-address"),
        (pdf(in_window("Kirsten Sorensen")), "no-address"),
        (pdf(in_window("12", "8000 Aarhus C")), "no-address"),
        (pdf(in_window(*ADDRESS, top=120)), "no-address"),
        (pdf(in_window(*ADDRESS, left=5)), "outside-window"),
        (pdf(in_window(*ADDRESS, left=95)), "outside-window"),
        (pdf(in_window(*ADDRESS, top=70)), "outside-window"),
        (pdf([*in_window(*ADDRESS), BESIDE]), "outside-window"),
        (pdf(in_window(*ADDRESS), size=(842, 595)), "not-a4"),
        (pdf(in_window(*ADDRESS), size=(612, 792)), "not-a4"),
        (pdf(in_window(*ADDRESS), pages=MOST_PAGES + 1), "too-many-pages"),
    ],
)
async def test_what_cannot_be_printed_or_sorted_is_refused_and_stops_nobody(
    house: PrintHouse, document: bytes, code: str
) -> None:
    refusal = (await house.look_at(document)).refusal
    assert refusal is not None
    assert refusal.code == f"forsendelse.{code}"
    assert (await house.look_at(LETTER)).refusal is None


def test_pages_are_drawn_in_bounds_whatever_size_they_claim() -> None:
    for size in ((595, 842), (1, 14_400), (14_400, 14_400)):
        drawn = picture(pdf(in_window(*ADDRESS), size=size), 1)
        assert drawn.startswith(b"\x89PNG")
        width, height = (int.from_bytes(drawn[place : place + 4]) for place in (16, 20))
        assert 1 <= width <= 2000
        assert 1 <= height <= 2000


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_page_that_is_not_there_is_not_drawn(number: int) -> None:
    with pytest.raises(Unreadable):
        picture(LETTER, number)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, FRIDAY),
        (1, datetime(2026, 11, 23, 15, 30, tzinfo=UTC)),
        (5, datetime(2026, 11, 27, 15, 30, tzinfo=UTC)),
        (6, datetime(2026, 11, 30, 15, 30, tzinfo=UTC)),
    ],
)
def test_weekdays_pass_over_the_weekend(days: int, expected: datetime) -> None:
    assert weekdays_later(FRIDAY, days) == expected


def test_the_time_of_day_is_denmarks_also_over_the_end_of_summer_time() -> None:
    friday = datetime(2026, 10, 23, 10, 0, tzinfo=UTC)  # 12:00 in Denmark
    assert weekdays_later(friday, 1) == datetime(2026, 10, 26, 11, 0, tzinfo=UTC)


def test_a_share_of_letters_comes_back_and_always_the_same_ones() -> None:
    reader = SheetReader()
    house = PrintHouse(reader=reader, return_share=0.25)
    told = [house.life(f"letter {nth}", FRIDAY, None)[-1].code for nth in range(400)]
    assert 60 <= told.count(BACK) <= 140
    assert told == [house.life(f"letter {nth}", FRIDAY, None)[-1].code for nth in range(400)]
    reader.close()


@dataclass
class Post:
    """A gateway by a clock that stands, and what it pushed."""

    hands: Hands
    receiver: Receiver
    address: str
    session: aiohttp.ClientSession

    async def hand_in(self, dispatch_id: str, document: bytes = LETTER) -> None:
        url = f"{self.address}/service/KombiPostAfsend_1/kombi"
        async with self.session.post(url, data=paper(dispatch_id, document)) as answer:
            assert answer.status == 200

    async def switch(self, **wish: Any) -> None:
        async with self.session.post(f"{self.address}/_sim/switches", json=wish) as answer:
            assert answer.status == 200

    async def summary(self) -> dict[str, Any]:
        async with self.session.get(f"{self.address}/_sim/summary") as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def told(self, number: int) -> list[str]:
        """The first `number` statuses that were pushed."""
        return [read_status(body).status_code for body in await self.receiver.wait_for(number)]


@contextlib.asynccontextmanager
async def post(path: Path, *, return_share: float = 0.0) -> AsyncIterator[Post]:
    hands, receiver = Hands(), Receiver()
    async with (
        serving(receiver.app) as receiving,
        gateway(path, push_url=f"{receiving}/modtag", clock=hands, print_days=1, return_share=return_share) as address,
        aiohttp.ClientSession() as session,
    ):
        yield Post(hands=hands, receiver=receiver, address=address, session=session)


async def test_posting_waits_for_the_next_weekday_of_domain_time_and_counts_apart_until_then(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.hand_in("one")
        assert await office.told(4) == AT_ONCE
        office.hands.at += timedelta(days=2)  # Sunday
        await asyncio.sleep(0.5)
        summary = await office.summary()
        assert (summary["status_messages_waiting"], summary["status_messages_later"]) == (0, 1)
        assert POSTED not in summary["statuses"]
        office.hands.at += timedelta(days=1)
        summary = await office.summary()
        assert (summary["status_messages_later"], summary["statuses"][POSTED]) == (0, 1)
        assert (await office.told(5))[4] == POSTED
        assert read_status(office.receiver.bodies[4]).at == FRIDAY + timedelta(days=3)


async def test_a_turned_clock_is_noticed_without_anybody_asking(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.hand_in("one")
        await office.told(4)
        office.hands.at += timedelta(days=3)
        assert (await office.told(5))[4] == POSTED


async def test_a_letter_that_comes_back_is_told_with_our_event_after_it_was_posted(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.switch(mode="returned", number=1)
        await office.hand_in("one")
        await office.hand_in("two")
        office.hands.at += timedelta(days=60)
        await office.told(11)
        told = [read_status(body) for body in office.receiver.bodies]
        assert [one.status_code for one in told if one.dispatch_id == "two"] == [*AT_ONCE, POSTED]
        back = [one for one in told if one.dispatch_id == "one"]
        assert [one.status_code for one in back] == [*AT_ONCE, POSTED, BACK]
        assert [(event.code, event.at) for event in back[-1].events] == [("RETUR", FRIDAY + timedelta(days=17))]
        ledger = await ledger_of(office.session, office.address)
        returned = {letter["dispatch_id"]: letter["returned_at"] for letter in ledger["letters"]}
        assert returned == {"one": (FRIDAY + timedelta(days=17)).isoformat(), "two": None}
        events = [(one["channel"], one["event_code"]) for one in ledger["status_messages"] if one["event_code"]]
        assert events == [("Fysisk Post", "RETUR")]


async def test_what_is_to_come_later_survives_a_restart(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.hand_in("one")
        await office.told(4)
    async with post(tmp_path / "l") as office:
        office.hands.at += timedelta(days=3)
        assert await office.told(1) == [POSTED]


async def test_a_letter_without_an_address_in_its_window_fails_after_the_print_house_got_it(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.hand_in("one", pdf())
        assert await office.told(3) == ["Afsendt", "Modtaget Fjern-print", "Fejlet"]
        assert read_status(office.receiver.bodies[2]).error_code == "forsendelse.no-address"
        assert (await office.summary())["status_messages_later"] == 0


async def test_the_print_house_refuses_as_told_and_messages_are_untouched(tmp_path: Path) -> None:
    async with post(tmp_path / "l") as office:
        await office.switch(mode="print_refuses", error_code="print.odd")
        await office.hand_in("one")
        assert await office.told(3) == ["Afsendt", "Modtaget Fjern-print", "Fejlet"]
        assert read_status(office.receiver.bodies[2]).error_code == "print.odd"
