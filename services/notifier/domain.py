"""What a letter goes through, and what the gateway's words mean. Pure: no clock, no I/O.

The way of a letter: requested → prepared (its bytes are fixed for ever) → handed over (the gateway took it, which is not yet
sent) → dispatched (the gateway proved it) or failed (definitively refused). Beside it: *in doubt*, when a call's outcome is
unknown and the gateway does not recognise repeats, and *unknown*, when no proof came in time and somebody has to look.

A letter only moves forward. Dispatched and failed are final: what contradicts them later is kept and told, and moves nothing
(M3). Nothing but a proof makes a letter dispatched, and nothing but a definitive refusal makes it failed: a time-out is neither.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID


class LetterState(StrEnum):
    """How far a letter is."""

    REQUESTED = "requested"
    PREPARED = "prepared"
    IN_DOUBT = "in_doubt"
    HANDED_OVER = "handed_over"
    UNKNOWN = "unknown"
    DISPATCHED = "dispatched"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in {LetterState.DISPATCHED, LetterState.FAILED}

    @property
    def awaits_status(self) -> bool:
        """Only the gateway's status can tell what became of it."""
        return self in {LetterState.IN_DOUBT, LetterState.HANDED_OVER}


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterName:
    """A letter intent: one version of one letter. It is sent at most once, whatever happens (L2)."""

    letter_id: UUID
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be written, and to whom; `kinds` are the tasks in the order of solving."""

    name: LetterName
    absence_id: UUID
    citizen_id: UUID
    municipality_code: str
    planned_day: date
    planned_deadline_day: date
    kinds: tuple[str, ...]
    requested_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewLetter:
    """A letter that was asked for. `digest` tells whether a later request under the same name asks for the same."""

    request: Request
    message_uuid: UUID
    task_ids: tuple[UUID, ...]
    digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The status that proves a dispatch; `at` is the gateway's instant."""

    transmission_id: str
    status_code: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A letter as far as its way is concerned. `message_uuid` is the id under which the gateway knows it.

    `repeats_recognised`: whether it was prepared for a gateway that recognises repeats, so that calls may already have been
    repeated; None until it is prepared.
    """

    request: Request
    message_uuid: UUID
    state: LetterState
    repeats_recognised: bool | None = None
    proof: Proof | None = None
    failure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Who gets the letter: used at once, kept nowhere. `key` seals what is about this person."""

    cpr: str = field(repr=False)
    name: str = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoRecipient:
    """Nobody can be written to under that id, for good; `reason` is a code."""

    reason: str


class Step(StrEnum):
    """What is to be done with a letter next."""

    COMPOSE = "compose"
    CALL = "call"
    DOUBT = "doubt"
    NOTHING = "nothing"


def next_step(letter: Letter, *, gateway_dedupes: bool) -> Step:
    """What the sender does with the letter it finds.

    A prepared letter may be called for again where the gateway recognises repeats, and so may one that was given up as unknown
    and whose job somebody released. Where it does not, *prepared* means that no call was begun, except for letters prepared
    under the other setting: of those nobody knows.
    """
    match letter.state:
        case LetterState.REQUESTED:
            return Step.COMPOSE
        case LetterState.PREPARED if not gateway_dedupes and letter.repeats_recognised:
            return Step.DOUBT
        case LetterState.PREPARED:
            return Step.CALL
        case LetterState.UNKNOWN:
            return Step.CALL if gateway_dedupes and letter.repeats_recognised else Step.NOTHING
        case LetterState.IN_DOUBT | LetterState.HANDED_OVER | LetterState.DISPATCHED | LetterState.FAILED:
            return Step.NOTHING
        case _:
            assert_never(letter.state)


def prepared(letter: Letter, *, gateway_dedupes: bool) -> Letter:
    """The bytes are fixed and the call may begin. Without recognition of repeats it is in doubt from here on: should the
    process end before the answer is written, nobody may call again."""
    if letter.state not in {LetterState.REQUESTED, LetterState.PREPARED}:
        return letter
    state = LetterState.PREPARED if gateway_dedupes else LetterState.IN_DOUBT
    return replace(letter, state=state, repeats_recognised=gateway_dedupes)


class Answer(StrEnum):
    """What the gateway's answer to a call means: every answer is one of these."""

    TAKEN_OVER = "taken_over"
    NOT_TAKEN = "not_taken"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What came back from a call. `http_status` None: no answer. `was_sent` False: not a byte of the request left.

    `result` and `code` are what the answer's body says (None where it says nothing that can be read); `retry_after` in seconds.
    """

    http_status: int | None
    was_sent: bool = True
    result: bool | None = None
    code: str | None = None
    retry_after: float | None = None


class Registration(StrEnum):
    """What a look-up of somebody's registration came to.

    Only `registered` and `not_registered` are answers. The gateway tells no reason: not registered is also who is exempt.
    `unavailable` will be answered later; `odd` is in no table and makes somebody look.
    """

    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"
    UNAVAILABLE = "unavailable"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedUp:
    """What was heard from the register. `http_status` None: no answer; `retry_after` in seconds."""

    registration: Registration
    http_status: int | None
    retry_after: float | None = None


DUPLICATE: Final = "message.duplicate"

# The refusals that are documented or seen; any other is new to us and makes somebody look (F133).
DEFINITIVE_REFUSALS: Final = frozenset(
    {"memo.invalid", "xml.invalid", "kombi.invalid", "recipient.unknown", "recipient.invalid", "recipient.deceased"}
)
_NOT_TAKEN_STATUSES: Final = frozenset(
    {401, 403, 404, 429}
)  # ours to mend, or theirs to lift: the letter is as good as before


def meaning(heard: Heard) -> Answer:
    """The table of answers. What is not certain is unknown; what is not in the table is odd."""
    status = heard.http_status
    if status is None:
        return Answer.UNKNOWN if heard.was_sent else Answer.NOT_TAKEN
    if heard.code == DUPLICATE:
        return Answer.TAKEN_OVER
    if status == 200:
        return _meaning_of_200(heard)
    if status in _NOT_TAKEN_STATUSES or (status == 503 and heard.retry_after is not None):
        return Answer.NOT_TAKEN
    if 400 <= status < 500 and status != 408:
        return Answer.REFUSED if heard.code in DEFINITIVE_REFUSALS else Answer.ODD
    return Answer.UNKNOWN


def registration(http_status: int, result: bool | None) -> Registration:
    """The table of the register's answers; `result` None: the body says nothing that can be read.

    A fault of ours or theirs is never taken for "not registered": that would send paper to whoever has Digital Post.
    """
    if http_status == 200 and result is not None:
        return Registration.REGISTERED if result else Registration.NOT_REGISTERED
    if 400 <= http_status < 500 and http_status not in _NOT_TAKEN_STATUSES | {408}:
        return Registration.ODD
    return Registration.UNAVAILABLE


def _meaning_of_200(heard: Heard) -> Answer:
    if heard.result is None:
        return Answer.UNKNOWN  # somebody's page of HTML; who knows what lies behind it
    if heard.result:
        return Answer.TAKEN_OVER
    return Answer.REFUSED if heard.code in DEFINITIVE_REFUSALS else Answer.ODD


def handed_over(letter: Letter) -> Letter:
    """The gateway took it; a status that came before this answer was written is not taken back."""
    return letter if letter.state.is_final else replace(letter, state=LetterState.HANDED_OVER)


def not_taken(letter: Letter) -> Letter:
    """The call certainly changed nothing: it may be made again."""
    if letter.state is LetterState.IN_DOUBT:
        return replace(letter, state=LetterState.PREPARED)
    return letter


def in_doubt(letter: Letter) -> Letter:
    """Nobody knows whether it was called for, and nobody may call again."""
    if letter.state is LetterState.PREPARED:
        return replace(letter, state=LetterState.IN_DOUBT)
    return letter


def refused(letter: Letter, reason: str) -> Letter:
    """Definitively not sent; a letter whose dispatch is proven stays proven."""
    if letter.state.is_final:
        return letter
    return replace(letter, state=LetterState.FAILED, failure=reason)


def unknowable(letter: Letter) -> Letter:
    """It may have been sent and nobody can tell, in time or at all: surfaced, never guessed.

    A status that still comes is taken.
    """
    if letter.state.awaits_status or letter.state is LetterState.PREPARED:
        return replace(letter, state=LetterState.UNKNOWN)
    return letter


# Texts of TransaktionsStatusKode for Digital Post (public sample; OS2agora's list).
DELIVERED_STATUS: Final = "Afleveret Digital Post"
RECEIVED_STATUS: Final = "Modtaget Digital Post"
FAILED_STATUS: Final = "Fejlet"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostEvent:
    """Something that befell a paper letter on its way; codes are the print house's. `at` None: it tells no instant."""

    code: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A status message as it came. `besked_id` names the message, `error_code` is text whatever the model says.

    What it is about is named by `message_uuid` (MessageUUID, of a MeMo message) or by `dispatch_id` (AfsendelseIdentifikator, of
    a paper letter, which need be no UUID); a status may name nothing. `channel` is KanalKode. `at` is the gateway's instant.
    """

    besked_id: UUID
    message_uuid: UUID | None
    transmission_id: str
    status_code: str
    error_code: str | None
    at: datetime
    dispatch_id: str | None = None
    channel: str | None = None
    events: tuple[PostEvent, ...] = ()

    @property
    def gateway_id(self) -> str | None:
        """The id under which the gateway knows what the status is about."""
        return self.dispatch_id if self.message_uuid is None else str(self.message_uuid)


class Hearing(StrEnum):
    """What a status did. All are kept; those that are not `applied` changed nothing."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    CONTRADICTION = "contradiction"
    UNKNOWN_CODE = "unknown_code"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardStatus:
    """A status, what it did, and the letter it is about: None where none of ours is."""

    status: Status
    name: LetterName | None
    hearing: Hearing


def told(letter: Letter, status: Status) -> tuple[Letter, Hearing]:
    """The letter after a status, and what the status was."""
    match status.status_code:
        case code if code == DELIVERED_STATUS:
            return _told_delivered(letter, status)
        case code if code == FAILED_STATUS:
            return _told_failed(letter, status)
        case code if code == RECEIVED_STATUS:
            return _told_received(letter)
        case _:
            return letter, Hearing.UNKNOWN_CODE


def _told_delivered(letter: Letter, status: Status) -> tuple[Letter, Hearing]:
    match letter.state:
        case LetterState.DISPATCHED:
            return letter, Hearing.REPEATED
        case LetterState.FAILED:
            return letter, Hearing.CONTRADICTION
        case _:
            proof = Proof(transmission_id=status.transmission_id, status_code=status.status_code, at=status.at)
            return replace(letter, state=LetterState.DISPATCHED, proof=proof), Hearing.APPLIED


def _told_failed(letter: Letter, status: Status) -> tuple[Letter, Hearing]:
    match letter.state:
        case LetterState.DISPATCHED:
            return letter, Hearing.CONTRADICTION
        case LetterState.FAILED:
            return letter, Hearing.REPEATED
        case _:
            return refused(letter, status.error_code or "gateway-failed"), Hearing.APPLIED


def _told_received(letter: Letter) -> tuple[Letter, Hearing]:
    if letter.state in {LetterState.DISPATCHED, LetterState.FAILED, LetterState.HANDED_OVER}:
        return letter, Hearing.LATE
    return replace(letter, state=LetterState.HANDED_OVER), Hearing.APPLIED
