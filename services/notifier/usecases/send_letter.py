"""One attempt at sending a letter: the work of a job. What attempts under way at once have in common is asked for and written
together.

Invariants (L2): the bytes are made once and stored, sealed, before the first call, and every later call sends those bytes under
the same message id; where the gateway does not recognise repeats, a call is begun only after the letter was written down as in
doubt, by itself, and a letter in doubt is never called for again; an answer over HTTP never makes a letter sent, that is the
status's word; nothing is written by who lost the job's lease. Jobs are held before letters are locked, letters in their order.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol, assert_never
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import ids, jobs
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Joint, LeaseLost, Parked, Verdict
from plumbing.jobs.verdicts import Write
from plumbing.postgres import Connection, Database
from plumbing.sealing import SealBroken, open_sealed, seal
from plumbing.together import Together
from services.notifier import domain
from services.notifier.domain import Answer, Heard, Letter, LetterName, NoRecipient, Recipient, Step
from services.notifier.letters import MemoForm, Municipality, NotRendered, Words, kombi_request, municipality, words
from services.notifier.usecases.move import Move, Mover

log = structlog.get_logger(__name__)

QUEUE: Final = "letter"
SEALED_FIELD: Final = "letter.request"
ANSWERS: Final = Counter("mitsyg_gateway_answers", "Calls to the gateway, by what their answer means.", ("meaning",))


class Letters(Protocol):
    """Where letters and their bytes are kept."""

    async def read(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def add_requests(self, connection: Connection, requests: Mapping[LetterName, bytes]) -> None: ...

    async def requests_of(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]: ...


class People(Protocol):
    """Who is written to. Raises Unavailable while the vault is away."""

    async def recipient(self, citizen_id: UUID) -> Recipient | NoRecipient: ...

    async def key(self, citizen_id: UUID) -> bytes | NoRecipient: ...


class Gateway(Protocol):
    """The post gateway. Never raises for what the gateway or the way to it does: that is in what was heard."""

    async def send(self, request: bytes, *, transaction_id: UUID) -> Heard: ...


class Render(Protocol):
    """Sets a letter; raises NotRendered, and Unavailable."""

    async def render(self, words: Words, day: date) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A letter's bytes, sealed, that are to be fixed under this claim."""

    claim: Claim
    name: LetterName
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """What a letter is to become of whatever it is then."""

    name: LetterName
    step: Callable[[Letter], Letter]


class SendLetter:
    """Called with each claimed job of the queue.

    Up to `together` letters, gathered for `gather_seconds` at most, are fixed in one transaction. 1 is for a gateway that does
    not recognise repeats: there a process that ends leaves every letter in doubt that was fixed and whose answer was not written.
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
        gateway_dedupes: bool,
        portal: str,
        memo: MemoForm,
        together: int = 1,
        gather_seconds: float = 0.005,
    ) -> None:
        self._database = database
        self._letters = letters
        self._move = move
        self._people = people
        self._gateway = gateway
        self._renderer = renderer
        self._dedupes = gateway_dedupes
        self._portal = portal
        self._memo = memo
        self._read = Together(self._read_all, seconds=0.0, most=together)
        self._fix = Together(self._fix_all, seconds=gather_seconds, most=together)
        self._fixed = Together(self._fixed_all, seconds=gather_seconds, most=together)

    async def __call__(self, claim: Claim) -> Verdict:
        faultpoint("notifier.after_claim")
        name = name_of(claim.payload)
        letter = await self._read(name)
        if letter is None:
            return Parked(reason="letter-missing")
        match domain.next_step(letter, gateway_dedupes=self._dedupes):
            case Step.NOTHING:
                return Done()
            case Step.DOUBT:
                return Done(write=self._moving(name, domain.in_doubt))
            case Step.COMPOSE:
                request = await self._compose(claim, letter)
            case Step.CALL:
                request = await self._recall(claim, letter)
            case step:
                assert_never(step)
        if not isinstance(request, bytes):
            return request
        return await self._call(letter, request)

    def give_up(self, claim: Claim) -> Write:
        """The job was tried too often: a letter that may have been sent is surfaced as unknown."""
        return self._moving(name_of(claim.payload), domain.unknowable)

    async def _compose(self, claim: Claim, letter: Letter) -> bytes | Verdict:
        """Make the bytes and fix them; a verdict where there is nothing to be sent."""
        recipient = await self._people.recipient(letter.request.citizen_id)
        sender = municipality(letter.request.municipality_code)
        if isinstance(recipient, NoRecipient):
            return self._refused(letter, recipient.reason)
        if sender is None:
            return self._refused(letter, "municipality.unknown")
        try:
            request = await self._written(letter, recipient, sender)
        except NotRendered as error:
            log.error("a letter cannot be set", letter=str(letter.request.name.letter_id), kind=error.kind)
            return Parked(reason="not-rendered")
        sealed = seal(recipient.key, request, owner=str(letter.request.citizen_id), field=SEALED_FIELD)
        await self._fix(_Made(claim=claim, name=letter.request.name, sealed=sealed))
        faultpoint("notifier.after_render_stored")
        return request

    async def _recall(self, claim: Claim, letter: Letter) -> bytes | Verdict:
        """The bytes that were fixed; a verdict where they can never be opened again."""
        key = await self._people.key(letter.request.citizen_id)
        if isinstance(key, NoRecipient):  # erased meanwhile; whether it was sent before, only a status can tell
            return Done(write=self._moving(letter.request.name, domain.unknowable))
        sealed = await self._fixed(claim)
        try:
            return open_sealed(key, sealed, owner=str(letter.request.citizen_id), field=SEALED_FIELD)
        except SealBroken:
            return Parked(reason="seal-broken")

    async def _call(self, letter: Letter, request: bytes) -> Verdict:
        faultpoint("notifier.before_call")
        heard = await self._gateway.send(request, transaction_id=ids.derive(letter.message_uuid, "transaction"))
        faultpoint("notifier.after_call")
        answer = domain.meaning(heard)
        ANSWERS.labels(answer.value).inc()
        name = letter.request.name
        match answer:
            case Answer.TAKEN_OVER:
                return Done(write=self._moving(name, domain.handed_over))
            case Answer.REFUSED:
                return self._refused(letter, heard.code or "refused")
            case Answer.NOT_TAKEN:
                write = self._moving(name, domain.not_taken)
                return Again(
                    reason=f"not-taken-{heard.http_status or 'unreachable'}", after=heard.retry_after, write=write
                )
            case Answer.UNKNOWN if self._dedupes:
                return Again(reason=f"unknown-{heard.http_status or 'no-answer'}", after=heard.retry_after)
            case Answer.UNKNOWN:
                return Done()  # in doubt since before the call: now the status has the word, and in the end somebody
            case Answer.ODD:
                log.error("an answer that is in no table", letter=str(name.letter_id), status=heard.http_status)
                return Parked(reason=f"odd-answer-{heard.http_status}")
            case _:
                assert_never(answer)

    async def _written(self, letter: Letter, recipient: Recipient, sender: Municipality) -> bytes:
        asked = letter.request
        text = words(
            name=recipient.name,
            municipality=sender,
            planned_day=asked.planned_day,
            deadline_day=asked.planned_deadline_day,
            kinds=asked.kinds,
            portal=self._portal,
        )
        return kombi_request(
            message_uuid=letter.message_uuid,
            cpr=recipient.cpr,
            words=text,
            municipality=sender,
            absence_id=asked.absence_id,
            requested_at=asked.requested_at,
            deadline_day=asked.planned_deadline_day,
            pdf=await self._renderer.render(text, asked.planned_day),
            form=self._memo,
        )

    def _refused(self, letter: Letter, reason: str) -> Verdict:
        return Done(write=self._moving(letter.request.name, lambda found: domain.refused(found, reason)))

    def _moving(self, name: LetterName, step: Callable[[Letter], Letter]) -> Write:
        return Joint(write_all=self._change_all, item=_Change(name=name, step=step))

    async def _read_all(self, names: Sequence[LetterName]) -> list[Letter | Exception | None]:
        async with self._database.acquire() as connection:
            found = await self._letters.read(connection, names)
        return [found.get(name) for name in names]

    async def _fix_all(self, group: Sequence[_Made]) -> list[Exception | None]:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, [made.claim for made in group])
            requests = {made.name: made.sealed for made in group if made.claim in held}
            letters = await self._letters.lock(connection, list(requests))
            due = {
                name: letter
                for name, letter in letters.items()
                if domain.next_step(letter, gateway_dedupes=self._dedupes) is Step.COMPOSE
            }
            await self._letters.add_requests(connection, {name: requests[name] for name in due})
            await self._prepare(connection, due)
        # What moved meanwhile, e.g. by this very transaction when its commit was not heard of, is looked at anew.
        return [
            LeaseLost() if made.claim not in held else None if made.name in due else Unavailable("letter")
            for made in group
        ]

    async def _fixed_all(self, claims: Sequence[Claim]) -> list[bytes | Exception]:
        names = {claim: name_of(claim.payload) for claim in claims}
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, claims)
            wanted = [name for claim, name in names.items() if claim in held]
            found = await self._letters.requests_of(connection, wanted)
            if not self._dedupes:
                await self._prepare(connection, await self._letters.lock(connection, wanted))
        return [found.get(names[claim], b"") if claim in held else LeaseLost() for claim in claims]

    async def _prepare(self, connection: Connection, letters: Mapping[LetterName, Letter]) -> None:
        moves = [Move(letter, domain.prepared(letter, gateway_dedupes=self._dedupes)) for letter in letters.values()]
        await self._move(connection, moves)

    async def _change_all(self, connection: Connection, changes: Sequence[_Change]) -> None:
        letters = await self._letters.lock(connection, list({change.name for change in changes}))
        moves = []
        for change in changes:
            before = letters[change.name]  # letters are never deleted
            letters[change.name] = after = change.step(before)
            moves.append(Move(before, after))
        await self._move(connection, moves)
        faultpoint("notifier.before_result")


def payload_of(name: LetterName) -> bytes:
    """What a job holds: which letter."""
    return json.dumps({"letter_id": str(name.letter_id), "version": name.version}).encode()


def name_of(payload: bytes) -> LetterName:
    """Which letter a job is about."""
    content = json.loads(payload)
    return LetterName(letter_id=UUID(content["letter_id"]), version=content["version"])
