"""One attempt at sending a letter: the work of a job.

Invariants (L2): the bytes are made once and stored, sealed, before the first call, and every later call sends those bytes under
the same message id; where the gateway does not recognise repeats, a call is begun only after the letter was written down as in
doubt, and a letter in doubt is never called for again; an answer over HTTP never makes a letter sent, that is the status's word;
nothing is written by who lost the job's lease.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final, Protocol, assert_never
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import ids, jobs
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Parked, Verdict
from plumbing.postgres import Connection, Database
from plumbing.sealing import SealBroken, open_sealed, seal
from services.notifier import domain
from services.notifier.domain import Answer, Heard, Letter, LetterName, NoRecipient, Recipient, Step
from services.notifier.letters import MemoForm, Municipality, NotRendered, Words, kombi_request, municipality, words
from services.notifier.usecases.move import Mover

log = structlog.get_logger(__name__)

QUEUE: Final = "letter"
SEALED_FIELD: Final = "letter.request"
ANSWERS: Final = Counter("mitsyg_gateway_answers", "Calls to the gateway, by what their answer means.", ("meaning",))


class Letters(Protocol):
    """Where letters and their bytes are kept."""

    async def read(self, connection: Connection, name: LetterName) -> Letter | None: ...

    async def lock(self, connection: Connection, name: LetterName) -> Letter | None: ...

    async def add_request(self, connection: Connection, name: LetterName, sealed: bytes) -> None: ...

    async def request_of(self, connection: Connection, name: LetterName) -> bytes | None: ...


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


class SendLetter:
    """Called with each claimed job of the queue."""

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

    async def __call__(self, claim: Claim) -> Verdict:
        faultpoint("notifier.after_claim")
        name = name_of(claim.payload)
        async with self._database.acquire() as connection:
            letter = await self._letters.read(connection, name)
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

    async def give_up(self, connection: Connection, claim: Claim) -> None:
        """The job was tried too often: a letter that may have been sent is surfaced as unknown."""
        await self._moving(name_of(claim.payload), domain.unknowable)(connection)

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
        async with self._database.transaction() as connection:
            await jobs.hold(connection, claim)
            before = await self._locked(connection, letter.request.name)
            await self._letters.add_request(connection, letter.request.name, sealed)
            await self._move(connection, before, domain.prepared(before, gateway_dedupes=self._dedupes))
        faultpoint("notifier.after_render_stored")
        return request

    async def _recall(self, claim: Claim, letter: Letter) -> bytes | Verdict:
        """The bytes that were fixed; a verdict where they can never be opened again."""
        key = await self._people.key(letter.request.citizen_id)
        if isinstance(key, NoRecipient):  # erased meanwhile; whether it was sent before, only a status can tell
            return Done(write=self._moving(letter.request.name, domain.unknowable))
        async with self._database.transaction() as connection:
            await jobs.hold(connection, claim)
            sealed = await self._letters.request_of(connection, letter.request.name)
            if not self._dedupes:
                before = await self._locked(connection, letter.request.name)
                await self._move(connection, before, domain.prepared(before, gateway_dedupes=False))
        try:
            return open_sealed(key, sealed or b"", owner=str(letter.request.citizen_id), field=SEALED_FIELD)
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

    def _moving(self, name: LetterName, step: Callable[[Letter], Letter]) -> Callable[[Connection], Awaitable[None]]:
        async def write(connection: Connection) -> None:
            before = await self._locked(connection, name)
            await self._move(connection, before, step(before))
            faultpoint("notifier.before_result")

        return write

    async def _locked(self, connection: Connection, name: LetterName) -> Letter:
        letter = await self._letters.lock(connection, name)
        assert letter is not None  # letters are never deleted
        return letter


def payload_of(name: LetterName) -> bytes:
    """What a job holds: which letter."""
    return json.dumps({"letter_id": str(name.letter_id), "version": name.version}).encode()


def name_of(payload: bytes) -> LetterName:
    """Which letter a job is about."""
    content = json.loads(payload)
    return LetterName(letter_id=UUID(content["letter_id"]), version=content["version"])
