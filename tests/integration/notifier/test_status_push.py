"""Statuses pushed over HTTP: matched by id, kept once, moving letters forward only (F134, danish-interfaces 3c)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from plumbing.postgres import Database
from plumbing.safe_xml import parse, text_of
from services.notifier.api import StatusPush, make_api
from services.notifier.store import Letters, Statuses
from services.notifier.usecases import TakeStatuses
from services.notifier.usecases.move import Mover
from simulators.post_gateway.ledger import Status
from simulators.post_gateway.statuses import DELIVERED, FAILED, is_acknowledged, push_body
from tests.integration.notifier.post_office import WAYS, FixedClock, PostOffice, letter, open_post_office
from tests.support.fixtures import DatabaseFactory
from tests.unit.simulators.servers import serving

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
async def office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with open_post_office(notifier_database, tmp_path) as opened:
        await opened.switch(mode="no_status")
        yield opened


def status(message_uuid: UUID, code: str = DELIVERED, *, at: datetime = AT, besked_id: UUID | None = None) -> bytes:
    return push_body(
        Status(
            besked_id=besked_id or uuid4(),
            transmission_id=uuid4(),
            message_uuid=message_uuid,
            message_id=None,
            status_code=code,
            error_code="recipient.deceased" if code == FAILED else None,
            error_text="the text of somebody's letter" if code == FAILED else None,
            at=at,
            due=0,
        )
    )


async def hearings(office: PostOffice) -> list[str]:
    return [row["hearing"] for row in await office.rows("select hearing from letter_status order by heard_at")]


async def test_a_status_before_the_answer_is_taken_and_the_answer_takes_nothing_back(office: PostOffice) -> None:
    await office.switch(mode="slow", seconds=0.6, number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "prepared")
    assert await office.push(status(asked.letter_id)) == 200
    assert await office.state(asked) == "dispatched"
    await office.until_idle()
    assert await office.state(asked) == "dispatched"
    assert len(await office.events()) == 1


async def test_the_same_message_twice_is_one_status_and_one_event(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    body = status(asked.letter_id)
    assert await asyncio.gather(*[office.push(body) for _ in range(6)]) == [200] * 6
    assert (await hearings(office), len(await office.events())) == (["applied"], 1)


async def test_a_second_proof_is_kept_and_the_first_one_stays(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await office.push(status(asked.letter_id))
    await office.push(status(asked.letter_id, at=AT + timedelta(days=1)))
    assert await hearings(office) == ["applied", "repeated"]
    [(_, event)] = await office.events()
    assert datetime.fromisoformat(event["dispatched_at"]) == AT


@pytest.mark.parametrize(
    ("first", "then", "outcomes"),
    [(DELIVERED, FAILED, ["dispatched"]), (FAILED, DELIVERED, ["failed", "dispatched"])],
)
async def test_a_contradiction_is_kept_and_audited_and_the_proof_stands_whichever_is_heard_first(
    office: PostOffice, first: str, then: str, outcomes: list[str]
) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    for code in (first, then):
        assert await office.push(status(asked.letter_id, code)) == 200
    assert await office.state(asked) == "dispatched"
    assert await hearings(office) == ["applied", "contradiction"]
    assert [outcome for outcome, _ in await office.events()] == outcomes
    assert await office.rows("select 1 from audit_entry where action = 'status.contradiction'")


async def test_a_status_of_no_letter_of_ours_is_kept_and_acknowledged(office: PostOffice) -> None:
    body = status(uuid4())
    assert await asyncio.gather(*[office.push(body) for _ in range(2)]) == [200, 200]
    assert await hearings(office) == ["unmatched"]


async def test_a_status_of_paper_is_kept_with_what_it_names_and_acknowledged(
    office: PostOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    body = push_body(
        Status(
            besked_id=uuid4(),
            transmission_id=uuid4(),
            message_uuid=None,
            message_id=None,
            dispatch_id="dc3303Soa44e-9c1c-46aaf36974de",
            channel="Fysisk Post",
            status_code=FAILED,
            error_code="7",
            error_text="the text of somebody's letter",
            at=AT,
            due=0,
        )
    )
    assert [await office.push(body) for _ in range(2)] == [200, 200]
    [row] = await office.rows("select * from letter_status")
    assert (row["hearing"], row["message_uuid"]) == ("unmatched", None)
    assert (row["dispatch_id"], row["channel"]) == ("dc3303Soa44e-9c1c-46aaf36974de", "Fysisk Post")
    assert "somebody" not in str(dict(row)) + "".join(capsys.readouterr())


async def test_a_code_nobody_knows_is_kept_and_moves_nothing(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    assert await office.push(status(asked.letter_id, "Noget helt nyt")) == 200
    assert (await office.state(asked), await hearings(office)) == ("handed_over", ["unknown_code"])


async def test_statuses_are_matched_by_id_and_never_by_order(office: PostOffice) -> None:
    first, second = letter(), letter()
    await office.ask_for(first, second)
    await office.until_state(first, "handed_over")
    await office.until_state(second, "handed_over")
    await office.push(status(second.letter_id, FAILED))
    await office.push(status(first.letter_id))
    assert (await office.state(first), await office.state(second)) == ("dispatched", "failed")


async def test_who_has_not_the_token_is_turned_away(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    for token in ("", "wrong", "secre", "secrett"):
        assert await office.push(status(asked.letter_id), token) == 401
    assert await office.state(asked) == "handed_over"


async def test_what_is_too_large_or_no_status_is_answered_and_kept_nowhere(office: PostOffice) -> None:
    assert await office.push(b"x" * 300_000) == 413
    async with office.session.post(
        office.push_url, data=b"<ModtagBeskedInput/>", headers={"authorization": "Bearer secret"}
    ) as answer:
        body = await answer.read()
        assert (answer.status, text_of(parse(body, max_bytes=10_000), "StatusKode")) == (200, "40")
        assert not is_acknowledged(answer.status, body)
    assert await hearings(office) == []


async def test_no_database_means_later_and_not_never(office: PostOffice, database: DatabaseFactory) -> None:
    gone = await Database.open(database("notifier").runtime_dsn, application_name="test")
    await gone.close()
    take = TakeStatuses(Letters(), Statuses(), Mover(letters=Letters(), clock=FixedClock()), FixedClock(), WAYS)
    async with serving(make_api(StatusPush(gone, take, "secret", lambda: None))) as address:
        url = f"{address}/beskedfordeler/modtag"
        headers = {"authorization": "Bearer secret"}
        async with office.session.post(url, data=status(uuid4()), headers=headers) as answer:
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_the_gateways_words_about_a_failure_are_kept_nowhere(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await office.push(status(asked.letter_id, FAILED))
    [row] = await office.rows("select * from letter_status")
    assert row["error_code"] == "recipient.deceased"
    assert "somebody" not in str(dict(row))
