"""One request, from its bytes to what the ledger holds of it and how it is answered.

Invariants: the recipient's number leaves this module only as the ledger's keyed hash; a letter, its statuses and the attempt are
written at once, before the answer; with `dedupes` an id is taken over once, without it as often as it is sent.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from plumbing.clock import Clock
from simulators.post_gateway.handed_in import ABSENT, PAPER, Fault, HandedIn, Refused
from simulators.post_gateway.ledger import Attempt, Ledger, Letter, Status, TakenOver
from simulators.post_gateway.memo import read
from simulators.post_gateway.print_house import PrintHouse, Seen
from simulators.post_gateway.register import SERVICE_OF, Register
from simulators.post_gateway.statuses import DELIVERED, FAILED
from simulators.post_gateway.stories import Told, story
from simulators.post_gateway.switches import Switch, Switchboard

NOTHING_TAKEN_OVER = {"error500": 500, "error503": 503, "error429": 429, "refuse": 400, "down": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """How the request ended here; `http_status` None: no answer is given. `switch` is what it met."""

    http_status: int | None
    switch: Switch = field(default_factory=Switch)
    transmission_id: UUID | None = None
    error_code: str | None = None
    error_text: str = ""
    is_accepted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """Takes over letters, or not."""

    ledger: Ledger
    register: Register
    print_house: PrintHouse
    clock: Clock
    switchboard: Switchboard
    dedupes: bool
    status_delay: float

    async def take(self, body: bytes, transaction_id: str | None) -> Taken:
        """Judge the request, write down what became of it, say how to answer."""
        digest = hashlib.sha256(body).hexdigest()
        try:
            letter = read(body)
        except Refused as refused:
            switch = self.switchboard.for_request(None)
            taken = Taken(http_status=400, error_code=refused.code, error_text=refused.text, switch=switch)
            self.ledger.record(self._attempt(None, digest, transaction_id, taken))
            return taken
        # Looked at first: between the judgement and the ledger nothing else may come.
        seen = await self._seen(letter)
        taken = self._judge(letter, digest, self.switchboard.for_request(letter.choice))
        attempt = self._attempt(letter, digest, transaction_id, taken)
        if taken.is_accepted and taken.transmission_id is not None:
            self.ledger.record(attempt, self._taken_over(letter, seen, digest, taken.transmission_id))
        else:
            self.ledger.record(attempt)
        return taken

    async def _seen(self, letter: HandedIn) -> Seen:
        if letter.choice != PAPER or letter.fault is not None or letter.content.document is None:
            return Seen()
        return await self.print_house.look_at(letter.content.document)

    def _judge(self, letter: HandedIn, digest: str, switch: Switch) -> Taken:
        if switch.mode in NOTHING_TAKEN_OVER:
            code = switch.error_code if switch.mode == "refuse" else f"gateway.{switch.mode}"
            return Taken(http_status=NOTHING_TAKEN_OVER[switch.mode], error_code=code, switch=switch)
        earlier = self.ledger.earlier(str(letter.message_uuid or letter.dispatch_id)) if self.dedupes else None
        if earlier is None:
            return Taken(http_status=200, transmission_id=uuid4(), is_accepted=True, switch=switch)
        transmission_id, first_digest = earlier
        code = "message.duplicate" if digest == first_digest else "message.conflict"
        return Taken(http_status=409, transmission_id=transmission_id, error_code=code, switch=switch)

    def _attempt(self, letter: HandedIn | None, digest: str, transaction_id: str | None, taken: Taken) -> Attempt:
        return Attempt(
            message_uuid=letter.message_uuid if letter else None,
            dispatch_id=letter.dispatch_id if letter else None,
            transaction_id=(transaction_id or "")[:64] or None,
            body_sha256=digest,
            recipient=self.ledger.hashed(letter.recipient) if letter else None,
            case_id=letter.case_id if letter else None,
            text_sha256=letter.text_sha256 if letter else None,
            switch=taken.switch.mode,
            outcome=_outcome(taken),
            http_status=_answered(taken),
        )

    def _taken_over(self, letter: HandedIn, seen: Seen, digest: str, transmission_id: UUID) -> TakenOver:
        now = self.clock.now()
        told = Letter(
            transmission_id=transmission_id,
            message_uuid=letter.message_uuid,
            dispatch_id=letter.dispatch_id,
            body_sha256=digest,
            recipient=self.ledger.hashed(letter.recipient),
            case_id=letter.case_id,
            text_sha256=letter.text_sha256,
            channel=letter.choice,
            accepted_at=now,
        )
        return TakenOver(
            letter=told,
            statuses=list(self._statuses(letter, seen, transmission_id, now)),
            content=letter.content,
            addressee=self.ledger.hashed_name(seen.address[0]) if seen.address else None,
        )

    def _statuses(self, letter: HandedIn, seen: Seen, transmission_id: UUID, now: datetime) -> Iterator[Status]:
        switch = self.switchboard.for_letter(letter.choice)
        due = time.time() + (switch.seconds if switch.mode == "late_status" else self.status_delay)
        for nth, told in enumerate(self._story(letter, seen, switch, now)):
            due += told.pause if nth else 0.0
            strange = uuid4() if told.is_unmatched else None
            yield Status(
                besked_id=uuid4(),
                transmission_id=strange or transmission_id,
                message_uuid=(strange or letter.message_uuid) if letter.message_uuid else None,
                dispatch_id=str(strange or letter.dispatch_id) if letter.dispatch_id else None,
                channel=letter.choice,
                message_id=None if strange else letter.message_id,
                status_code=told.code,
                error_code=told.fault.code if told.fault else None,
                error_text=told.fault.text if told.fault else None,
                event_code=told.event_code,
                at=told.at,
                due=due,
                deliveries_wanted=2 if switch.mode == "status_twice" else 1,
            )

    def _story(self, letter: HandedIn, seen: Seen, switch: Switch, now: datetime) -> list[Told]:
        service = SERVICE_OF.get(letter.choice)
        is_absent = service is not None and not self.register.has(letter.recipient, service)
        if switch.mode == "exempt_between" and service is not None:
            self.ledger.set_exempt(letter.recipient, service, exempt=True)
        if (fault := letter.fault or (ABSENT if is_absent else None)) is not None:
            return [Told(code=FAILED, at=now, fault=fault)]
        if letter.dispatch_id is None:
            return story([Told(code=DELIVERED, at=now)], letter.choice, switch, now)
        refusal = seen.refusal
        if switch.mode == "print_refuses":
            refusal = Fault(code=switch.error_code, text="refused by the simulator's switch")
        life = self.print_house.life(letter.dispatch_id, now, refusal, is_returned=switch.mode == "returned")
        return story(life, letter.choice, switch, now)


def _outcome(taken: Taken) -> str:
    if taken.is_accepted:
        return "accepted"
    if taken.http_status == 409:
        return "duplicate" if taken.error_code == "message.duplicate" else "conflict"
    return "refused" if taken.http_status == 400 else "not-taken"


def _answered(taken: Taken) -> int | None:
    if not taken.is_accepted:
        return taken.http_status
    return {"accept_then_500": 500, "accept_then_hang": None, "accept_then_drop": None}.get(
        taken.switch.mode, taken.http_status
    )
