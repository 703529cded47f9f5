"""Whatever the order in which an absence's notifications arrive, and however they are cut into batches, it comes to the same.

The reference model below looks at the set of notifications only; it shares no code with what it judges. A short form runs
here; `make fuzz` runs ten thousand examples.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.nemrefusion.v1 import AbsenceReport, ReasonCode
from plumbing import ids
from services.intake.domain import Absence, State
from services.intake.domain.absence import Applied, decide, first_report
from services.intake.usecases import announcements
from services.intake.usecases.outcomes import Effect
from tests.support.intake_memory import NOW, Intake
from tests.support.notifications import (
    amendment,
    fast_track,
    recovery,
    refund,
    report,
    self_employed,
    unemployed,
    withdrawal,
)

EXAMPLES = int(os.environ.get("MITSYG_EXAMPLES", "300"))
# ten thousand take a minute of one core, on a machine that has others to serve as well some more
pytestmark = [pytest.mark.rule("N5"), pytest.mark.timeout(120 + EXAMPLES // 20)]

REPORT = report(notification_id=str(UUID(int=1)), absence_reference=str(UUID(int=2)))
SENT = datetime(2026, 3, 10, 12, tzinfo=UTC)

Message = dict[str, Any]


def sent(hours: int) -> str:
    return (SENT + timedelta(hours=hours)).isoformat()


hours = st.integers(-3, 3)  # few, so that times collide and the id decides
days = st.integers(2, 5).map(lambda day: date(2026, 3, day).isoformat())


def numbered(made: Message, number: int) -> Message:
    """Ids by number, some greater and some smaller than the report's: of two sent at once the higher wins."""
    return {**made, "notification_id": str(UUID(int=number))}


@st.composite
def sets_of_messages(draw: st.DrawFn, about: Message = REPORT, ids_from: int = 10) -> list[Message]:
    """Messages about one absence, by one reporter, each under an id of its own."""
    found: list[Message] = []
    if draw(st.booleans()) or draw(st.booleans()):
        found.append({**about, "sent_at": sent(draw(hours))})
    found += [
        amendment(about, sent_at=sent(draw(hours)), first_absence_day=draw(days))
        for _ in range(draw(st.integers(0, 3)))
    ]
    found += [
        recovery(about, sent_at=sent(draw(hours)), last_absence_day=draw(days)) for _ in range(draw(st.integers(0, 2)))
    ]
    found += [
        fast_track(about, sent_at=sent(draw(hours)), first_absence_day=draw(days))
        for _ in range(draw(st.integers(0, 2)))
    ]
    found += [
        refund(about, sent_at=sent(draw(hours)), period={"first_day": "2026-03-02", "last_day": draw(days)})
        for _ in range(draw(st.integers(0, 2)))
    ]
    if draw(st.integers(0, 3)) == 0:
        found.append(withdrawal(about, sent_at=sent(draw(hours))))
    numbers = draw(st.permutations(range(ids_from, ids_from + len(found))))
    return [numbered(one, number) for one, number in zip(found, numbers, strict=True)]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Message], list[list[Message]]]:
    """A set of messages, and one way in which they arrive: in some order, some twice, cut into batches."""
    messages = draw(sets_of_messages())
    return messages, draw(batches_of(messages))


@st.composite
def batches_of(draw: st.DrawFn, messages: list[Message]) -> list[list[Message]]:
    """The messages in some order, some twice, cut into batches."""
    twice = draw(st.lists(st.sampled_from(messages), max_size=3)) if messages else []
    order = draw(st.permutations([*messages, *twice]))
    batches: list[list[Message]] = [[]]
    for one in order:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(one)
    return batches


def reference(messages: Sequence[Message]) -> dict[str, Any]:
    """What the absence comes to, from the set alone."""

    def of(*kinds: str) -> list[Message]:
        found = [one for one in messages if one["kind"] in kinds]
        return sorted(found, key=lambda one: (datetime.fromisoformat(one["sent_at"]), UUID(one["notification_id"])))

    told, tracks, recoveries = of("absence_reported", "amended"), of("fast_track_requested"), of("recovered")
    reported = of("absence_reported")
    if not reported and not tracks:
        return {"state": "awaited", "waiting": len(messages)}
    if of("withdrawn"):
        return {"state": "withdrawn"}
    newest = told[-1] if reported else tracks[-1]
    return {
        "state": "reported" if reported else "preliminary",
        "first_absence_day": newest["first_absence_day"],
        "recovered_day": recoveries[-1]["last_absence_day"] if recoveries else None,
        "fast_track": tracks[-1]["notification_id"] if tracks else None,
        "refunds": sorted({one["period"]["last_day"] for one in of("refund_requested")}) if reported else [],
        "waiting": 0 if reported else len(of("amended", "refund_requested")),
    }


class Remembered(Intake):
    """What it came to, as the tables and as the events say."""

    def kept(self, absence_id: UUID) -> dict[str, Any]:
        """What the tables say."""
        absence = self.memory.absences.get(absence_id)
        if absence is None:
            return {"state": "awaited", "waiting": 0}
        kept = [one for one in self.memory.kept.values() if one.absence_id == absence_id]
        waiting = sum(one.refused is None and one.repeat_key is None for one in kept)
        assert sum(one.repeat_key is not None for one in kept) == absence.is_kept_behind
        if absence.state is State.AWAITED:
            return {"state": "awaited", "waiting": waiting}
        if absence.state is State.WITHDRAWN:
            assert waiting == 0
            return {"state": "withdrawn"}
        return self._shown(absence, waiting)

    def _shown(self, absence: Absence, waiting: int) -> dict[str, Any]:
        refunds = [one.candidate.claim.notification for one in self._effects_on(absence.absence_id)]
        return {
            "state": absence.state.value,
            "first_absence_day": str(absence.first_absence_day),
            "recovered_day": str(absence.recovered_day) if absence.recovered_day else None,
            "fast_track": str(absence.fast_track_at.notification_id) if absence.fast_track_at else None,
            "refunds": sorted(str(one.period.last_day) for one in refunds if one.kind == "refund_requested"),
            "waiting": waiting,
        }

    def told(self, absence_id: UUID) -> dict[str, Any]:
        """What somebody knows who heard nothing but the events."""
        known: dict[str, Any] = {"state": "awaited"}
        effects = self._effects_on(absence_id)
        effective = {one.candidate.notification_id for one in effects}
        for nth, effect in enumerate(effects, start=1):
            body, applied = effect.candidate.claim.notification, effect.applied
            assert applied.absence.version == nth, "versions count without holes"
            assert effect.told_by.notification_id in effective, "what is told by somebody who was refused"
            _hear(known, effect, body, applied)
        return known

    def key_of(self, absence_id: UUID) -> bytes | None:
        """Behind whom its report is kept."""
        return next(
            one.repeat_key for one in self.memory.kept.values() if one.absence_id == absence_id and one.repeat_key
        )

    def _effects_on(self, absence_id: UUID) -> list[Effect]:
        return [one for one in self.effects if one.candidate.absence_id == absence_id]


def _hear(known: dict[str, Any], effect: Effect, body: Any, applied: Applied) -> None:
    match body.kind:
        case "absence_reported":
            told_by: Any = effect.told_by.claim.notification
            known |= {"state": "reported", "first_absence_day": str(told_by.first_absence_day)}
        case "amended" if applied.is_current:
            known["first_absence_day"] = str(body.first_absence_day)
        case "fast_track_requested" if known["state"] == "awaited" or (
            applied.is_current and known["state"] == "preliminary"
        ):
            known |= {"state": "preliminary", "first_absence_day": str(body.first_absence_day)}
        case "recovered" if applied.is_current:
            known["recovered_day"] = str(body.last_absence_day)
        case "withdrawn":
            known["state"] = "withdrawn"
        case _:
            pass


def agrees(intake: Remembered, absence_id: UUID, expected: dict[str, Any]) -> None:
    """Tables and events say what is expected of an absence."""
    assert intake.kept(absence_id) == expected
    told = intake.told(absence_id)
    assert told["state"] == expected["state"]
    if expected["state"] in {"reported", "preliminary"}:
        assert told["first_absence_day"] == expected["first_absence_day"]
        assert told.get("recovered_day") == expected["recovered_day"]


@settings(max_examples=EXAMPLES, deadline=None)
@given(arrivals())
def test_any_order_comes_to_what_the_set_of_messages_says(arrived: tuple[list[Message], list[list[Message]]]) -> None:
    messages, batches = arrived
    intake = Remembered()
    for batch in batches:
        intake.take_in(*batch)
    agrees(intake, ids.derive(UUID(REPORT["absence_reference"]), "absence"), reference(messages))


REFERENCES = [str(UUID(int=number)) for number in (2, 3, 4)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_of_one_illness_under_several_references_one_stands_as_long_as_any_is_not_withdrawn(
    data: st.DataObject,
) -> None:
    """What stands comes to what its own messages say; what is kept behind it waits, and every other reference is as if alone."""
    sets = {
        name: data.draw(sets_of_messages({**REPORT, "absence_reference": name}, ids_from=100 * nth))
        for nth, name in enumerate(REFERENCES[: data.draw(st.integers(2, 3))], start=1)
    }
    intake = Remembered()
    for batch in data.draw(batches_of([one for messages in sets.values() for one in messages])):
        intake.take_in(*batch)

    expected = {ids.derive(UUID(name), "absence"): reference(messages) for name, messages in sets.items()}
    absences = intake.memory.absences
    kept = {one for one in expected if one in absences and absences[one].is_kept_behind}
    for absence_id, comes_to in expected.items():
        if absence_id not in kept:
            agrees(intake, absence_id, comes_to)
            continue
        days = {comes_to["first_absence_day"], REPORT["first_absence_day"]}
        assert comes_to["state"] == "reported"
        assert len(days) == 1, "kept behind another, though it tells other days"
        beside = [one for one in absences.values() if one.repeat_key == intake.key_of(absence_id)]
        assert [one.state for one in beside] == [State.REPORTED], "kept behind nothing"
    days_told = {one["first_absence_day"] for messages in sets.values() for one in messages if one["kind"] == "amended"}
    live = [one for one, comes_to in expected.items() if comes_to["state"] == "reported"]
    if live and days_told <= {REPORT["first_absence_day"]}:
        assert len(live) - len(kept) == 1


def test_the_first_report_of_an_absence_is_what_deciding_makes_of_it() -> None:
    """Most notifications take the short way; it leads to the same place."""
    for body in (report(), unemployed(), self_employed(), report(last_absence_day="2026-03-17")):
        [one] = Intake().candidates(body)
        told = one.claim.notification
        assert isinstance(told, AbsenceReport)
        nobody = Absence(absence_id=one.absence_id, absence_reference=told.absence_reference)
        assert decide(nobody, one.claim) == Applied(first_report(one.absence_id, one.claim, told), is_changed=True)


@pytest.mark.rule("N6")
@pytest.mark.parametrize("is_amended_first", [True, False])
def test_a_correction_makes_nobody_late_who_reported_in_time(is_amended_first: bool) -> None:
    """Nor early who was: what is judged is when the absence was reported, by the days that are told now."""
    employer = report(pay={"kind": "nothing"}, sent_at="2026-03-16T08:00:00Z")
    fund = unemployed(sent_at="2026-03-10T08:00:00Z")
    changes = {"cause": "work_injury", "sent_at": "2026-03-19T08:00:00Z"}
    for body, expected in ((employer, ("on_time", False)), (fund, ("no_rule", True))):
        intake = Intake()
        both = body, amendment(body, **changes)
        for one in reversed(both) if is_amended_first else both:
            intake.take_in(one)
        told = [json.loads(one.value) for one in announcements.events(intake.effects, NOW)]
        assert [(one["reporter_deadline"], one["early"]) for one in told] == [expected] * 2

    corrected = amendment(employer, first_absence_day="2026-03-01", sent_at="2026-03-19T08:00:00Z")
    intake = Intake()
    intake.take_in(employer, corrected)  # now the report came on the sixteenth day
    told = [json.loads(one.value) for one in announcements.events(intake.effects, NOW)]
    assert [one["reporter_deadline"] for one in told] == ["on_time", "late"]


def test_a_report_does_not_tell_what_an_amendment_says_that_is_refused() -> None:
    intake = Intake()
    refused = amendment(REPORT, first_absence_day="2026-03-06", sent_at="2026-03-19T11:00:00Z")
    taken = amendment(REPORT, first_absence_day="2026-03-05", sent_at="2026-03-19T09:00:00Z")
    intake.take_in(refused, withdrawal(REPORT, sent_at="2026-03-19T10:00:00Z"), taken, REPORT)

    told: Any = intake.effects[0].told_by.claim.notification
    assert told.first_absence_day == date(2026, 3, 5)
    assert [one.refused for one in intake.memory.kept.values()] == [ReasonCode.WITHDRAWN]


def test_each_accepted_message_is_told_once_and_what_cannot_join_is_refused() -> None:
    intake = Intake()
    early = withdrawal(REPORT), refund(REPORT, sent_at="2026-03-19T09:00:00Z"), recovery(REPORT, sent_at=sent(1))
    intake.take_in(*early)
    intake.take_in(REPORT)

    assert [one.candidate.claim.notification.kind for one in intake.effects] == [
        "absence_reported",
        "recovered",
        "withdrawn",
    ]
    assert intake.effects[0].is_withdrawn
    assert [one.refused for one in intake.memory.kept.values()] == [ReasonCode.WITHDRAWN]
