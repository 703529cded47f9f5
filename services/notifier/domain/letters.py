"""A letter, its sendings, and the steps it takes."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never
from uuid import UUID

from contracts.letter.v1 import Channel


class LetterState(StrEnum):
    """How far a letter is."""

    HELD = "held"
    REQUESTED = "requested"
    PREPARED = "prepared"
    IN_DOUBT = "in_doubt"
    HANDED_OVER = "handed_over"
    UNKNOWN = "unknown"
    DISPATCHED = "dispatched"
    RETURNED = "returned"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in {LetterState.DISPATCHED, LetterState.RETURNED, LetterState.FAILED}

    @property
    def is_proven(self) -> bool:
        """It went out, whatever befell it afterwards."""
        return self in {LetterState.DISPATCHED, LetterState.RETURNED}

    @property
    def awaits_status(self) -> bool:
        """Only the gateway's status can tell what became of it."""
        return self in {LetterState.IN_DOUBT, LetterState.HANDED_OVER}


class LetterName(NamedTuple):
    """A letter intent: one version of one letter. It is sent at most once, whatever happens (L2)."""

    letter_id: UUID
    version: int


class Request(NamedTuple):
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
    gateway_id: str
    task_ids: tuple[UUID, ...]
    digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The status that proves a dispatch; `at` is the gateway's instant."""

    channel: Channel
    transmission_id: str
    status_code: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PastSending:
    """A sending that definitively failed, by `code`; `proof` where the gateway later told that it arrived after all."""

    number: int
    channel: Channel
    gateway_id: str
    code: str
    proof: Proof | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A letter as far as its way is concerned.

    `sending` counts from 1; `channel` is None until the register was asked. `gateway_id`, under which the gateway knows the
    sending, is at first what it is by Digital Post, so that a status is known even by who has forgotten the call (a database
    that was restored); of a later sending it is None until its bytes are fixed. `repeats_recognised`: whether they were fixed
    for a gateway that recognises repeats, so that calls may already have been repeated; None before. `may_be_taken`: a call was
    made whose outcome nobody knows.
    """

    request: Request
    state: LetterState
    sending: int = 1
    channel: Channel | None = None
    gateway_id: str | None = None
    repeats_recognised: bool | None = None
    may_be_taken: bool = False
    past: tuple[PastSending, ...] = ()
    proof: Proof | None = None
    failure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a letter on paper goes, as the vault tells it; `country` is ISO 3166-1 alpha-2."""

    lines: tuple[str, ...] = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)
    country: str = "DK"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Who gets the letter: used at once, kept nowhere. `key` seals what is about this person."""

    cpr: str = field(repr=False)
    name: str = field(repr=False)
    key: bytes = field(repr=False)
    address: Address | None = field(default=None, repr=False)


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
        case (
            LetterState.HELD
            | LetterState.IN_DOUBT
            | LetterState.HANDED_OVER
            | LetterState.DISPATCHED
            | LetterState.RETURNED
            | LetterState.FAILED
        ):
            return Step.NOTHING
        case _:
            assert_never(letter.state)


def prepared(letter: Letter, *, channel: Channel, gateway_id: str, gateway_dedupes: bool) -> Letter:
    """The bytes are fixed and the call may begin. Without recognition of repeats it is in doubt from here on: should the
    process end before the answer is written, nobody may call again."""
    if letter.state is not LetterState.REQUESTED:
        return letter
    return begun(replace(letter, channel=channel, gateway_id=gateway_id), gateway_dedupes=gateway_dedupes)


def begun(letter: Letter, *, gateway_dedupes: bool) -> Letter:
    """A call is about to be made with bytes that are fixed."""
    if letter.state not in {LetterState.REQUESTED, LetterState.PREPARED}:
        return letter
    state = LetterState.PREPARED if gateway_dedupes else LetterState.IN_DOUBT
    return replace(letter, state=state, repeats_recognised=gateway_dedupes)


def handed_over(letter: Letter) -> Letter:
    """The gateway took it; a status that came before this answer was written is not taken back."""
    if letter.state in {LetterState.PREPARED, LetterState.IN_DOUBT, LetterState.UNKNOWN}:
        return replace(letter, state=LetterState.HANDED_OVER)
    return letter


def not_taken(letter: Letter) -> Letter:
    """The call certainly changed nothing: it may be made again."""
    if letter.state is LetterState.IN_DOUBT:
        return replace(letter, state=LetterState.PREPARED)
    return letter


def unsure(letter: Letter) -> Letter:
    """A call of this sending was made whose outcome nobody knows: a refusal of a later one does not mean that none arrived."""
    return letter if letter.state.is_final else replace(letter, may_be_taken=True)


def in_doubt(letter: Letter) -> Letter:
    """Nobody knows whether it was called for, and nobody may call again."""
    if letter.state is LetterState.PREPARED:
        return replace(letter, state=LetterState.IN_DOUBT)
    return letter


def saved(letter: Letter) -> Letter | None:
    """The letter dispatched by what proves one of its sendings before, the latest of several (M3); None where nothing does."""
    proofs = [one.proof for one in letter.past if one.proof is not None]
    if not proofs:
        return None
    return replace(letter, state=LetterState.DISPATCHED, proof=max(proofs, key=lambda proof: proof.at), failure=None)


def is_saved(letter: Letter) -> bool:
    """Whether what proves the letter is about a sending before the one that is under way."""
    return letter.proof is not None and any(one.proof == letter.proof for one in letter.past)


def refused(letter: Letter, reason: str) -> Letter:
    """Nobody will send it; a letter whose dispatch is proven stays proven, by a sending before too."""
    if letter.state.is_final:
        return letter
    return saved(letter) or replace(letter, state=LetterState.FAILED, failure=reason)


def unknowable(letter: Letter) -> Letter:
    """It may have been sent and nobody can tell, in time or at all: surfaced, never guessed. Where a sending before turned out
    to have arrived, the letter is known to have.

    A status that still comes is taken.
    """
    if letter.state.awaits_status or letter.state is LetterState.PREPARED:
        return saved(letter) or replace(letter, state=LetterState.UNKNOWN)
    return letter


def held(letter: Letter) -> Letter:
    """It waits until somebody lets it go; not once its bytes are fixed, for then a call may have been made."""
    return replace(letter, state=LetterState.HELD) if letter.state is LetterState.REQUESTED else letter


def let_go(letter: Letter) -> Letter:
    """Somebody has looked: it goes on where it was."""
    return replace(letter, state=LetterState.REQUESTED) if letter.state is LetterState.HELD else letter
