"""Judging reports by what is known: which opens an absence, which repeats one, which contradicts one (N4, N5).

Invariants: the outcome of a record does not depend on how the log is cut into batches. Reports that share an id, an absence or a
repeat key are judged one after the other, each by what the one before left in the tables; all others together, in a few
statements. Exact repeats within a batch follow the first of them.
"""

from collections.abc import Collection, Hashable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.nemrefusion.v1 import ReasonCode, reason
from plumbing.postgres import Connection
from services.intake.domain import Absence, Notification
from services.intake.usecases.outcomes import Accepted, Candidate, Duplicate, Outcome
from services.intake.usecases.reading import Rejected, Report

_Same = tuple[UUID, bytes]


class Known(Protocol):
    """What was taken in so far, and where it is added to."""

    async def add_notifications(
        self, connection: Connection, notifications: Sequence[Notification], received_at: datetime
    ) -> set[UUID]: ...

    async def notifications(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Notification]: ...

    async def add_absences(
        self, connection: Connection, absences: Sequence[Absence], accepted_at: datetime
    ) -> set[UUID]: ...

    async def absences_like(self, connection: Connection, absences: Sequence[Absence]) -> list[Absence]: ...

    async def point_to_original(self, connection: Connection, notification_id: UUID, original: Absence) -> None: ...

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None: ...


class Judge:
    """Judges within the caller's transaction; what is accepted is written."""

    def __init__(self, known: Known) -> None:
        self._known = known

    async def judge(
        self, connection: Connection, candidates: Sequence[Candidate], received_at: datetime
    ) -> list[Outcome]:
        """The outcome of each, in order."""
        firsts: dict[_Same, Candidate] = {}
        for one in candidates:
            firsts.setdefault((one.notification_id, one.fingerprint), one)
        outcomes: dict[_Same, Outcome] = {}
        for independent in in_rounds(list(firsts.values())):
            judged = await self._together(connection, independent, received_at)
            for one, outcome in zip(independent, judged, strict=True):
                outcomes[one.notification_id, one.fingerprint] = outcome
        found = []
        for one in candidates:
            same = one.notification_id, one.fingerprint
            found.append(outcomes[same] if one is firsts[same] else _again(one.report, outcomes[same]))
        return found

    async def _together(
        self, connection: Connection, independent: Sequence[Candidate], received_at: datetime
    ) -> list[Outcome]:
        fresh = await self._known.add_notifications(
            connection, [_notification(one) for one in independent], received_at
        )
        stale = [one.notification_id for one in independent if one.notification_id not in fresh]
        known = await self._known.notifications(connection, stale)
        opening = [one for one in independent if one.notification_id in fresh]
        opened = await self._known.add_absences(connection, [one.absence for one in opening], received_at)
        repeats = [one for one in opening if one.absence.absence_id not in opened]
        alike = await self._known.absences_like(connection, [one.absence for one in repeats])
        outcomes: list[Outcome] = []
        for one in independent:
            if one.notification_id not in fresh:
                outcomes.append(by_id(one.report, one.fingerprint, known[one.notification_id]))
            elif one.absence.absence_id in opened:
                outcomes.append(Accepted(candidate=one))
            else:
                outcomes.append(await self._repeat(connection, one, alike))
        return outcomes

    async def _repeat(self, connection: Connection, one: Candidate, alike: Sequence[Absence]) -> Outcome:
        """A report under a new id about an absence that is known: the same again, or something else to be corrected."""
        wanted = one.absence
        original = next(
            each for each in alike if each.absence_id == wanted.absence_id or each.repeat_key == wanted.repeat_key
        )
        if original.content != wanted.content or original.citizen_id != wanted.citizen_id:
            await self._known.forget(connection, [one.notification_id])  # an id that was rejected is free
            return reject(one.report, ReasonCode.REPEATED_ABSENCE, "absence_reference")
        await self._known.point_to_original(connection, one.notification_id, original)
        return Duplicate(
            report=one.report,
            original_id=original.notification_id,
            receipt_id=original.receipt_id,
            absence_id=original.absence_id,
        )


def in_rounds(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Cut so that in each round no two share an id, an absence or a repeat key, and those that do keep their order."""
    rounds: list[list[Candidate]] = []
    next_round: dict[Hashable, int] = {}
    for one in candidates:
        shared = (("id", one.notification_id), ("absence", one.absence.absence_id), ("key", one.absence.repeat_key))
        number = max(next_round.get(name, 0) for name in shared)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(one)
        for name in shared:
            next_round[name] = number + 1
    return rounds


def by_id(report: Report, fingerprint: bytes, known: Notification) -> Outcome:
    """A report whose id is known: a repeat, or a conflict."""
    if known.fingerprint != fingerprint:
        return reject(report, ReasonCode.CONFLICT, "notification_id")
    return Duplicate(
        report=report, original_id=known.original_id, receipt_id=known.receipt_id, absence_id=known.absence_id
    )


def reject(report: Report, code: ReasonCode, field: str, text: str | None = None) -> Rejected:
    """Reject a report that could be read."""
    return Rejected(
        record=report.record,
        reasons=(reason(field, code, text),),
        notification_id=report.report.notification_id,
        absence_reference=report.report.absence_reference,
    )


def _again(report: Report, outcome: Outcome) -> Outcome:
    """The same message once more in the same batch."""
    if isinstance(outcome, Rejected):
        return Rejected(
            record=report.record,
            reasons=outcome.reasons,
            notification_id=outcome.notification_id,
            absence_reference=outcome.absence_reference,
        )
    return Duplicate(
        report=report,
        original_id=outcome.original_id,
        receipt_id=outcome.receipt_id,
        absence_id=outcome.absence_id,
    )


def _notification(one: Candidate) -> Notification:
    return Notification(
        notification_id=one.notification_id,
        fingerprint=one.fingerprint,
        original_id=one.notification_id,
        receipt_id=one.absence.receipt_id,
        absence_id=one.absence.absence_id,
    )
