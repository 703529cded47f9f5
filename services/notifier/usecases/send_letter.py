"""One attempt at sending a letter: the work of a job. What attempts under way at once have in common is asked for and written
together.

Invariants (L2): the register is asked before a letter's first sending and never again, its answer is written with the bytes;
every call of a sending sends the bytes that were fixed before the first, under the same id; where the gateway does not recognise
repeats, a call is begun only after the letter was written down as in doubt, by itself, and a letter in doubt is never called for
again; an answer over HTTP never makes a letter sent, that is the status's word; nothing is written by who lost the job's lease,
nor about another sending than the job's. Jobs are held before letters are locked, letters in their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, assert_never
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import ids
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Joint, Parked, Verdict
from plumbing.jobs.verdicts import Write
from plumbing.postgres import Connection, Database, is_transient
from plumbing.sealing import SealBroken
from plumbing.together import Together
from services.notifier import domain
from services.notifier.domain import (
    Answer,
    Channel,
    Heard,
    Letter,
    LetterName,
    LetterState,
    LookedUp,
    NoRecipient,
    Pace,
    Recipient,
    Registration,
    Step,
    Ways,
)
from services.notifier.letters import NotAddressed, NotRendered, municipality
from services.notifier.usecases import letter_jobs
from services.notifier.usecases.fix_bytes import FixedBytes, LaterForm, Made
from services.notifier.usecases.move import Move, Mover
from services.notifier.usecases.write_letter import WriteLetter

log = structlog.get_logger(__name__)

ANSWERS: Final = Counter("mitsyg_gateway_answers", "Calls to the gateway, by what their answer means.", ("meaning",))
LOOKED_UP: Final = Counter(
    "mitsyg_register_answers", "Look-ups in the gateway's register, by what they came to.", ("answer",)
)
# What begins with a one shows no increase, and raises no alarm.
_ANSWERED: Final = {answer: ANSWERS.labels(answer.value) for answer in Answer}
_REGISTERED: Final = {answer: LOOKED_UP.labels(answer.value) for answer in Registration}


class Letters(Protocol):
    """Where letters are kept."""

    async def read(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...


class Gates(Protocol):
    """Where gates are kept."""

    async def shut_keys(self, connection: Connection) -> frozenset[Pace]: ...


class People(Protocol):
    """Who is written to. Raises Unavailable while the vault is away."""

    async def recipient(self, citizen_id: UUID) -> Recipient | NoRecipient: ...

    async def key(self, citizen_id: UUID) -> bytes | NoRecipient: ...


class Gateway(Protocol):
    """The post gateway. Never raises for what the gateway or the way to it does: that is in what was heard."""

    async def send(self, request: bytes, *, transaction_id: UUID) -> Heard: ...

    async def send_paper(self, request: bytes, *, transaction_id: UUID) -> Heard: ...

    async def is_registered(self, cpr: str, *, transaction_id: UUID) -> LookedUp: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fixed:
    """A sending that may be called for: its bytes are fixed. `may_be_taken`: by a call before, of unknown outcome."""

    channel: Channel
    gateway_id: str
    request: bytes
    may_be_taken: bool


class _NotSent(Exception):
    """There is nothing to be called for, or not now."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """What a letter is to become of whatever it is then, as long as it is at that sending."""

    name: LetterName
    sending: int
    step: Callable[[Letter], Letter]


class SendLetter:
    """Called with each claimed job of the queue; up to `together` letters are looked at in one go."""

    def __init__(
        self,
        database: Database,
        *,
        letters: Letters,
        gates: Gates,
        move: Mover,
        people: People,
        gateway: Gateway,
        write: WriteLetter,
        fixed: FixedBytes,
        gateway_dedupes: bool,
        ways: Ways,
        together: int = 1,
    ) -> None:
        self._database = database
        self._letters = letters
        self._gates = gates
        self._move = move
        self._people = people
        self._gateway = gateway
        self._write = write
        self._fixed = fixed
        self._dedupes = gateway_dedupes
        self._ways = ways
        self._read = Together(self._read_all, apart=0.0, most=together)

    async def __call__(self, claim: Claim) -> Verdict:
        faultpoint("notifier.after_claim")
        name, sending = letter_jobs.read(claim.payload)
        try:
            letter, is_shut = await self._read(name)
        except Exception as error:
            if claim.was_abandoned or not is_transient(error):
                raise  # the job remembers what cannot be written of a letter that cannot be read
            return Again(reason=type(error).__name__)
        if letter is None:
            return Parked(reason="letter-missing")
        try:
            # A sending the gateway has told meanwhile to have failed is nobody's business any more.
            fixed = await self._fixed_bytes(claim, letter, is_shut) if letter.sending == sending else None
        except _NotSent as ended:
            return self._with_doubt(claim, letter, ended.verdict)
        except Exception as error:
            if not is_transient(error):
                raise
            # nothing was called for, which is more than can be said of what fails from here on
            return self._with_doubt(claim, letter, Again(reason=type(error).__name__))
        return Done() if fixed is None else await self._call(letter, fixed)

    def _with_doubt(self, claim: Claim, letter: Letter, verdict: Verdict) -> Verdict:
        """The verdict, and that whoever had the job before may have made a call: the next to have it is not told by the job."""
        if isinstance(verdict, Done) or not self._may_have_been_called(claim, letter):
            return verdict
        assert verdict.write is None
        return replace(verdict, write=self._moving(letter, domain.unsure))

    def _may_have_been_called(self, claim: Claim, letter: Letter) -> bool:
        """Who never said how the attempt ended may have made a call, if there were bytes to call with. Where repeats are not
        recognised nobody would be here then."""
        return claim.was_abandoned and self._dedupes and letter.state is not LetterState.REQUESTED

    async def _fixed_bytes(self, claim: Claim, letter: Letter, is_shut: bool) -> _Fixed | None:
        match domain.next_step(letter, gateway_dedupes=self._dedupes):
            case Step.NOTHING:
                return None
            case Step.DOUBT:
                raise _NotSent(Done(write=self._moving(letter, domain.in_doubt)))
            case Step.COMPOSE if is_shut:
                raise _NotSent(Done(write=self._moving(letter, domain.held)))
            case Step.COMPOSE:
                return await self._compose(claim, letter)
            case Step.CALL:
                return await self._recall(claim, letter)
            case step:
                assert_never(step)

    def give_up(self, claim: Claim) -> Write:
        """The job was tried too often: a letter that may have been sent is surfaced as unknown."""
        name, sending = letter_jobs.read(claim.payload)
        return Joint(write_all=self._change_all, item=_Change(name=name, sending=sending, step=domain.unknowable))

    async def _compose(self, claim: Claim, letter: Letter) -> _Fixed:
        """Choose the channel, make the bytes and fix them."""
        recipient = await self._people.recipient(letter.request.citizen_id)
        sender = municipality(letter.request.municipality_code)
        if isinstance(recipient, NoRecipient):
            raise self._refused(letter, recipient.reason)
        if sender is None:
            raise self._refused(letter, "municipality.unknown")
        registered, channel = None, letter.channel
        if channel is None:
            registered = await self._look_up(claim, letter, recipient)
            channel = domain.chosen(registered=registered, ways=self._ways)
        if channel is None:
            raise self._refused(letter, domain.NOT_REGISTERED)
        gateway_id = domain.gateway_id(letter, channel)
        try:
            request = await self._write(letter.request, channel, gateway_id, recipient, sender)
        except NotAddressed as error:
            raise self._refused(letter, error.code) from None
        except NotRendered as error:
            log.error("a letter cannot be set", letter=str(letter.request.name.letter_id), kind=error.kind)
            raise _NotSent(Parked(reason="not-rendered")) from None
        made = Made(
            claim=claim, letter=letter, channel=channel, registered=registered, request=request, key=recipient.key
        )
        await self._fixed.fix(made)
        faultpoint("notifier.after_render_stored")
        return _Fixed(channel=channel, gateway_id=gateway_id, request=request.body, may_be_taken=False)

    async def _look_up(self, claim: Claim, letter: Letter, recipient: Recipient) -> bool:
        """Whether the citizen has Digital Post: an answer of the register and nothing else."""
        name = letter.request.name
        transaction_id = ids.derive(name.letter_id, name.version, "look-up", claim.attempt)
        found = await self._gateway.is_registered(recipient.cpr, transaction_id=transaction_id)
        faultpoint("notifier.after_lookup")
        _REGISTERED[found.registration].inc()
        match found.registration:
            case Registration.REGISTERED:
                return True
            case Registration.NOT_REGISTERED:
                return False
            case Registration.UNAVAILABLE:
                raise _NotSent(Again(reason=f"register-{found.http_status or 'unreachable'}", after=found.retry_after))
            case Registration.ODD:
                log.error("the register's answer is in no table", letter=str(name.letter_id), status=found.http_status)
                raise _NotSent(Parked(reason=f"odd-register-{found.http_status}"))
            case _:
                assert_never(found.registration)

    async def _recall(self, claim: Claim, letter: Letter) -> _Fixed:
        """The bytes that were fixed."""
        assert letter.channel is not None
        assert letter.gateway_id is not None
        key = await self._people.key(letter.request.citizen_id)
        if isinstance(key, NoRecipient):  # erased meanwhile; whether it was sent before, only a status can tell
            raise _NotSent(Done(write=self._moving(letter, domain.unknowable)))
        try:
            request = (await self._fixed.find(claim, letter, key)).body
        except SealBroken:
            raise _NotSent(Parked(reason="seal-broken")) from None
        except LaterForm:  # whoever keeps that sends it, or will when it is back
            raise _NotSent(Again(reason="later-form")) from None
        may_be_taken = letter.may_be_taken or self._may_have_been_called(claim, letter)
        return _Fixed(channel=letter.channel, gateway_id=letter.gateway_id, request=request, may_be_taken=may_be_taken)

    async def _call(self, letter: Letter, fixed: _Fixed) -> Verdict:
        faultpoint("notifier.before_call")
        send = self._gateway.send_paper if fixed.channel is Channel.PAPER else self._gateway.send
        heard = await send(fixed.request, transaction_id=ids.derive(fixed.gateway_id, "transaction"))
        faultpoint("notifier.after_call")
        answer = domain.meaning(heard, self._ways.codes)
        _ANSWERED[answer].inc()
        match answer:
            case Answer.TAKEN_OVER:
                return Done(write=self._moving(letter, domain.handed_over))
            case Answer.REFUSED:
                return Done(write=self._moving(letter, self._after_refusal(letter, fixed, heard.code or "")))
            case Answer.NOT_TAKEN:
                return Again(
                    reason=f"not-taken-{heard.http_status or 'unreachable'}",
                    after=heard.retry_after,
                    write=self._moving(letter, _unless_taken(fixed, domain.not_taken)),
                )
            case Answer.UNKNOWN if self._dedupes:
                return Again(
                    reason=f"unknown-{heard.http_status or 'no-answer'}",
                    after=heard.retry_after,
                    write=self._moving(letter, domain.unsure),
                )
            case Answer.UNKNOWN:
                return Done()  # in doubt since before the call: now the status has the word, and in the end somebody
            case Answer.ODD:
                log.error(
                    "an answer that is in no table",
                    letter=str(letter.request.name.letter_id),
                    status=heard.http_status,
                )
                # a code nobody knows is a refusal all the same; an answer without one may hide that it was taken over
                step = domain.unsure if heard.code is None else _unless_taken(fixed, lambda found: found)
                write = self._moving(letter, step)
                return Parked(reason=f"odd-answer-{heard.http_status}", write=write)
            case _:
                assert_never(answer)

    def _after_refusal(self, letter: Letter, fixed: _Fixed, code: str) -> Callable[[Letter], Letter]:
        """Definitive where no call before may have been taken over; else only a status can tell (F132)."""
        if not fixed.may_be_taken:
            return lambda found: domain.after_negative(found, code, self._ways)
        log.error("a repeated call is refused", letter=str(letter.request.name.letter_id), code=code)
        return domain.in_doubt

    def _refused(self, letter: Letter, reason: str) -> _NotSent:
        return _NotSent(Done(write=self._moving(letter, lambda found: domain.refused(found, reason))))

    def _moving(self, letter: Letter, step: Callable[[Letter], Letter]) -> Write:
        change = _Change(name=letter.request.name, sending=letter.sending, step=step)
        return Joint(write_all=self._change_all, item=change)

    async def _read_all(self, names: Sequence[LetterName]) -> list[tuple[Letter | None, bool] | Exception]:
        async with self._database.acquire() as connection:
            found = await self._letters.read(connection, names)
            shut = await self._gates.shut_keys(connection)
        return [
            (letter, letter is not None and not shut.isdisjoint(domain.paces(letter.request)))
            for letter in map(found.get, names)
        ]

    async def _change_all(self, connection: Connection, changes: Sequence[_Change]) -> None:
        letters = await self._letters.lock(connection, list({change.name for change in changes}))
        moves = []
        for change in changes:
            before = letters[change.name]  # letters are never deleted
            if before.sending == change.sending:
                letters[change.name] = after = change.step(before)
                moves.append(Move(before, after))
        await self._move(connection, moves)
        faultpoint("notifier.before_result")


def _unless_taken(fixed: _Fixed, step: Callable[[Letter], Letter]) -> Callable[[Letter], Letter]:
    """The step after an answer that says of this call only that it did nothing."""
    return (lambda found: step(domain.unsure(found))) if fixed.may_be_taken else step
