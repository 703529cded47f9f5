"""Steps of letters, written whole: the new state, the audit entry, and the event where somebody has to hear of it.

Invariants: state, entry and event of a step are one transaction, under the letter's lock, and so is the job of the next sending
where one begins; the event's id is derived from letter and outcome, so the same outcome told twice is one event. Two dispatches
are told of a letter only where two of its sendings are proven, the second for a later instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from prometheus_client import Counter

from contracts.events import encode
from contracts.letter.v1 import DispatchProof, LetterDispatched, LetterFailed, LetterReturned
from plumbing import audit, ids, jobs, outbox
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.faults import faultpoint
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection
from services.notifier import domain
from services.notifier.domain import Channel, Letter, LetterState, stays_open
from services.notifier.usecases.letter_jobs import job_of

ACTOR: Final = "service:notifier"
PURPOSE: Final = "case-handling"
OUTCOME_UNKNOWN: Final = "outcome-unknown"

MOVED: Final = Counter("mitsyg_letters_moved", "Letters that came to a state.", ("state",))
FALLEN_BACK: Final = Counter(
    "mitsyg_letter_sendings_failed", "Sendings that definitively failed and were followed by another.", ("channel",)
)
# What begins with a one shows no increase, and raises no alarm.
_MOVED_TO: Final = {state: MOVED.labels(state.value) for state in LetterState}
for _channel in Channel:
    FALLEN_BACK.labels(_channel.value)


class Move(NamedTuple):
    """A letter as it was found, locked, and as it is to be."""

    before: Letter
    after: Letter


class Letters(Protocol):
    """Where letters' states are kept."""

    async def save(self, connection: Connection, letters: Sequence[Letter]) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Mover:
    """Writes steps.

    `pause_seconds`: how long a sending waits that follows a failed one, for the gateway to contradict itself.
    """

    letters: Letters
    clock: Clock
    pause_seconds: float = 0.0

    async def __call__(self, connection: Connection, moves: Sequence[Move]) -> None:
        """Write the steps, those of one letter one after the other; nothing where nothing changes."""
        steps = [move for move in moves if move.after != move.before]
        if not steps:
            return
        now = self.clock.now()
        last = {move.after.request.name: move.after for move in steps}
        await self.letters.save(connection, list(last.values()))
        await audit.put(connection, [entry(after, _action(before, after), now) for before, after in steps])
        further = [after for before, after in steps if stays_open(before, after)]
        if further:
            faultpoint("notifier.fallback_planned")
            await jobs.add(connection, [job_of(letter, pause_seconds=self.pause_seconds) for letter in further])
        told = [after for before, after in steps if (after.state, after.proof) != (before.state, before.proof)]
        await outbox.put(connection, [event for letter in told for event in announcements(letter, now)])
        for before, after in steps:
            if after.state != before.state:
                _MOVED_TO[after.state].inc()
            if stays_open(before, after):
                FALLEN_BACK.labels(after.past[-1].channel.value).inc()


def _action(before: Letter, after: Letter) -> str:
    if stays_open(before, after):
        return "letter.sending_failed"
    if after.state != before.state:
        return f"letter.{after.state}"
    if after.may_be_taken > before.may_be_taken:
        return "letter.unsure"
    return "letter.proven_again" if after.proof != before.proof else "letter.contradicted"


def entry(letter: Letter, action: str, now: datetime, *, actor: str = ACTOR) -> Entry:
    """What the audit trail holds of a step."""
    return Entry(
        actor=actor,
        action=action,
        subject=letter.request.citizen_id,
        object_type="letter",
        object_id=f"{letter.request.name.letter_id}/{letter.request.name.version}",
        purpose=PURPOSE,
        at=now,
    )


def announcements(letter: Letter, now: datetime) -> list[Outgoing]:
    """What others hear of a letter in this state. A letter on its way is nobody's business yet."""
    match letter.state:
        case LetterState.DISPATCHED:
            return [_dispatched(letter, now)]
        case LetterState.FAILED:
            return [_failed(letter, letter.failure or "gateway-failed", now)]
        case LetterState.UNKNOWN:
            return [_failed(letter, OUTCOME_UNKNOWN, now)]
        case LetterState.RETURNED:
            return [_returned(letter, now)]
        case _:
            return []


def _dispatched(letter: Letter, now: datetime) -> Outgoing:
    assert letter.proof is not None
    name = letter.request.name
    # A sending before may have been told of by the other id: this one is proven beside it.
    further = (letter.sending,) if domain.saved(letter) is not None and not domain.is_saved(letter) else ()
    event = LetterDispatched(
        letter_id=name.letter_id,
        version=name.version,
        absence_id=letter.request.absence_id,
        citizen_id=letter.request.citizen_id,
        channel=letter.proof.channel,
        dispatched_at=letter.proof.at,
        proof=DispatchProof(
            transmission_id=letter.proof.transmission_id,
            status_code=letter.proof.status_code,
            status_at=letter.proof.at,
        ),
    )
    return encode(event, event_id=ids.derive(name.letter_id, name.version, "dispatched", *further), time=now)


def _failed(letter: Letter, reason: str, now: datetime) -> Outgoing:
    name = letter.request.name
    event = LetterFailed(
        letter_id=name.letter_id,
        version=name.version,
        absence_id=letter.request.absence_id,
        citizen_id=letter.request.citizen_id,
        channel=letter.channel or Channel.DIGITAL_POST,  # of none other was heard yet
        reason=reason,
        at=now,
    )
    further = () if letter.sending == 1 else (letter.sending,)
    return encode(event, event_id=ids.derive(name.letter_id, name.version, letter.state.value, *further), time=now)


def _returned(letter: Letter, now: datetime) -> Outgoing:
    assert letter.proof is not None
    name = letter.request.name
    event = LetterReturned(
        letter_id=name.letter_id,
        version=name.version,
        absence_id=letter.request.absence_id,
        citizen_id=letter.request.citizen_id,
        channel=letter.proof.channel,
        dispatched_at=letter.proof.at,
        at=now,
    )
    return encode(event, event_id=ids.derive(name.letter_id, name.version, "returned"), time=now)
