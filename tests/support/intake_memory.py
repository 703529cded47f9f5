"""What intake knows, in memory: `Known` without a database, for properties that need many thousand examples.

The real store is held to the same behaviour by the integration tests.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from contracts.nemrefusion.v1 import ReasonCode
from plumbing.postgres import Connection
from services.intake.domain import Absence, Card, Citizen, Kept, Notification, Rules
from services.intake.usecases.candidates import Candidate, Candidates
from services.intake.usecases.joining import Joining
from services.intake.usecases.judging import Judge
from services.intake.usecases.outcomes import Effect, Outcome
from services.intake.usecases.reading import Notice, read
from tests.support.notifications import raw, record

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = Rules(accept_test_cpr=True, is_municipality=lambda _code, _day: True)
CITIZEN = Citizen(citizen_id=UUID(int=7), key=b"k" * 32)
_NO_CONNECTION = cast("Connection", None)


class Memory:
    """Dictionaries in place of tables."""

    def __init__(self) -> None:
        self.taken: dict[UUID, Notification] = {}
        self.absences: dict[UUID, Absence] = {}
        self.refunds: dict[tuple[UUID, bytes], UUID] = {}
        self.kept: dict[UUID, Kept] = {}
        self.cards: set[Card] = set()

    async def add_notifications(
        self, _connection: Connection, notifications: Sequence[Notification], _received_at: datetime
    ) -> set[UUID]:
        new = {one.notification_id: one for one in notifications if one.notification_id not in self.taken}
        self.taken |= new
        return set(new)

    async def notifications(self, _connection: Connection, ids: Collection[UUID]) -> dict[UUID, Notification]:
        return {one: self.taken[one] for one in ids if one in self.taken}

    async def point_to_original(self, _connection: Connection, notification_id: UUID, original: Notification) -> None:
        self.taken[notification_id] = self.taken[notification_id]._replace(
            original_id=original.original_id, receipt_id=original.receipt_id, absence_id=original.absence_id
        )

    async def forget(self, _connection: Connection, ids: Collection[UUID]) -> None:
        for one in ids:
            self.taken.pop(one, None)

    async def add_absences(
        self, _connection: Connection, absences: Sequence[Absence], _accepted_at: datetime
    ) -> set[UUID]:
        added = set()
        for one in absences:
            keys = {known.repeat_key for known in self.absences.values() if known.repeat_key is not None}
            if one.absence_id not in self.absences and one.repeat_key not in keys:
                self.absences[one.absence_id] = one
                added.add(one.absence_id)
        return added

    async def absences_by_key(
        self, _connection: Connection, repeat_keys: Collection[bytes]
    ) -> dict[bytes | None, Absence]:
        return {one.repeat_key: one for one in self.absences.values() if one.repeat_key in repeat_keys}

    async def await_absences(self, _connection: Connection, references: Mapping[UUID, UUID], _since: datetime) -> None:
        for absence_id, reference in references.items():
            self.absences.setdefault(absence_id, Absence(absence_id=absence_id, absence_reference=reference))

    async def lock_absences(self, _connection: Connection, absence_ids: Collection[UUID]) -> dict[UUID, Absence]:
        return {one: self.absences[one] for one in absence_ids if one in self.absences}

    async def save_absences(self, _connection: Connection, absences: Sequence[Absence]) -> None:
        for one in absences:
            others = {each.repeat_key for each in self.absences.values() if each.absence_id != one.absence_id}
            key = None if one.repeat_key in others else one.repeat_key
            self.absences[one.absence_id] = one._replace(repeat_key=key)

    async def add_refund(
        self, _connection: Connection, absence_id: UUID, content: bytes, notification_id: UUID
    ) -> UUID | None:
        first = self.refunds.setdefault((absence_id, content), notification_id)
        return None if first == notification_id else first

    async def add_cards(self, _connection: Connection, cards: Sequence[Card]) -> None:
        self.cards |= set(cards)

    async def add_waiting(self, _connection: Connection, kept: Kept) -> None:
        self.kept[kept.notification_id] = kept

    async def waiting_for(self, _connection: Connection, absence_id: UUID) -> list[Kept]:
        waiting = [one for one in self.kept.values() if one.absence_id == absence_id and one.refused is None]
        return _in_order(one for one in waiting if one.repeat_key is None)

    async def kept_behind(self, _connection: Connection, repeat_key: bytes) -> list[UUID]:
        return [one.absence_id for one in _in_order(self.kept.values()) if one.repeat_key == repeat_key]

    async def kept_report(self, _connection: Connection, absence_id: UUID) -> Kept | None:
        found = [one for one in self.kept.values() if one.absence_id == absence_id and one.repeat_key is not None]
        return found[0] if found else None

    async def end_waiting(self, _connection: Connection, notification_ids: Collection[UUID]) -> None:
        for one in notification_ids:
            self.kept.pop(one, None)

    async def refuse_waiting(self, _connection: Connection, refused: Mapping[UUID, ReasonCode]) -> None:
        for one, code in refused.items():
            self.kept[one] = self.kept[one]._replace(refused=code)


def _in_order(kept: Iterable[Kept]) -> list[Kept]:
    return sorted(kept, key=lambda one: (one.sent_at, one.notification_id))


class Intake:
    """Judging without Kafka and database; `outcomes` and `effects` of all that was taken in so far."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.outcomes: list[Outcome] = []
        self.effects: list[Effect] = []
        self._candidates = Candidates(b"f" * 32)
        self._judge = Judge(self.memory, Joining(self.memory, self._candidates))

    def take_in(self, *batch: dict[str, Any], citizen: Citizen = CITIZEN) -> None:
        """One batch, all about one citizen."""
        self._judge_batch(self.candidates(*batch, citizen=citizen))

    def take_in_of(self, batch: Sequence[dict[str, Any]], citizens: Mapping[str, Citizen]) -> None:
        """One batch about several, by CPR number."""
        self._judge_batch(
            [
                candidate
                for nth, one in enumerate(batch)
                for candidate in self.candidates(one, citizen=citizens[one["citizen"]["cpr"]], begin=nth)
            ]
        )

    def candidates(self, *batch: dict[str, Any], citizen: Citizen = CITIZEN, begin: int = 0) -> list[Candidate]:
        """The batch as it is judged; each can be accepted as far as it can be told from itself."""
        behind = len(self.outcomes) + begin
        notices = [read(record(raw(one), behind + nth), NOW, RULES) for nth, one in enumerate(batch)]
        assert all(isinstance(one, Notice) for one in notices), notices
        return [self._candidates.of(one, citizen) for one in notices if isinstance(one, Notice)]

    def _judge_batch(self, candidates: Sequence[Candidate]) -> None:
        judged = asyncio.run(self._judge.judge(_NO_CONNECTION, candidates, NOW))
        self.outcomes += judged.outcomes
        self.effects += judged.effects
