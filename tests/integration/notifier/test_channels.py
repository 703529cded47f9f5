"""By which channel a letter goes: chosen by the register, changed only after a definitive failure, proven by each channel's own
status (M1, M3, T2; F029, F131, F132)."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from contracts.letter.v1 import LetterRequested
from plumbing import faults, ids, jobs
from plumbing.errors import Unavailable
from plumbing.postgres import Database
from services.notifier import app, commands
from services.notifier.domain import Channel, Heard, LetterName, LetterState, NoRecipient
from services.notifier.gateways import PostGateway
from services.notifier.store import Gates, Letters, Statuses
from services.notifier.usecases import QUEUE, SendAgain
from services.notifier.usecases.move import Mover
from simulators.post_gateway.ledger import Status
from simulators.post_gateway.statuses import DELIVERED, FAILED, push_body
from tests.integration.notifier.post_office import ADDRESS, CPR, FixedClock, PostOffice, letter, open_post_office

pytestmark = pytest.mark.rule("M1", "M3")

LATER = datetime(2026, 11, 30, 8, tzinfo=UTC)
POSTED = "Modtaget Post Danmark"


@pytest.fixture
async def office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with open_post_office(notifier_database, tmp_path) as opened:
        yield opened


async def exempt(office: PostOffice) -> None:
    wish = {"number": CPR, "exempt": True}
    async with office.session.post(f"{office.gateway_url}/_sim/exemptions", json=wish) as answer:
        assert answer.status == 200


def pushed(code: str, about: str, *, error: str | None = None, paper: bool = False, at: datetime = LATER) -> bytes:
    return push_body(
        Status(
            besked_id=uuid4(),
            transmission_id=uuid4(),
            message_uuid=None if paper else UUID(about),
            dispatch_id=about if paper else None,
            channel="Fysisk Post" if paper else "Digital Post",
            message_id=None,
            status_code=code,
            error_code=error,
            error_text=None,
            at=at,
            due=0.0,
        )
    )


async def test_who_is_registered_gets_digital_post_and_what_the_register_said_is_kept(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    [row] = await office.rows("select channel, proof_channel, gateway_id from letter")
    assert tuple(row) == ("digital_post", "digital_post", str(asked.letter_id))
    [found] = await office.rows("select registered, letter_id from letter_lookup")
    assert tuple(found) == (True, asked.letter_id)
    [(_, event)] = await office.events()
    assert event["channel"] == Channel.DIGITAL_POST


async def test_who_is_not_gets_paper_once_proven_by_posting(office: PostOffice) -> None:
    await exempt(office)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    [sent] = (await office.ledger())["letters"]
    assert sent["channel"] == "Fysisk Post"
    assert sent["dispatch_id"] == str(ids.derive(asked.letter_id, 1, "sending", 1))
    [(outcome, event)] = await office.events()
    assert (outcome, event["channel"], event["proof"]["status_code"]) == ("dispatched", Channel.PAPER, POSTED)
    assert [row["registered"] for row in await office.rows("select registered from letter_lookup")] == [False]


async def test_a_message_that_failed_goes_on_paper_and_each_sending_keeps_its_bytes(office: PostOffice) -> None:
    """The register says yes, and the gateway no: whoever became exempt in between (F131)."""
    await office.switch(mode="fail_status", error_code="recipient.exempt", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    ledger = await office.ledger()
    assert [sent["channel"] for sent in ledger["letters"]] == ["Digital Post", "Fysisk Post"]
    assert ledger["delivered_twice"] == []
    requests = await office.rows("select sending, channel from letter_request order by sending")
    assert [tuple(row) for row in requests] == [(1, "digital_post"), (2, "paper")]
    [past] = await office.rows("select sending, channel, gateway_id, code, dispatched_at from letter_past_sending")
    assert tuple(past) == (1, "digital_post", str(asked.letter_id), "recipient.exempt", None)
    assert [(outcome, event["channel"]) for outcome, event in await office.events()] == [("dispatched", Channel.PAPER)]
    assert len(await office.rows("select 1 from letter_lookup")) == 1
    assert await office.rows("select 1 from audit_entry where action = 'letter.sending_failed'")


async def until_taken_over(office: PostOffice) -> None:
    async def is_there() -> bool:
        return bool((await office.ledger())["letters"])

    await office.until(is_there)


async def test_a_refusal_over_http_leads_to_paper_too(office: PostOffice) -> None:
    await office.switch(mode="refuse", error_code="recipient.exempt", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Fysisk Post"]


async def test_a_refusal_of_a_repeated_call_says_nothing_about_the_call_before(office: PostOffice) -> None:
    """The first may have been taken over: paper now would be a second letter (L2, F132)."""
    await office.switch(mode="accept_then_hang", number=1)
    await office.switch(mode="no_status", number=1)
    asked = letter()
    await office.ask_for(asked)
    await until_taken_over(office)
    await office.switch(mode="refuse", error_code="recipient.exempt", number=1)
    await office.until_state(asked, "in_doubt")
    await office.until_idle()
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Digital Post"]
    await office.push(pushed(DELIVERED, str(asked.letter_id)))
    assert await office.state(asked) == "dispatched"


@pytest.mark.parametrize("how", ["the attempt failed", "the process ended", "the process ended and the vault was away"])
async def test_a_refusal_says_nothing_either_where_nobody_said_how_the_call_before_ended(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    point = "notifier.after_call" if how == "the attempt failed" else "jobs.before_result_commit"
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1"))
    monkeypatch.setattr(faults, "_passed", Counter())
    if how.endswith("away"):
        key, away = office.people.key, Unavailable("citizens")

        async def once_away(_citizen_id: UUID) -> bytes | NoRecipient:
            monkeypatch.setattr(office.people, "key", key)
            raise away

        monkeypatch.setattr(office.people, "key", once_away)
    await office.switch(mode="no_status", number=1)
    asked = letter()
    await office.ask_for(asked)
    await until_taken_over(office)
    await office.switch(mode="refuse", error_code="recipient.exempt", number=1)
    await office.until_state(asked, "in_doubt")
    await office.until_idle()
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Digital Post"]


async def test_a_refusal_after_calls_that_certainly_did_nothing_leads_to_paper(office: PostOffice) -> None:
    await office.switch(mode="error503", retry_after=0)
    asked = letter()
    await office.ask_for(asked)

    async def tried() -> bool:
        return len((await office.ledger())["attempts"]) >= 2

    await office.until(tried)
    await office.switch(mode="refuse", error_code="recipient.exempt", number=1)
    await office.until_state(asked, "dispatched")
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Fysisk Post"]


async def test_no_time_out_and_no_fault_of_the_gateway_leads_to_paper(
    notifier_database: Database, tmp_path: Path
) -> None:
    async with open_post_office(notifier_database, tmp_path, overdue_seconds=0.2) as office:
        await office.switch(mode="no_status")
        asked = letter()
        await office.ask_for(asked)
        await office.until_state(asked, "handed_over")

        async def surfaced() -> bool:
            async with office.database.transaction() as connection:
                await office.surface(connection)
            return await office.state(asked) == "unknown"

        await office.until(surfaced)
        await office.until_idle()
        assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Digital Post"]
        assert await office.rows("select 1 from letter_past_sending") == []


@pytest.mark.parametrize(
    "mode", ["lookup_error500", "lookup_error503", "lookup_error429", "lookup_html", "lookup_down"]
)
async def test_a_register_that_does_not_answer_decides_nothing(office: PostOffice, mode: str) -> None:
    await exempt(office)
    await office.switch(mode=mode, number=2)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Fysisk Post"]


async def test_an_answer_of_the_register_that_is_in_no_table_makes_somebody_look(office: PostOffice) -> None:
    await office.switch(mode="lookup_refuse", number=1)
    asked = letter()
    await office.ask_for(asked)

    async def parked() -> bool:
        return bool(await office.rows("select 1 from job where state = 'parked' and reason like 'odd-register-%'"))

    await office.until(parked)
    assert (await office.ledger())["letters"] == []


async def test_who_becomes_exempt_between_two_tries_is_not_written_to_twice(office: PostOffice) -> None:
    """F132: the first try is cleared up first; nobody looks again while a sending is under way."""
    await office.switch(mode="accept_then_500", number=2)
    asked = letter()
    await office.ask_for(asked)

    async def called() -> bool:
        return bool((await office.ledger())["attempts"])

    await office.until(called)
    await exempt(office)
    await office.until_state(asked, "dispatched")
    ledger = await office.ledger()
    assert {sent["channel"] for sent in ledger["letters"]} == {"Digital Post"}
    assert len(await office.rows("select 1 from letter_lookup")) == 1


async def test_without_an_address_a_letter_on_paper_is_surfaced(office: PostOffice) -> None:
    office.people.address = None
    await exempt(office)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "failed")
    [(outcome, event)] = await office.events()
    assert (outcome, event["reason"]) == ("failed", "address.missing")
    assert (await office.ledger())["attempts"] == []


async def test_a_delivery_that_is_told_after_the_failure_spares_the_paper(
    notifier_database: Database, tmp_path: Path
) -> None:
    """F134, while the letter waits to go on paper."""
    async with open_post_office(notifier_database, tmp_path, pause_seconds=30.0) as office:
        await office.switch(mode="fail_status", error_code="recipient.exempt", number=1)
        asked = letter()
        await office.ask_for(asked)

        async def planned() -> bool:
            return bool(await office.rows("select 1 from letter where state = 'requested' and sending = 2"))

        await office.until(planned)
        assert await office.push(pushed(DELIVERED, str(asked.letter_id))) == 200
        assert await office.state(asked) == "dispatched"
        [(outcome, event)] = await office.events()
        assert (outcome, event["channel"]) == ("dispatched", Channel.DIGITAL_POST)
        [status] = await office.rows("select hearing from letter_status where hearing = 'contradiction'")
        assert status["hearing"] == "contradiction"
        await office.rows("update job set available_at = clock_timestamp() returning 1")
        office.worker.wake()
        await office.until_idle()
        assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Digital Post"]


async def test_a_delivery_told_once_paper_is_under_way_is_kept_and_saves_the_letter(office: PostOffice) -> None:
    await office.switch(mode="no_status")
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await office.push(pushed(FAILED, str(asked.letter_id), error="recipient.exempt"))

    async def on_paper() -> bool:
        return bool(await office.rows("select 1 from letter where state = 'handed_over' and sending = 2"))

    await office.until(on_paper)
    await office.push(pushed(DELIVERED, str(asked.letter_id)))
    assert await office.state(asked) == "handed_over"
    [row] = await office.rows("select gateway_id from letter")
    await office.push(pushed(FAILED, row["gateway_id"], error="forsendelse.invalid", paper=True))
    assert await office.state(asked) == "dispatched"
    [(outcome, event)] = await office.events()
    assert (outcome, event["channel"]) == ("dispatched", Channel.DIGITAL_POST)


async def test_what_is_told_of_paper_is_matched_by_its_dispatch_id(office: PostOffice) -> None:
    await exempt(office)
    await office.switch(mode="no_status")
    first, second = letter(), letter()
    await office.ask_for(first, second)
    for one in (first, second):
        await office.until_state(one, "handed_over")
    about = str(ids.derive(second.letter_id, 1, "sending", 1))
    assert await office.push(pushed(POSTED, about, paper=True)) == 200
    assert (await office.state(first), await office.state(second)) == ("handed_over", "dispatched")


async def test_an_answer_that_is_written_late_says_nothing_about_the_sending_after(office: PostOffice) -> None:
    """The gateway tells of the failure before it answers the call."""
    await office.switch(mode="slow", seconds=0.5, number=1)
    await office.switch(mode="no_status", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "prepared")
    await office.push(pushed(FAILED, str(asked.letter_id), error="recipient.exempt"))
    await office.until_idle()
    rows = await office.rows("select sending, channel from letter")
    assert [tuple(row) for row in rows] == [(2, "paper")]
    await office.until_state(asked, "dispatched")


async def test_nothing_of_an_address_is_kept_in_the_open(office: PostOffice) -> None:
    await exempt(office)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    for table in ("letter", "letter_status", "letter_lookup", "job", "outbox", "audit_entry"):
        told = json.dumps([dict(row) for row in await office.rows(f"select * from {table}")], default=repr)  # noqa: S608
        assert "Æblehaven" not in told
        assert CPR not in told


async def test_somebody_on_duty_sends_a_surfaced_letter_after_all(
    office: PostOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    async def typed(*arguments: str) -> tuple[int, str]:
        move = Mover(letters=Letters(), clock=FixedClock())
        send_again = SendAgain(office.database, Letters(), Statuses(), move, FixedClock())
        capsys.readouterr()  # what was logged
        code = await commands.letters(office.database, Letters(), Statuses(), send_again, arguments)
        return code, capsys.readouterr().out

    await exempt(office)
    office.people.address = None
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "failed")
    code, listed = await typed("list", "failed")
    assert (code, json.loads(listed)["failure"]) == (0, "address.missing")
    for state in set(LetterState) - {LetterState.FAILED}:
        assert await typed("list", state) == (0, "")
    named = str(asked.letter_id), "1"
    office.people.address = ADDRESS
    assert await typed("again", *named, "paper", "--by", "anna") == (0, "on its way\n")
    assert (await typed("again", *named, "paper", "--by", "anna"))[0] == 1
    office.worker.wake()
    await office.until_state(asked, "dispatched")
    [entry] = await office.rows("select actor from audit_entry where action = 'letter.sent_again'")
    assert entry["actor"] == "person:anna"
    for wrong in (
        ("list", "lost"),
        ("again", *named, "pigeon", "--by", "anna"),
        ("again", "x", "1", "paper", "--by", "a"),
        ("again", *named, "paper", "--by", "0101901234"),
        (),
    ):
        assert (await typed(*wrong))[0] == 2


async def test_who_may_not_send_a_letter_again_leaves_its_job_where_it_was(office: PostOffice) -> None:
    await office.switch(mode="refuse", error_code="never.seen", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_idle()
    assert not await sender_again(office)(LetterName(asked.letter_id, 1), Channel.PAPER, "person:anna")
    assert [tuple(row) for row in await office.rows("select state, reason from job")] == [("parked", "odd-answer-400")]


@pytest.mark.parametrize("is_released", [True, False])
async def test_a_letter_whose_job_is_being_tried_is_not_sent_again_beside_it(
    notifier_database: Database, tmp_path: Path, is_released: bool
) -> None:
    """A release and `letters again`, by two people: two letters, were both done."""
    async with open_post_office(notifier_database, tmp_path, attempts=2) as office:
        await office.switch(mode="error500", number=2)
        asked = letter()
        await office.ask_for(asked)
        await office.until_state(asked, "unknown")
        await office.until_idle()
        if is_released:
            await office.switch(mode="slow", number=1, seconds=0.7)
            async with office.database.transaction() as connection:
                [job] = await jobs.parked(connection, QUEUE)
                await jobs.release(connection, QUEUE, [job.job_id])
            office.worker.wake()
        again = SendAgain(
            office.database, Letters(), Statuses(), Mover(letters=Letters(), clock=FixedClock()), FixedClock()
        )
        done = await again(LetterName(letter_id=asked.letter_id, version=1), Channel.PAPER, "person:anna")
        assert done is not is_released
        office.worker.wake()
        await office.until_state(asked, "dispatched")
        await office.until_idle()
        channel = "Digital Post" if is_released else "Fysisk Post"
        assert [sent["channel"] for sent in (await office.ledger())["letters"]] == [channel]
        assert await office.rows("select 1 from job") == []


async def test_an_answer_without_a_code_may_hide_that_the_letter_was_taken(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = PostGateway.send

    async def odd(self: PostGateway, request: bytes, *, transaction_id: UUID) -> Heard:
        monkeypatch.setattr(PostGateway, "send", send)
        await send(self, request, transaction_id=transaction_id)
        return Heard(http_status=409)

    monkeypatch.setattr(PostGateway, "send", odd)
    await office.switch(mode="no_status", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_idle()
    async with office.database.transaction() as connection:
        [job] = await jobs.parked(connection, QUEUE)
        assert job.reason == "odd-answer-409"
        await jobs.release(connection, QUEUE, [job.job_id])
    await office.switch(mode="refuse", error_code="recipient.exempt", number=1)
    office.worker.wake()
    await office.until_state(asked, "in_doubt")
    assert [sent["channel"] for sent in (await office.ledger())["letters"]] == ["Digital Post"]


async def paper_after_failure(office: PostOffice) -> tuple[LetterRequested, str]:
    """A letter of which Digital Post failed and paper is under way, and the paper's id."""
    await office.switch(mode="no_status")
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await office.push(pushed(FAILED, str(asked.letter_id), error="recipient.exempt"))

    async def on_paper() -> bool:
        return bool(await office.rows("select 1 from letter where state = 'handed_over' and sending = 2"))

    await office.until(on_paper)
    [row] = await office.rows("select gateway_id from letter")
    return asked, str(row["gateway_id"])


async def surface_as(office: PostOffice, asked: LetterRequested, state: str) -> None:
    async def surfaced() -> bool:
        async with office.database.transaction() as connection:
            await office.surface(connection)
        return await office.state(asked) == state

    await office.until(surfaced)


def sender_again(office: PostOffice) -> SendAgain:
    return SendAgain(office.database, Letters(), Statuses(), Mover(letters=Letters(), clock=FixedClock()), FixedClock())


@pytest.mark.parametrize("paper", ["is not heard of", "fails"])
@pytest.mark.parametrize("is_told_first", [True, False])
@pytest.mark.rule("T2")
async def test_a_proof_of_the_sending_before_starts_the_clock_and_nothing_is_sent_again(
    office: PostOffice, paper: str, is_told_first: bool
) -> None:
    asked, about_paper = await paper_after_failure(office)
    if is_told_first:
        await office.push(pushed(DELIVERED, str(asked.letter_id)))
        assert await office.state(asked) == "handed_over"
    if paper == "fails":
        await office.push(pushed(FAILED, about_paper, error="forsendelse.invalid", paper=True))
    else:
        await surface_as(office, asked, "dispatched" if is_told_first else "unknown")
    if not is_told_first:
        await office.push(pushed(DELIVERED, str(asked.letter_id)))
    assert await office.state(asked) == "dispatched"
    events = await office.events()
    assert [outcome for outcome, _ in events] == ["dispatched"] if is_told_first else ["failed", "dispatched"]
    assert (events[-1][1]["channel"], events[-1][1]["proof"]["status_code"]) == (Channel.DIGITAL_POST, DELIVERED)
    assert await office.rows("select 1 from audit_entry where action = 'status.contradiction'")
    assert not await sender_again(office)(LetterName(asked.letter_id, 1), Channel.PAPER, "person:anna")
    await office.until_idle()
    assert len((await office.ledger())["letters"]) == 2


@pytest.mark.rule("T2")
async def test_paper_that_is_proven_after_the_sending_before_had_to_do_is_told_too(office: PostOffice) -> None:
    """Of two proofs the later deadline stays (M3)."""
    asked, about_paper = await paper_after_failure(office)
    await office.push(pushed(DELIVERED, str(asked.letter_id)))
    await surface_as(office, asked, "dispatched")
    for _ in range(2):
        await office.push(pushed(POSTED, about_paper, paper=True, at=LATER + timedelta(days=9)))
    told = [(event["channel"], event["dispatched_at"]) for _, event in await office.events()]
    assert told == [("digital_post", "2026-11-30T08:00:00Z"), ("paper", "2026-12-09T08:00:00Z")]
    [row] = await office.rows("select state, proof_channel, failure from letter")
    assert tuple(row) == ("dispatched", "paper", None)
    assert len({one["id"] for one in await office.rows("select id from outbox")}) == 2


@pytest.mark.parametrize("state", ["failed", "unknown"])
async def test_what_a_status_alone_proves_is_shown_and_not_sent_again(
    office: PostOffice, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    """A proof that moved nothing when it came: kept by a version before this one."""
    await office.switch(mode="no_status")
    asked, other = letter(), letter()
    await office.ask_for(asked, other)
    for one in (asked, other):
        await office.until_state(one, "handed_over")
        await office.push(pushed(FAILED, str(one.letter_id), error="recipient.unknown"))
    await office.push(pushed(DELIVERED, str(asked.letter_id)))
    await office.rows(
        """update letter set state = $1, failure = case $1 when 'failed' then 'recipient.unknown' end, proof_channel = null,
                             transmission_id = null, status_code = null, dispatched_at = null returning 1""",
        state,
    )
    capsys.readouterr()  # what was logged

    async def typed(*arguments: str) -> tuple[int, str]:
        code = await commands.letters(office.database, Letters(), Statuses(), sender_again(office), arguments)
        return code, capsys.readouterr().out

    code, listed = await typed("list", state)
    told = {one["letter_id"]: one["is_proven"] for one in map(json.loads, listed.splitlines())}
    assert (code, told) == (0, {str(asked.letter_id): True, str(other.letter_id): False})
    code, said = await typed("again", str(asked.letter_id), "1", "paper", "--by", "anna")
    assert (code, "no proof is known" in said) == (1, True)
    assert (await typed("again", str(other.letter_id), "1", "paper", "--by", "anna"))[0] == 0
    assert await office.state(asked) == state


async def test_letters_that_failed_or_are_unknown_are_shown_by_a_process_that_has_just_begun(
    office: PostOffice,
) -> None:
    """What its counters no longer tell, the database does."""
    await office.switch(mode="no_status")
    asked = [letter() for _ in range(3)]
    await office.ask_for(*asked)
    for one in asked:
        await office.until_state(one, "handed_over")
    await office.push(pushed(FAILED, str(asked[0].letter_id), error="recipient.unknown"))
    await surface_as(office, asked[1], "unknown")
    await office.push(pushed(DELIVERED, str(asked[2].letter_id)))
    showing = asyncio.create_task(app._gauges(office.database, Letters(), Gates()))

    async def shown() -> bool:
        failed = REGISTRY.get_sample_value("mitsyg_letters_in_vain", {"state": "failed"})
        returned = REGISTRY.get_sample_value("mitsyg_letters_in_vain", {"state": "returned"})
        unknown = REGISTRY.get_sample_value("mitsyg_letters_open", {"state": "unknown"})
        return (failed, returned, unknown) == (1, 0, 1)

    await office.until(shown)
    showing.cancel()


async def test_an_unknown_letter_is_sent_again_under_an_id_of_its_own(
    notifier_database: Database, tmp_path: Path
) -> None:
    async with open_post_office(notifier_database, tmp_path, dedupes=False, overdue_seconds=0.1) as office:
        await office.switch(mode="down", number=1)
        asked = letter()
        await office.ask_for(asked)

        async def surfaced() -> bool:
            async with office.database.transaction() as connection:
                await office.surface(connection)
            return await office.state(asked) == "unknown"

        await office.until(surfaced)
        send_again = SendAgain(
            office.database, Letters(), Statuses(), Mover(letters=Letters(), clock=FixedClock()), FixedClock()
        )
        assert await send_again(LetterName(letter_id=asked.letter_id, version=1), Channel.PAPER, "person:anna")
        office.worker.wake()
        await office.until_state(asked, "dispatched")
        [past] = await office.rows("select gateway_id, code from letter_past_sending")
        assert tuple(past) == (str(asked.letter_id), "by-command")
        assert [outcome for outcome, _ in await office.events()] == ["failed", "dispatched"]
