"""One attempt at sending a letter: the work of a job. What attempts under way at once have in common is asked for and written
together.

Invariants (L2): the register is asked before a letter's first sending and never again, its answer is written with the bytes;
those are made once and stored, sealed, before the first call, and every later call of the sending sends them under the same id;
where the gateway does not recognise repeats, a call is begun only after the letter was written down as in doubt, by itself, and
a letter in doubt is never called for again; an answer over HTTP never makes a letter sent, that is the status's word; nothing is
written by who lost the job's lease, nor about another sending than the job's. Jobs are held before letters are locked, letters
in their order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol, assert_never
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import ids, jobs
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Joint, LeaseLost, Parked, Verdict
from plumbing.jobs.verdicts import Write
from plumbing.postgres import Connection, Database, is_transient
from plumbing.sealing import SealBroken, open_sealed, seal
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
from services.notifier.letters import (
    GatewayRequest,
    MemoForm,
    Municipality,
    NotAddressed,
    NotRendered,
    PaperForm,
    Words,
    dated,
    kombi_request,
    municipality,
    paper_request,
    words,
)
from services.notifier.usecases import letter_jobs
from services.notifier.usecases.move import Move, Mover

log = structlog.get_logger(__name__)

SEALED_FIELD: Final = "letter.request"
ADDRESS_MISSING: Final = "address.missing"
NO_PRINT_HOUSE: Final = "paper.no-print-house"
ANSWERS: Final = Counter("mitsyg_gateway_answers", "Calls to the gateway, by what their answer means.", ("meaning",))
LOOKED_UP: Final = Counter(
    "mitsyg_register_answers", "Look-ups in the gateway's register, by what they came to.", ("answer",)
)
# What begins with a one shows no increase, and raises no alarm.
_ANSWERED: Final = {answer: ANSWERS.labels(answer.value) for answer in Answer}
_REGISTERED: Final = {answer: LOOKED_UP.labels(answer.value) for answer in Registration}


class Letters(Protocol):
    """Where letters and their bytes are kept."""

    async def read(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def shut_gates(self, connection: Connection) -> frozenset[Pace]: ...

    async def add_lookups(self, connection: Connection, found: Mapping[LetterName, bool]) -> None: ...

    async def add_requests(self, connection: Connection, requests: Sequence[tuple[Letter, bytes]]) -> None: ...

    async def requests_of(self, connection: Connection, letters: Sequence[Letter]) -> dict[LetterName, bytes]: ...


class People(Protocol):
    """Who is written to. Raises Unavailable while the vault is away."""

    async def recipient(self, citizen_id: UUID) -> Recipient | NoRecipient: ...

    async def key(self, citizen_id: UUID) -> bytes | NoRecipient: ...


class Gateway(Protocol):
    """The post gateway. Never raises for what the gateway or the way to it does: that is in what was heard."""

    async def send(self, request: bytes, *, transaction_id: UUID) -> Heard: ...

    async def send_paper(self, request: bytes, *, transaction_id: UUID) -> Heard: ...

    async def is_registered(self, cpr: str, *, transaction_id: UUID) -> LookedUp: ...


class Render(Protocol):
    """Sets a letter; raises NotRendered, and Unavailable."""

    async def render(self, words: Words, day: date) -> bytes: ...


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
class _Made:
    """A sending's bytes, sealed, that are to be fixed under this claim; `registered` is what the register said, if it was
    asked."""

    claim: Claim
    letter: Letter
    channel: Channel
    registered: bool | None
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """What a letter is to become of whatever it is then, as long as it is at that sending."""

    name: LetterName
    sending: int
    step: Callable[[Letter], Letter]


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """How requests to the gateway are written; `paper` is None where no print house takes letters."""

    memo: MemoForm
    paper: PaperForm | None = None


class SendLetter:
    """Called with each claimed job of the queue.

    Up to `together` letters are fixed in one transaction, those that come within `gather_seconds` of the last among them. 1 is
    for a gateway that does not recognise repeats: there a process that ends leaves every letter in doubt that was fixed and whose
    answer was not written.
    """

    def __init__(
        self,
        database: Database,
        *,
        letters: Letters,
        move: Mover,
        people: People,
        gateway: Gateway,
        renderer: Render,
        clock: Clock,
        gateway_dedupes: bool,
        portal: str,
        ways: Ways,
        forms: Forms,
        together: int = 1,
        gather_seconds: float = 0.005,
    ) -> None:
        self._database = database
        self._letters = letters
        self._move = move
        self._people = people
        self._gateway = gateway
        self._renderer = renderer
        self._clock = clock
        self._dedupes = gateway_dedupes
        self._portal = portal
        self._ways = ways
        self._forms = forms
        self._read = Together(self._read_all, apart=0.0, most=together)
        self._fix = Together(self._fix_all, apart=gather_seconds, most=together)
        self._fixed = Together(self._fixed_all, apart=gather_seconds, most=together)

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
            request = await self._written(letter, channel, gateway_id, recipient, sender)
        except NotAddressed as error:
            raise self._refused(letter, error.code) from None
        except NotRendered as error:
            log.error("a letter cannot be set", letter=str(letter.request.name.letter_id), kind=error.kind)
            raise _NotSent(Parked(reason="not-rendered")) from None
        sealed = seal(recipient.key, request.packed, owner=str(letter.request.citizen_id), field=SEALED_FIELD)
        await self._fix(_Made(claim=claim, letter=letter, channel=channel, registered=registered, sealed=sealed))
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
        sealed = await self._fixed((claim, letter))
        try:
            packed = open_sealed(key, sealed, owner=str(letter.request.citizen_id), field=SEALED_FIELD)
        except SealBroken:
            raise _NotSent(Parked(reason="seal-broken")) from None
        try:
            request = GatewayRequest.unpacked(packed).body
        except ValueError:  # kept by a version after this one, which sends it, or will when it is back
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

    async def _written(
        self, letter: Letter, channel: Channel, gateway_id: str, recipient: Recipient, sender: Municipality
    ) -> GatewayRequest:
        asked = letter.request
        day, deadline_day = dated(asked.kinds, asked.planned_day, asked.planned_deadline_day, self._clock.now())
        address = recipient.address if channel is Channel.PAPER else None
        if channel is Channel.PAPER and self._forms.paper is None:
            raise NotAddressed(NO_PRINT_HOUSE)
        if channel is Channel.PAPER and address is None:
            raise NotAddressed(ADDRESS_MISSING)
        text = words(
            name=recipient.name,
            municipality=sender,
            planned_day=day,
            deadline_day=deadline_day,
            kinds=asked.kinds,
            portal=self._portal,
            address=address,
        )
        pdf = await self._renderer.render(text, day)
        if address is not None:
            assert self._forms.paper is not None
            return paper_request(
                dispatch_id=gateway_id,
                name=recipient.name,
                address=address,
                title=text.subject,
                pdf=pdf,
                form=self._forms.paper,
            )
        return kombi_request(
            message_uuid=UUID(gateway_id),
            cpr=recipient.cpr,
            words=text,
            municipality=sender,
            absence_id=asked.absence_id,
            requested_at=asked.requested_at,
            deadline_day=deadline_day,
            pdf=pdf,
            form=self._forms.memo,
        )

    def _refused(self, letter: Letter, reason: str) -> _NotSent:
        return _NotSent(Done(write=self._moving(letter, lambda found: domain.refused(found, reason))))

    def _moving(self, letter: Letter, step: Callable[[Letter], Letter]) -> Write:
        change = _Change(name=letter.request.name, sending=letter.sending, step=step)
        return Joint(write_all=self._change_all, item=change)

    async def _read_all(self, names: Sequence[LetterName]) -> list[tuple[Letter | None, bool] | Exception]:
        async with self._database.acquire() as connection:
            found = await self._letters.read(connection, names)
            shut = await self._letters.shut_gates(connection)
        return [
            (letter, letter is not None and not shut.isdisjoint(domain.paces(letter.request)))
            for letter in map(found.get, names)
        ]

    async def _fix_all(self, group: Sequence[_Made]) -> list[Exception | None]:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, [made.claim for made in group])
            wanted = {made.letter.request.name: made for made in group if made.claim in held}
            letters = await self._letters.lock(connection, list(wanted))
            # Not those that were being made when their gate was shut: their next attempt holds them.
            shut = await self._letters.shut_gates(connection)
            due = {
                name: made
                for name, made in wanted.items()
                if letters[name].sending == made.letter.sending
                and shut.isdisjoint(domain.paces(letters[name].request))
                and domain.next_step(letters[name], gateway_dedupes=self._dedupes) is Step.COMPOSE
            }
            fixed = {
                name: domain.prepared(
                    letters[name],
                    channel=made.channel,
                    gateway_id=domain.gateway_id(letters[name], made.channel),
                    gateway_dedupes=self._dedupes,
                )
                for name, made in due.items()
            }
            looked_up = {name: made.registered for name, made in due.items() if made.registered is not None}
            if looked_up:
                await self._letters.add_lookups(connection, looked_up)
            await self._letters.add_requests(connection, [(fixed[name], made.sealed) for name, made in due.items()])
            await self._move(connection, [Move(letters[name], after) for name, after in fixed.items()])
        # What moved meanwhile, e.g. by this very transaction when its commit was not heard of, is looked at anew.
        return [
            LeaseLost()
            if made.claim not in held
            else None
            if due.get(made.letter.request.name) is made
            else Unavailable("letter")
            for made in group
        ]

    async def _fixed_all(self, wanted: Sequence[tuple[Claim, Letter]]) -> list[bytes | Exception]:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, [claim for claim, _ in wanted])
            letters = [letter for claim, letter in wanted if claim in held]
            found = await self._letters.requests_of(connection, letters)
            if not self._dedupes:
                locked = await self._letters.lock(connection, [letter.request.name for letter in letters])
                await self._move(
                    connection,
                    [
                        Move(locked[one.request.name], domain.begun(locked[one.request.name], gateway_dedupes=False))
                        for one in letters
                        if locked[one.request.name].sending == one.sending
                    ],
                )
        return [found.get(letter.request.name, b"") if claim in held else LeaseLost() for claim, letter in wanted]

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
