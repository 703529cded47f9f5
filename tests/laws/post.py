"""Ways a letter may go, for the first letter of a small world: what the gateway has in its ledger, what the notifier keeps, what
the world is told.

Each leaves a world in which every law holds, whatever the gateway says.
"""

import json
from datetime import date, datetime
from typing import Any

from laws import names
from plumbing import ids
from tests.laws.world import PROVEN_AT, Row, World, event_record, good_world, hand_in, seal, status, uid

LETTER, ABSENCE = uid("letter", 0), uid("absence", 0)
FAILED, POSTED, DELIVERED = "Fejlet", "Modtaget Post Danmark", "Afleveret Digital Post"
RETURN_CODE = "RETUR"


def derived(number: int) -> str:
    """The id of the letter's sending, as the services derive it."""
    return str(ids.derive(LETTER, 1, "sending", number))


PAPER_FIRST, SECOND = derived(1), derived(2)


def on_paper() -> World:
    """The register did not know the citizen: paper from the beginning."""
    world = unsent_world()
    call_for(world, PAPER_FIRST, 1, is_paper=True)
    for code in ("Afsendt", "Modtaget Fjern-print", POSTED):
        tell(world, PAPER_FIRST, code, is_paper=True)
    proven(world, PAPER_FIRST, "paper")
    return world


def fallen_back() -> World:
    """Digital Post failed, paper went out."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    fail(world)
    call_for(world, SECOND, 2, is_paper=True)
    tell(world, SECOND, POSTED, is_paper=True)
    proven(world, SECOND, "paper")
    return world


def refused() -> World:
    """As that, but refused at once."""
    world = unsent_world()
    call_for(world, LETTER, 1, outcome="refused")
    ended(world, 1, LETTER)
    call_for(world, SECOND, 2, is_paper=True)
    tell(world, SECOND, POSTED, is_paper=True)
    proven(world, SECOND, "paper")
    return world


def refused_too_late() -> World:
    """What was taken over is refused when it is called for again, and then proven."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    call_for(world, LETTER, 1, outcome="refused")
    tell(world, LETTER, DELIVERED)
    proven(world, LETTER, "digital_post")
    return world


def by_hand() -> World:
    """Nobody knew what became of it; somebody made sure that it did not go out, and sent it on paper."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    unknown = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "reason": "outcome-unknown"}
    world.tell(names.LETTER, uid("unknown"), names.LETTER_FAILED, unknown)
    ended(world, 1, LETTER)
    world.audit("notifier", "letter.sent_again", "letter", f"{LETTER}/1")
    world.table("notifier", "audit_entry")[-1]["actor"] = "person:ops"
    seal(world)
    call_for(world, SECOND, 2, is_paper=True)
    tell(world, SECOND, POSTED, is_paper=True)
    proven(world, SECOND, "paper")
    return world


def once_more() -> World:
    """Digital Post failed by a code that bids try again: the same words under another id."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    fail(world)
    call_for(world, SECOND, 2)
    tell(world, SECOND, DELIVERED)
    proven(world, SECOND, "digital_post")
    return world


def brought_back() -> World:
    """Posted on paper, and the post brought it back."""
    world = on_paper()
    tell(world, PAPER_FIRST, names.POST_UPDATE, is_paper=True, event_code=RETURN_CODE)
    row(world)["state"] = "returned"
    world.audit("notifier", "letter.returned", "letter", f"{LETTER}/1")
    told = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "channel": "paper"}
    world.tell(names.LETTER, uid("returned"), names.LETTER_RETURNED, told)
    seal(world)
    return world


def brought_back_unagreed() -> World:
    """The same where it was not agreed what the post calls that."""
    world = on_paper()
    tell(world, PAPER_FIRST, names.POST_UPDATE, is_paper=True, event_code=RETURN_CODE, hearing="unknown_code")
    return world


def brought_back_early() -> World:
    """It is heard that the letter came back before it is heard that it went out."""
    world = unsent_world()
    call_for(world, PAPER_FIRST, 1, is_paper=True)
    tell(world, PAPER_FIRST, names.POST_UPDATE, is_paper=True, event_code=RETURN_CODE, hearing="contradiction")
    tell(world, PAPER_FIRST, POSTED, is_paper=True)
    proven(world, PAPER_FIRST, "paper")
    return world


def delivered_after_failed() -> World:
    """The gateway takes back that it failed: people were told so, and then that it went out after all."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    tell(world, LETTER, FAILED)
    failure = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "reason": "recipient.unknown"}
    world.tell(names.LETTER, uid("failed"), names.LETTER_FAILED, failure)
    world.audit("notifier", "letter.failed", "letter", f"{LETTER}/1")
    tell(world, LETTER, DELIVERED, hearing="contradiction")
    proven(world, LETTER, "digital_post")
    return world


def failed_after_delivered() -> World:
    """The gateway takes back that it was delivered: nothing moves."""
    world = good_world()
    tell(world, LETTER, FAILED, hearing="contradiction")
    return world


def delivered_twice_by_its_own_word(at: str = PROVEN_AT) -> World:
    """The gateway takes back that Digital Post failed once paper is under way."""
    world = fallen_back()
    tell(world, LETTER, DELIVERED, at=at, hearing="contradiction")
    return world


def proven_by_both() -> World:
    """As that, and paper is proven only after Digital Post had to do for the proof: both are told."""
    world = delivered_twice_by_its_own_word()
    second = json.loads(world.log[names.LETTER][0].value or b"")
    proof = {**second["proof"], "transmission_id": uid("transmission", LETTER)}
    world.tell(
        names.LETTER, uid("first"), names.LETTER_DISPATCHED, {**second, "channel": "digital_post", "proof": proof}
    )
    return world


def failed() -> World:
    """Nobody can be reached, says the gateway."""
    world = unsent_world()
    call_for(world, LETTER, 1)
    tell(world, LETTER, FAILED)
    surfaced(world, "recipient.unknown")
    return world


def of_nobody() -> World:
    """The gateway proves a letter that nobody handed in."""
    world = good_world()
    tell(world, uid("nobody"), DELIVERED, hearing="unmatched")
    return world


WAYS = (
    on_paper,
    fallen_back,
    refused,
    refused_too_late,
    by_hand,
    once_more,
    brought_back,
    brought_back_unagreed,
    brought_back_early,
    delivered_after_failed,
    failed_after_delivered,
    delivered_twice_by_its_own_word,
    proven_by_both,
    failed,
    of_nobody,
)


# what they are made of -------------------------------------------------------------------------------------------------------


def unsent_world() -> World:
    """A good world, but for the first letter nothing was done yet; its dispatch is told, which has to be put right."""
    world = good_world()
    ledger = world.gateway
    told = {one["besked_id"] for one in ledger["status_messages"] if one["message_uuid"] == LETTER}
    for name in ("attempts", "letters", "status_messages"):
        ledger[name] = [one for one in ledger[name] if one["message_uuid"] != LETTER]
    kept = world.table("notifier", "letter_status")
    kept[:] = [one for one in kept if one["besked_id"] not in told]
    return world


def row(world: World) -> Row:
    return next(one for one in world.table("notifier", "letter") if one["letter_id"] == LETTER)


def call_for(world: World, known_as: str, number: int, *, is_paper: bool = False, outcome: str = "accepted") -> None:
    row(world).update(sending=number, gateway_id=known_as)
    hand_in(world, known_as, None if is_paper else ABSENCE, outcome=outcome)


def tell(world: World, known_as: str, code: str, *, hearing: str = "applied", **told: Any) -> None:
    status(world, known_as, code, hearing=hearing, **told)
    if hearing == "unmatched":
        return
    world.table("notifier", "letter_status")[-1].update(letter_id=LETTER, version=1)
    if hearing != "applied":
        world.audit("notifier", f"status.{hearing}", "letter", f"{LETTER}/1")
        seal(world)


def fail(world: World) -> None:
    """The first sending failed, and another is to follow."""
    tell(world, LETTER, FAILED)
    ended(world, 1, LETTER)


def ended(world: World, number: int, known_as: str) -> None:
    past = {"letter_id": LETTER, "version": 1, "sending": number, "gateway_id": known_as, "code": "recipient.exempt"}
    world.table("notifier", "letter_past_sending").append(past)
    world.audit("notifier", "letter.sending_failed", "letter", f"{LETTER}/1")
    seal(world)


def proven(world: World, known_as: str, channel: str) -> None:
    proof = {"transmission_id": uid("transmission", known_as), "status_at": PROVEN_AT}
    retell(world, names.LETTER, 0, names.LETTER_DISPATCHED, channel=channel, proof=proof)


def surfaced(world: World, reason: str) -> None:
    """Told as failed in place of dispatched: nothing is known of a deadline."""
    row(world).update(state="failed", dispatched_at=None)
    retell(world, names.LETTER, 0, names.LETTER_FAILED, reason=reason)
    entries = world.table("notifier", "audit_entry")
    next(one for one in entries if one["object_id"] == f"{LETTER}/1").update(action="letter.failed")
    for table, column in (("letter", "letter_id"), ("task", "letter_id")):
        for one in world.table("tasks", table):
            if one[column] == LETTER:
                one.update(day_zero=None, deadline_day=None)
                one.update({"deadline_at": None} if table == "task" else {"state": "failed"})
    tasks = {one["task_id"] for one in world.table("tasks", "task") if one["letter_id"] == LETTER}
    trail = world.table("tasks", "audit_entry")
    trail[:] = [one for one in trail if one["action"] != "task.deadline_set" or one["object_id"] not in tasks]
    log = world.log[names.TASK]
    log[:] = [
        one
        for one in log
        if dict(one.headers)["ce_type"] != names.TASK_DEADLINE_SET.encode()
        or json.loads(one.value or b"")["task_id"] not in tasks
    ]
    seal(world)


def retell(world: World, topic: str, place: int, event_type: str, **changes: Any) -> None:
    """Another event in the place of one that stands in the log, and settled where that was."""
    old = world.log[topic][place]
    data = {**json.loads(old.value or b""), **changes}
    event_id = (dict(old.headers)["ce_id"] or b"").decode()
    told = event_record(topic, old.offset, event_id, event_type, data)
    world.log[topic][place] = told
    for service in names.SERVICES:
        for one in world.table(service, "inbox_record"):
            if (one["topic"], one["offset"], one["fingerprint"]) == (topic, old.offset, old.fingerprint):
                one["fingerprint"] = told.fingerprint


def to_another_day(world: World, day_zero: date, deadline_day: date, deadline_at: datetime) -> None:
    """The letter's clock runs from that day."""
    for table in ("letter", "task"):
        for one in world.table("tasks", table):
            if one["letter_id"] == LETTER:
                one.update(day_zero=day_zero, deadline_day=deadline_day)
                one.update({"deadline_at": deadline_at} if table == "task" else {})
