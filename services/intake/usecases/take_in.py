"""Taking notifications in: a batch of records becomes absences, receipts and dead letters, in one transaction.

Invariants (spec N3, N4, N5): every record gets exactly one fate and exactly one receipt, however often it is
delivered; a notification id has its effect once, the same id with another content is a conflict; an absence is opened
once; what is rejected is answered with reasons and buried, and what stands beside it goes on. People are resolved
before the transaction, so that nothing is asked of anybody while it is open. An id that was rejected is free again:
the corrected message may carry it.
"""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.nemrefusion.v1 import AbsenceReport, ReasonCode, reason
from plumbing import audit, ids, inbox, outbox
from plumbing.bus import Record
from plumbing.clock import Clock
from plumbing.dead_letters import KeyNotFetched, Undertaker
from plumbing.dead_letters import Reason as BurialReason
from plumbing.faults import faultpoint
from plumbing.inbox import Fate, Settled
from plumbing.postgres import Connection, Database
from plumbing.telemetry import metrics
from services.intake.domain import Absence, Citizen, Notification, Rules
from services.intake.usecases import announcements
from services.intake.usecases.outcomes import Accepted, Duplicate, Outcome
from services.intake.usecases.reading import Rejected, Report, read


class People(Protocol):
    """Who reports are about."""

    async def resolve(self, reports: Sequence[AbsenceReport]) -> list[Citizen | None]:
        """The citizen of each report; None where the person was erased since. Raises Unavailable."""
        ...


class Notifications(Protocol):
    """What taking in needs to keep."""

    async def add_notifications(
        self, connection: Connection, notifications: Sequence[Notification], received_at: datetime
    ) -> set[UUID]: ...

    async def notifications(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Notification]: ...

    async def add_absences(
        self, connection: Connection, absences: Sequence[Absence], accepted_at: datetime
    ) -> set[UUID]: ...

    async def absences_like(self, connection: Connection, absences: Sequence[Absence]) -> list[Absence]: ...

    async def point_to_original(
        self, connection: Connection, notification_id: UUID, *, receipt_id: UUID, absence_id: UUID
    ) -> None: ...

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A report whose citizen is known, and the absence that it would open."""

    report: Report
    citizen: Citizen
    told: str
    fingerprint: bytes
    absence: Absence

    @property
    def notification_id(self) -> UUID:
        return self.report.report.notification_id


class _SettledBefore(Exception):
    """Records got their fate in an earlier delivery, when things stood otherwise: it stays, the batch is done without them."""

    def __init__(self, positions: set[str]) -> None:
        super().__init__(f"{len(positions)} records were settled before")
        self.positions = positions


class TakeIn:
    """The work of the notification subscription."""

    def __init__(
        self,
        database: Database,
        *,
        people: People,
        notifications: Notifications,
        undertaker: Undertaker,
        clock: Clock,
        rules: Rules,
        fingerprint_key: bytes,
        wake_relay: Callable[[], None],
    ) -> None:
        self._database = database
        self._people = people
        self._notifications = notifications
        self._undertaker = undertaker
        self._clock = clock
        self._rules = rules
        self._key = fingerprint_key
        self._wake_relay = wake_relay

    async def __call__(self, records: Sequence[Record]) -> None:
        received_at = self._clock.now()
        readings = await self._read(records, received_at)
        if any(isinstance(one, Rejected) for one in readings):
            await self._undertaker.prepare()
        faultpoint("intake.before_transaction")
        fates = await self._settle(readings, received_at)
        faultpoint("intake.after_commit")
        self._wake_relay()
        for fate, topic in fates:
            metrics.RECORDS.labels(topic, fate.value).inc()

    async def _settle(self, readings: Sequence[_Candidate | Rejected], received_at: datetime) -> list[tuple[Fate, str]]:
        while True:
            try:
                return await self._transact(readings, received_at)
            except KeyNotFetched:  # only the tables knew that there is something to reject
                await self._undertaker.prepare()
            except _SettledBefore as before:
                readings = [one for one in readings if inbox.position_id(_record(one)) not in before.positions]

    # before the transaction --------------------------------------------------------------------------------------------------

    async def _read(self, records: Sequence[Record], received_at: datetime) -> list[_Candidate | Rejected]:
        readings = [read(record, received_at, self._rules) for record in records]
        faultpoint("intake.after_validation")
        reports = [one for one in readings if isinstance(one, Report)]
        citizens = iter(await self._people.resolve([one.report for one in reports]) if reports else [])
        return [self._candidate(one, next(citizens)) if isinstance(one, Report) else one for one in readings]

    def _candidate(self, report: Report, citizen: Citizen | None) -> _Candidate | Rejected:
        body = report.report
        if citizen is None:
            return _reject(report, ReasonCode.TOO_LATE, "sent_at")
        told = announcements.told(body)
        return _Candidate(
            report=report,
            citizen=citizen,
            told=told,
            fingerprint=self._keyed(report.fingerprint),
            absence=Absence(
                absence_id=ids.derive(body.absence_reference, "absence"),
                absence_reference=body.absence_reference,
                repeat_key=self._keyed(announcements.repeat_key(body, citizen.citizen_id)),
                content=self._keyed(told.encode()),
                citizen_id=citizen.citizen_id,
                notification_id=body.notification_id,
                receipt_id=report.receipt_id,
                first_absence_day=body.first_absence_day,
                sent_at=body.sent_at,
            ),
        )

    def _keyed(self, content: bytes) -> bytes:
        """A hash that says nothing to whoever lacks the key: what is hashed could be guessed."""
        return hmac.digest(self._key, content, "sha256")

    # inside it ---------------------------------------------------------------------------------------------------------------

    async def _transact(
        self, readings: Sequence[_Candidate | Rejected], received_at: datetime
    ) -> list[tuple[Fate, str]]:
        async with self._database.transaction() as connection:
            outcomes = await self._decide(connection, readings, received_at)
            settled = [_settled(one) for one in outcomes]
            is_new = await inbox.settle(connection, settled)
            late = {
                inbox.position_id(one.report.record)
                for one, new in zip(outcomes, is_new, strict=True)
                if isinstance(one, Accepted) and not new
            }
            if late:
                raise _SettledBefore(late)
            new_outcomes = [one for one, new in zip(outcomes, is_new, strict=True) if new]
            letters = await self._undertaker.bury(
                connection,
                [
                    (one.record, [BurialReason(field=why.field, code=why.code) for why in one.reasons])
                    for one in new_outcomes
                    if isinstance(one, Rejected)
                ],
            )
            faultpoint("intake.in_transaction")
            messages = announcements.of(new_outcomes, received_at)
            await outbox.put(connection, [*messages, *letters])
            await audit.put(connection, announcements.audit_entries(new_outcomes, received_at))
            faultpoint("intake.before_commit")
        return [(one.fate, one.record.topic) for one, new in zip(settled, is_new, strict=True) if new]

    async def _decide(
        self, connection: Connection, readings: Sequence[_Candidate | Rejected], received_at: datetime
    ) -> list[Outcome]:
        """The outcome of each record, in order; what is accepted is written."""
        firsts: dict[UUID, _Candidate] = {}
        for one in readings:
            if isinstance(one, _Candidate):
                firsts.setdefault(one.notification_id, one)
        fresh = await self._notifications.add_notifications(
            connection, [_notification(one) for one in firsts.values()], received_at
        )
        known = await self._notifications.notifications(connection, firsts.keys() - fresh)
        opened = await self._open(
            connection, [one for one in firsts.values() if one.notification_id in fresh], received_at
        )
        return [
            one if isinstance(one, Rejected) else _outcome(one, firsts[one.notification_id], opened, known)
            for one in readings
        ]

    async def _open(
        self, connection: Connection, candidates: Sequence[_Candidate], received_at: datetime
    ) -> dict[UUID, Outcome]:
        """The outcome of each report whose notification id is new, by that id."""
        if not candidates:
            return {}
        by_absence = _first_of_each_absence(candidates)
        new = await self._notifications.add_absences(
            connection, [one.absence for one in by_absence.values()], received_at
        )
        opening = {by_absence[absence_id].notification_id for absence_id in new}
        repeats = [one for one in candidates if one.notification_id not in opening]
        alike = await self._notifications.absences_like(connection, [one.absence for one in repeats])
        outcomes: dict[UUID, Outcome] = {
            one.notification_id: Accepted(report=one.report, citizen=one.citizen, told=one.told, absence=one.absence)
            for one in candidates
            if one.notification_id in opening
        }
        for one in repeats:
            outcomes[one.notification_id] = outcome = _repeat(one, alike)
            if isinstance(outcome, Duplicate):
                await self._notifications.point_to_original(
                    connection, one.notification_id, receipt_id=outcome.receipt_id, absence_id=outcome.absence_id
                )
        rejected = [notification_id for notification_id, outcome in outcomes.items() if isinstance(outcome, Rejected)]
        await self._notifications.forget(connection, rejected)
        return outcomes


def _first_of_each_absence(candidates: Sequence[_Candidate]) -> dict[UUID, _Candidate]:
    """Of reports in one batch about one absence, by reference or by repeat key, the first in the log may open it."""
    firsts: dict[UUID, _Candidate] = {}
    keys: set[bytes] = set()
    for one in candidates:
        if one.absence.absence_id not in firsts and one.absence.repeat_key not in keys:
            firsts[one.absence.absence_id] = one
            keys.add(one.absence.repeat_key)
    return firsts


def _outcome(
    one: _Candidate, first: _Candidate, opened: dict[UUID, Outcome], known: dict[UUID, Notification]
) -> Outcome:
    earlier = known.get(one.notification_id)
    if earlier is not None:
        if earlier.fingerprint != one.fingerprint:
            return _reject(one.report, ReasonCode.CONFLICT, "notification_id")
        return _duplicate(one.report, earlier.receipt_id, earlier.absence_id)
    if one is first:
        return opened[one.notification_id]
    return _again(one, first, opened[one.notification_id])


def _again(one: _Candidate, first: _Candidate, outcome: Outcome) -> Outcome:
    """A report whose id came earlier in the same batch."""
    if one.fingerprint != first.fingerprint:
        return _reject(one.report, ReasonCode.CONFLICT, "notification_id")
    if isinstance(outcome, Rejected):
        return replace(outcome, record=one.report.record)
    return _duplicate(one.report, outcome.receipt_id, outcome.absence_id)


def _duplicate(report: Report, receipt_id: UUID, absence_id: UUID) -> Duplicate:
    """The same notification once more."""
    return Duplicate(
        report=report, notification_id=report.report.notification_id, receipt_id=receipt_id, absence_id=absence_id
    )


def _repeat(one: _Candidate, alike: Sequence[Absence]) -> Duplicate | Rejected:
    """A report under a new id about an absence that is known: the same again, or something that should be an amendment."""
    wanted = one.absence
    for absence in alike:
        if absence.absence_id == wanted.absence_id or absence.repeat_key == wanted.repeat_key:
            if absence.content == wanted.content and absence.citizen_id == wanted.citizen_id:
                return Duplicate(
                    report=one.report,
                    notification_id=absence.notification_id,
                    receipt_id=absence.receipt_id,
                    absence_id=absence.absence_id,
                )
            break
    return _reject(one.report, ReasonCode.REPEATED_ABSENCE, "absence_reference")


def _reject(report: Report, code: ReasonCode, field: str) -> Rejected:
    return Rejected(
        record=report.record,
        reasons=(reason(field, code),),
        notification_id=report.report.notification_id,
        absence_reference=report.report.absence_reference,
    )


def _notification(one: _Candidate) -> Notification:
    return Notification(
        notification_id=one.notification_id,
        fingerprint=one.fingerprint,
        receipt_id=one.report.receipt_id,
        absence_id=one.absence.absence_id,
    )


def _record(one: "_Candidate | Rejected") -> Record:
    return one.record if isinstance(one, Rejected) else one.report.record


def _settled(one: Outcome) -> Settled:
    match one:
        case Accepted():
            return Settled(
                record=one.report.record, message_id=str(one.report.report.notification_id), fate=Fate.ACCEPTED
            )
        case Duplicate():
            return Settled(record=one.report.record, message_id=str(one.notification_id), fate=Fate.DUPLICATE)
        case Rejected():
            message_id = str(one.notification_id) if one.notification_id else inbox.position_id(one.record)
            return Settled(record=one.record, message_id=message_id, fate=Fate.REJECTED, reason=one.reasons[0].code)
