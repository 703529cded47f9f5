"""The bytes of a letter's sending: fixed once, before the first call, and read back for every later one. Letters that come at
once are fixed together.

Invariants (L2): what is fixed is never changed; it is written with what the register said and with how far the letter is, or not
at all; nothing is fixed by who lost the job's lease, behind a shut gate, nor for another sending than the job's; where the
gateway does not recognise repeats, bytes are given out only after the letter was written down as in doubt. Jobs are held before
letters are locked, letters in their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from plumbing import jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Claim, LeaseLost
from plumbing.postgres import Connection, Database
from plumbing.sealing import open_sealed, seal
from plumbing.together import Together
from services.notifier import domain
from services.notifier.domain import Channel, Letter, LetterName, Pace, Step
from services.notifier.letters import GatewayRequest
from services.notifier.usecases.move import Move, Mover

SEALED_FIELD: Final = "letter.request"


class Letters(Protocol):
    """Where letters and their bytes are kept."""

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]: ...

    async def add_lookups(self, connection: Connection, found: dict[LetterName, bool]) -> None: ...

    async def add_requests(self, connection: Connection, requests: Sequence[tuple[Letter, bytes]]) -> None: ...

    async def requests_of(self, connection: Connection, letters: Sequence[Letter]) -> dict[LetterName, bytes]: ...


class Gates(Protocol):
    """Where gates are kept."""

    async def shut_keys(self, connection: Connection) -> frozenset[Pace]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A sending's request that is to be fixed under this claim, by that channel; `registered` is what the register said, if it
    was asked, `key` the citizen's."""

    claim: Claim
    letter: Letter
    channel: Channel
    registered: bool | None
    request: GatewayRequest = field(repr=False)
    key: bytes = field(repr=False)


class LaterForm(Exception):
    """Kept by a version after this one."""


class FixedBytes:
    """Up to `together` letters are fixed in one transaction, those that come within `gather_seconds` of the last among them. 1 is
    for a gateway that does not recognise repeats: there a process that ends leaves every letter in doubt that was fixed and whose
    answer was not written.
    """

    def __init__(
        self,
        database: Database,
        letters: Letters,
        gates: Gates,
        move: Mover,
        *,
        gateway_dedupes: bool,
        together: int = 1,
        gather_seconds: float = 0.005,
    ) -> None:
        self._database = database
        self._letters = letters
        self._gates = gates
        self._move = move
        self._dedupes = gateway_dedupes
        self._fix = Together(self._fix_all, apart=gather_seconds, most=together)
        self._find = Together(self._find_all, apart=gather_seconds, most=together)

    async def fix(self, made: Made) -> None:
        """Seal the request and keep it. Raises LeaseLost, and Unavailable where the letter moved meanwhile."""
        await self._fix((made, seal(made.key, made.request.packed, owner=_owner(made.letter), field=SEALED_FIELD)))

    async def find(self, claim: Claim, letter: Letter, key: bytes) -> GatewayRequest:
        """What was fixed for the letter's sending. Raises LeaseLost, SealBroken and LaterForm."""
        packed = open_sealed(key, await self._find((claim, letter)), owner=_owner(letter), field=SEALED_FIELD)
        try:
            return GatewayRequest.unpacked(packed)
        except ValueError:
            raise LaterForm from None

    async def _fix_all(self, group: Sequence[tuple[Made, bytes]]) -> list[Exception | None]:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, [made.claim for made, _ in group])
            wanted = {made.letter.request.name: made for made, _ in group if made.claim in held}
            letters = await self._letters.lock(connection, list(wanted))
            # Not those that were being made when their gate was shut: their next attempt holds them.
            shut = await self._gates.shut_keys(connection)
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
            kept = [
                (fixed[name], sealed) for made, sealed in group if due.get(name := made.letter.request.name) is made
            ]
            await self._letters.add_requests(connection, kept)
            await self._move(connection, [Move(letters[name], after) for name, after in fixed.items()])
        # What moved meanwhile, e.g. by this very transaction when its commit was not heard of, is looked at anew.
        return [
            LeaseLost()
            if made.claim not in held
            else None
            if due.get(made.letter.request.name) is made
            else Unavailable("letter")
            for made, _ in group
        ]

    async def _find_all(self, wanted: Sequence[tuple[Claim, Letter]]) -> list[bytes | Exception]:
        async with self._database.transaction() as connection:
            held = await jobs.hold(connection, [claim for claim, _ in wanted])
            letters = [letter for claim, letter in wanted if claim in held]
            found = await self._letters.requests_of(connection, letters)
            if not self._dedupes:
                await self._begin(connection, letters)
        return [found.get(letter.request.name, b"") if claim in held else LeaseLost() for claim, letter in wanted]

    async def _begin(self, connection: Connection, letters: Sequence[Letter]) -> None:
        """Write down, before a call, that one is made."""
        locked = await self._letters.lock(connection, [letter.request.name for letter in letters])
        moves = []
        for letter in letters:
            before = locked[letter.request.name]
            if before.sending == letter.sending:
                moves.append(Move(before, domain.begun(before, gateway_dedupes=False)))
        await self._move(connection, moves)


def _owner(letter: Letter) -> str:
    return str(letter.request.citizen_id)
