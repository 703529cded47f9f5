"""One request, from its bytes to what the ledger holds of it and how it is answered.

Invariants: the recipient's number leaves this module only as the ledger's keyed hash; a letter, its statuses and the attempt are
written at once, before the answer; with `dedupes` an id is taken over once, without it as often as it is sent.
"""

import hashlib
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from plumbing.clock import Clock
from simulators.post_gateway.handed_in import Fault, HandedIn, Refused
from simulators.post_gateway.ledger import Attempt, Ledger, Letter, Status
from simulators.post_gateway.memo import read
from simulators.post_gateway.register import SERVICE_OF, Register
from simulators.post_gateway.statuses import DELIVERED, FAILED, PAPER, PRINTED, RECEIVED
from simulators.post_gateway.switches import Switch, Switchboard

GAP_SECONDS = 0.3
NOTHING_TAKEN_OVER = {"error500": 500, "error503": 503, "error429": 429, "refuse": 400, "down": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """How the request ended here; `http_status` None: no answer is given."""

    http_status: int | None
    transmission_id: UUID | None = None
    error_code: str | None = None
    error_text: str = ""
    is_accepted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """Takes over letters, or not."""

    ledger: Ledger
    register: Register
    clock: Clock
    switchboard: Switchboard
    dedupes: bool
    status_delay: float

    def take(self, body: bytes, transaction_id: str | None, switch: Switch) -> Taken:
        """Judge the request, write down what became of it, say how to answer."""
        digest = hashlib.sha256(body).hexdigest()
        try:
            letter = read(body)
        except Refused as refused:
            taken = Taken(http_status=400, error_code=refused.code, error_text=refused.text)
            self.ledger.record(self._attempt(None, digest, transaction_id, switch, taken))
            return taken
        taken = self._judge(letter, digest, switch)
        attempt = self._attempt(letter, digest, transaction_id, switch, taken)
        if taken.is_accepted and taken.transmission_id is not None:
            taken_over = self._letter(letter, digest, taken.transmission_id)
            self.ledger.record(attempt, taken_over, self._statuses(letter, taken.transmission_id))
        else:
            self.ledger.record(attempt)
        return taken

    def _judge(self, letter: HandedIn, digest: str, switch: Switch) -> Taken:
        if switch.mode in NOTHING_TAKEN_OVER:
            code = switch.error_code if switch.mode == "refuse" else f"gateway.{switch.mode}"
            return Taken(http_status=NOTHING_TAKEN_OVER[switch.mode], error_code=code)
        earlier = self.ledger.earlier(str(letter.message_uuid or letter.dispatch_id)) if self.dedupes else None
        if earlier is None:
            return Taken(http_status=200, transmission_id=uuid4(), is_accepted=True)
        transmission_id, first_digest = earlier
        code = "message.duplicate" if digest == first_digest else "message.conflict"
        return Taken(http_status=409, transmission_id=transmission_id, error_code=code)

    def _attempt(
        self, letter: HandedIn | None, digest: str, transaction_id: str | None, switch: Switch, taken: Taken
    ) -> Attempt:
        return Attempt(
            message_uuid=letter.message_uuid if letter else None,
            dispatch_id=letter.dispatch_id if letter else None,
            transaction_id=(transaction_id or "")[:64] or None,
            body_sha256=digest,
            recipient=self.ledger.hashed(letter.recipient) if letter else None,
            case_id=letter.case_id if letter else None,
            text_sha256=letter.text_sha256 if letter else None,
            switch=switch.mode,
            outcome=_outcome(taken),
            http_status=_answered(taken, switch),
        )

    def _letter(self, letter: HandedIn, digest: str, transmission_id: UUID) -> Letter:
        return Letter(
            transmission_id=transmission_id,
            message_uuid=letter.message_uuid,
            dispatch_id=letter.dispatch_id,
            body_sha256=digest,
            recipient=self.ledger.hashed(letter.recipient),
            case_id=letter.case_id,
            text_sha256=letter.text_sha256,
            channel=letter.choice,
            accepted_at=self.clock.now(),
        )

    def _statuses(self, letter: HandedIn, transmission_id: UUID) -> list[Status]:
        switch = self.switchboard.for_letter()
        due = time.time() + (switch.seconds if switch.mode == "late_status" else self.status_delay)
        return [
            Status(
                besked_id=uuid4(),
                transmission_id=transmission_id,
                message_uuid=letter.message_uuid,
                dispatch_id=letter.dispatch_id,
                channel=letter.choice,
                message_id=letter.message_id,
                status_code=code,
                error_code=fault.code if fault else None,
                error_text=fault.text if fault else None,
                at=self.clock.now(),
                due=due + nth * GAP_SECONDS,
                deliveries_wanted=2 if switch.mode == "status_twice" else 1,
            )
            for nth, (code, fault) in enumerate(_story(letter, letter.fault or self._absence(letter), switch))
        ]

    def _absence(self, letter: HandedIn) -> Fault | None:
        """Whoever is not in a service gets nothing by it; the code is ours."""
        service = SERVICE_OF.get(letter.choice)
        if service is None or self.register.has(letter.recipient, service):
            return None
        return Fault(code="recipient.exempt", text="the recipient is not in the service")


def _story(letter: HandedIn, fault: Fault | None, switch: Switch) -> list[tuple[str, Fault | None]]:
    """What is told of a letter, in order."""
    if fault is not None:
        return [(FAILED, fault)]
    proven: list[tuple[str, Fault | None]] = [
        (code, None) for code in (PRINTED if letter.choice == PAPER else (DELIVERED,))
    ]
    failed = (FAILED, Fault(code=switch.error_code, text="refused by the simulator's switch"))
    stories: dict[str, list[tuple[str, Fault | None]]] = {
        "fail_status": [failed],
        "contradict_status": [*proven, failed],
        "received_first": [(RECEIVED, None), *proven],
        "odd_status": [("Noget helt nyt", None)],
        "no_status": [],
    }
    return stories.get(switch.mode, proven)


def _outcome(taken: Taken) -> str:
    if taken.is_accepted:
        return "accepted"
    if taken.http_status == 409:
        return "duplicate" if taken.error_code == "message.duplicate" else "conflict"
    return "refused" if taken.http_status == 400 else "not-taken"


def _answered(taken: Taken, switch: Switch) -> int | None:
    if not taken.is_accepted:
        return taken.http_status
    return {"accept_then_500": 500, "accept_then_hang": None, "accept_then_drop": None}.get(
        switch.mode, taken.http_status
    )
