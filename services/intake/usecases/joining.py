"""Notifications that came before their absence: kept sealed, and joined in the transaction that makes the absence known.
Reports that repeat an absence under another reference: kept sealed too, and let take effect when that one gives way.

Invariants: who waits is looked for under the lock of the absence's row, so nobody is overlooked; they join in the order
in which they were sent; none gets a second receipt. What cannot join is left, with the reason, to the sweeper. A report is kept
behind an absence, and taken from behind it, under the lock of both rows, that of the absence that stands first.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from contracts.nemrefusion.v1 import KINDS, AbsenceReport, Amendment, ReasonCode, RefundRequest, Withdrawal
from plumbing.bus import Record
from plumbing.postgres import Connection
from plumbing.sealing import SealBroken, open_sealed, seal
from services.intake.domain import Absence, Citizen, Kept, State
from services.intake.domain.absence import (
    Applied,
    Refused,
    Repeats,
    Waits,
    decide,
    effective,
    holds,
    is_taken_back,
    kept_behind,
    let_go,
)
from services.intake.usecases.candidates import Candidate, Candidates
from services.intake.usecases.known import Known
from services.intake.usecases.outcomes import Effect

log = structlog.get_logger(__name__)

SEALING_FIELD = "intake.waiting"
"""The field name that sealing binds a waiting record to, beside the citizen's id."""


class Joining:
    """Keeps notifications that wait, and lets them take effect."""

    def __init__(self, known: Known, candidates: Candidates) -> None:
        self._known = known
        self._candidates = candidates

    async def keep(self, connection: Connection, one: Candidate, since: datetime) -> None:
        """Let it wait for its absence."""
        await self._known.add_waiting(connection, self._sealed(one, since))

    async def holds(self, connection: Connection, report: Candidate) -> bool:
        """Whether the report still is about the days that it names, by what waits for it."""
        waiting, _ = await self._waiting(connection, report)
        return holds(report.claim, [each.claim for each in waiting])

    async def keep_behind(
        self, connection: Connection, report: Candidate, absence: Absence, since: datetime
    ) -> Absence:
        """The absence after its report was kept behind the one that stands. Its card counts already, being a duplicate's."""
        _, strangers = await self._waiting(connection, report)
        await self._known.refuse_waiting(connection, dict.fromkeys(strangers, ReasonCode.NOT_YOURS))
        kept = self._sealed(report, since)._replace(card_candidate=None, repeat_key=report.claim.repeat_key)
        await self._known.add_waiting(connection, kept)
        return kept_behind(absence, report.claim)

    async def give_way(self, connection: Connection, repeat_key: bytes, citizen: Citizen) -> list[Effect]:
        """Nobody stands under this key any more: the earliest sent of the reports kept behind it takes effect."""
        effects: list[Effect] = []
        for absence_id in await self._known.kept_behind(connection, repeat_key):
            absence = (await self._known.lock_absences(connection, [absence_id]))[absence_id]
            kept = await self._known.kept_report(connection, absence_id)
            if (
                kept is None or kept.repeat_key != repeat_key
            ):  # its own withdrawal, an amendment or the sweeper was quicker
                continue
            report = self._again(kept, citizen)
            if report is None:
                continue
            absence, caused = await self._take_effect(connection, absence, report)
            effects += caused
            if absence.repeat_key == repeat_key:
                break
        return effects

    async def judge_again(self, connection: Connection, absence: Absence, citizen: Citizen) -> list[Effect]:
        """Something waits now for a report kept behind another; if it is no repeat any more by that, it takes effect."""
        kept = await self._known.kept_report(connection, absence.absence_id)
        assert kept is not None, "the row of its absence says that it is kept"
        report = self._again(kept, citizen)
        if report is None or await self.holds(connection, report):
            return []
        _, effects = await self._take_effect(connection, absence, report)
        return effects

    async def _take_effect(
        self, connection: Connection, absence: Absence, report: Candidate
    ) -> tuple[Absence, list[Effect]]:
        """A kept report takes effect on its locked absence. The receipt that it got stays."""
        before = let_go(absence)
        applied = decide(before, report.claim)
        assert isinstance(applied, Applied), "the absence of a kept report is its own, and not reported"
        after, effects = await self.after(connection, report, before, applied)
        own_id = report.notification_id
        await self._known.end_waiting(connection, [own_id])
        own = (await self._known.notifications(connection, [own_id]))[own_id]
        original = own._replace(original_id=own_id, absence_id=report.absence_id)
        await self._known.point_to_original(connection, own_id, original)
        await self._known.save_absences(connection, [after])
        return after, effects

    def _sealed(self, one: Candidate, since: datetime) -> Kept:
        body = one.notice.notification
        return Kept(
            notification_id=one.notification_id,
            absence_id=one.absence_id,
            citizen_id=one.citizen.citizen_id,
            kind=body.kind,
            sent_at=body.sent_at,
            sealed=seal(
                one.citizen.key, one.notice.record.packed(), owner=str(one.citizen.citizen_id), field=SEALING_FIELD
            ),
            waits_since=since,
            card_candidate=one.citizen.card_candidate,
        )

    async def after(
        self, connection: Connection, one: Candidate, before: Absence, applied: Applied
    ) -> tuple[Absence, list[Effect]]:
        """The absence after this notification and all that waited for it, and the effects in order."""
        body = one.claim.notification
        if isinstance(body, Withdrawal):
            await self._refuse_all(connection, before)
            return applied.absence, [Effect(one, applied, told_by=one)]
        is_opening = before.state is State.AWAITED or isinstance(body, AbsenceReport)
        if not is_opening:
            return applied.absence, [Effect(one, applied, told_by=one)]
        waiting, strangers = await self._waiting(connection, one)
        await self._known.refuse_waiting(connection, dict.fromkeys(strangers, ReasonCode.NOT_YOURS))
        told_by, taken_back = one, False
        if isinstance(body, AbsenceReport):
            told_by = _holding(one, waiting)
            taken_back = is_taken_back(one.claim, [each.claim for each in waiting])
        effects = [Effect(one, applied, told_by=told_by, is_withdrawn=taken_back)]
        absence = await self._join(connection, applied.absence, waiting, told_by, effects)
        return absence, effects

    async def _join(
        self,
        connection: Connection,
        absence: Absence,
        waiting: Sequence[Candidate],
        told_by: Candidate,
        effects: list[Effect],
    ) -> Absence:
        joined: list[UUID] = []
        left: list[UUID] = []
        refused: dict[UUID, ReasonCode] = {}
        for one in waiting:
            verdict = decide(absence, one.claim)
            earlier = None
            if isinstance(verdict, Applied) and isinstance(one.claim.notification, RefundRequest):
                earlier = await self._known.add_refund(
                    connection, one.absence_id, one.claim.content, one.notification_id
                )
            match verdict:
                case Waits():  # what is known so far is not enough for this one
                    left.append(one.notification_id)
                case Refused(code=code):
                    refused[one.notification_id] = code
                case Repeats(original_id=original_id):
                    await self._repeats(connection, one, original_id)
                    joined.append(one.notification_id)
                case Applied() if earlier is not None:
                    await self._repeats(connection, one, earlier)
                    joined.append(one.notification_id)
                case Applied():
                    if isinstance(one.claim.notification, Amendment):
                        # the report has told what holds already
                        verdict = verdict._replace(is_changed=False, is_current=one is told_by)
                    absence = verdict.absence
                    effects.append(Effect(one, verdict, told_by=one))
                    joined.append(one.notification_id)
        if absence.state is State.WITHDRAWN:
            refused |= dict.fromkeys(left, ReasonCode.WITHDRAWN)
        await self._known.end_waiting(connection, joined)
        await self._known.refuse_waiting(connection, refused)
        return absence

    async def _waiting(self, connection: Connection, opening: Candidate) -> tuple[list[Candidate], list[UUID]]:
        """Those of the same citizen, in the order in which they were sent; and all others, who cannot join.

        What cannot be opened, or a later version kept and this one, put back in its place, cannot read, is neither: it goes on
        waiting.
        """
        kept = [one for one in await self._known.waiting_for(connection, opening.absence_id) if one.kind in KINDS]
        strangers = [one.notification_id for one in kept if one.citizen_id != opening.citizen.citizen_id]
        own = (self._again(one, opening.citizen) for one in kept if one.citizen_id == opening.citizen.citizen_id)
        return sorted((one for one in own if one is not None), key=lambda one: one.claim.stamp), strangers

    def _again(self, kept: Kept, citizen: Citizen) -> Candidate | None:
        citizen = replace(citizen, card_candidate=kept.card_candidate)
        record = record_of(kept, citizen)
        return None if record is None else self._candidates.again(record, citizen)

    async def _refuse_all(self, connection: Connection, absence: Absence) -> None:
        kept = await self._known.waiting_for(connection, absence.absence_id)
        ids = [one.notification_id for one in kept]
        await self._known.refuse_waiting(connection, dict.fromkeys(ids, ReasonCode.WITHDRAWN))
        report = await self._known.kept_report(connection, absence.absence_id) if absence.is_kept_behind else None
        if report is not None:  # it was answered, and has nothing to be kept for now
            await self._known.end_waiting(connection, [report.notification_id])

    async def _repeats(self, connection: Connection, one: Candidate, original_id: UUID) -> None:
        original = (await self._known.notifications(connection, [original_id]))[original_id]
        await self._known.point_to_original(connection, one.notification_id, original)


def record_of(kept: Kept, citizen: Citizen) -> Record | None:
    """The record that waits; None where it cannot be opened, since its row was damaged: that is the loss of this one alone."""
    try:
        packed = open_sealed(citizen.key, kept.sealed, owner=str(kept.citizen_id), field=SEALING_FIELD)
    except SealBroken:
        log.error("what waits cannot be opened", notification=str(kept.notification_id))
        return None
    return Record.unpacked(packed)


def _holding(report: Candidate, waiting: Sequence[Candidate]) -> Candidate:
    """The one of report and waiting amendments whose content holds."""
    claim = effective(report.claim, [one.claim for one in waiting])
    return next(one for one in (report, *waiting) if one.claim is claim)
