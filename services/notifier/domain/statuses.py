"""What the gateway tells of letters, and what that does to them."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from contracts.letter.v1 import Channel
from services.notifier.domain.channels import Ways, after_negative
from services.notifier.domain.letters import Letter, LetterName, LetterState, PastSending, Proof, is_saved, saved

# Texts of TransaktionsStatusKode (public sample; OS2agora's and OpenPostbud's lists, both copied from SF1601's own document).
DELIVERED_STATUS: Final = "Afleveret Digital Post"
RECEIVED_STATUS: Final = "Modtaget Digital Post"
FAILED_STATUS: Final = "Fejlet"
POSTED_STATUS: Final = "Modtaget Post Danmark"
UPDATED_STATUS: Final = "Opdatering fra Post Danmark"
RECALLED_STATUS: Final = "Tilbagekaldt"
# A letter on paper goes this way before it is posted.
PAPER_STATUSES: Final = frozenset(
    {"Afsendt", "Modtaget Fjern-print", "Klar", "Afleveret til print og kuvertering", POSTED_STATUS}
)
# What proves a letter in some deployment or other.
PROOF_STATUSES: Final = PAPER_STATUSES | {DELIVERED_STATUS}
RECALLED_CODE: Final = "message.recalled"
NO_CODE: Final = "gateway-failed"


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
    """What a status did. All are kept. `applied` moved the letter; a contradiction did where it proves a letter that had failed,
    that nobody knew of, or of which another sending was planned that nobody had begun; the others changed nothing."""

    APPLIED = "applied"
    REPEATED = "repeated"
    LATE = "late"
    CONTRADICTION = "contradiction"
    UNKNOWN_CODE = "unknown_code"
    UNMATCHED = "unmatched"


class HeardStatus(NamedTuple):
    """A status, what it did, and the letter it is about: None where none of ours is."""

    status: Status
    name: LetterName | None
    hearing: Hearing


def told(letter: Letter, status: Status, ways: Ways) -> tuple[Letter, Hearing]:
    """The letter after a status about one of its sendings, and what the status was."""
    past = next((one for one in letter.past if one.gateway_id == status.gateway_id), None)
    if past is not None:
        return _told_of_past(letter, past, status, ways)
    channel = letter.channel or Channel.DIGITAL_POST
    code = status.status_code
    if code == _proof_status(channel, ways):
        return _told_proof(letter, channel, status)
    if code in {FAILED_STATUS, RECALLED_STATUS}:
        return _told_failed(letter, RECALLED_CODE if code == RECALLED_STATUS else status.error_code or NO_CODE, ways)
    if code == UPDATED_STATUS and channel is Channel.PAPER:
        return _told_update(letter, status, ways)
    if code in (PAPER_STATUSES if channel is Channel.PAPER else {RECEIVED_STATUS}):
        return _told_received(letter)
    return letter, Hearing.UNKNOWN_CODE


def _proof_status(channel: Channel, ways: Ways) -> str:
    return ways.paper_proof if channel is Channel.PAPER else DELIVERED_STATUS


def _told_of_past(letter: Letter, past: PastSending, status: Status, ways: Ways) -> tuple[Letter, Hearing]:
    """Of a sending that had definitively failed. Should it have arrived after all, that is kept with it: it saves the letter if
    the one begun since fails too or is never heard of, before this or after, and spares it if that one was not begun."""
    code = status.status_code
    if code in {FAILED_STATUS, RECALLED_STATUS}:
        return letter, Hearing.REPEATED
    if code != _proof_status(past.channel, ways):
        return letter, Hearing.LATE if code in PAPER_STATUSES | {RECEIVED_STATUS} else Hearing.UNKNOWN_CODE
    if past.proof is not None:
        return letter, Hearing.REPEATED
    proof = _proof(past.channel, status)
    kept = tuple(replace(one, proof=proof) if one == past else one for one in letter.past)
    after = replace(letter, past=kept)
    if letter.state in {LetterState.REQUESTED, LetterState.HELD, LetterState.UNKNOWN, LetterState.FAILED}:
        after = saved(after) or after
    return after, Hearing.CONTRADICTION


def _told_proof(letter: Letter, channel: Channel, status: Status) -> tuple[Letter, Hearing]:
    """Nobody orders the gateway's statuses: proof and failure of one sending come to the same whichever is heard first."""
    proof = _proof(channel, status)
    if letter.state.is_proven:
        return _told_proof_again(letter, proof)
    hearing = Hearing.CONTRADICTION if letter.state is LetterState.FAILED else Hearing.APPLIED
    return replace(letter, state=LetterState.DISPATCHED, proof=proof, failure=None), hearing


def _told_proof_again(letter: Letter, proof: Proof) -> tuple[Letter, Hearing]:
    """Where a sending before had to do for the proof, the one that was under way may be proven later: the later deadline stays
    (M3)."""
    if (
        letter.state is LetterState.DISPATCHED
        and letter.proof is not None
        and is_saved(letter)
        and proof.at > letter.proof.at
    ):
        return replace(letter, proof=proof), Hearing.APPLIED
    return letter, Hearing.REPEATED


def _told_failed(letter: Letter, code: str, ways: Ways) -> tuple[Letter, Hearing]:
    if letter.state.is_proven:
        return letter, Hearing.CONTRADICTION
    if letter.state is LetterState.FAILED:
        return letter, Hearing.REPEATED
    return after_negative(letter, code, ways), Hearing.APPLIED


def _told_received(letter: Letter) -> tuple[Letter, Hearing]:
    """On its way. What was surfaced as unknown stays so until a final word: else a gateway that says this again and again
    would keep the letter open for ever."""
    if letter.state in {LetterState.PREPARED, LetterState.IN_DOUBT}:
        return replace(letter, state=LetterState.HANDED_OVER), Hearing.APPLIED
    return letter, Hearing.LATE


def _told_update(letter: Letter, status: Status, ways: Ways) -> tuple[Letter, Hearing]:
    if not any(event.code in ways.return_codes for event in status.events):
        return letter, Hearing.UNKNOWN_CODE
    # What was brought back is not what proves the letter, where that is a sending before.
    if letter.state is LetterState.DISPATCHED and not is_saved(letter):
        return replace(letter, state=LetterState.RETURNED), Hearing.APPLIED
    return letter, Hearing.REPEATED if letter.state is LetterState.RETURNED else Hearing.CONTRADICTION


def _proof(channel: Channel, status: Status) -> Proof:
    return Proof(channel=channel, transmission_id=status.transmission_id, status_code=status.status_code, at=status.at)
