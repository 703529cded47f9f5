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
days = st.integers(3, 6).map(lambda day: date(2026, 3, day).isoformat())


def numbered(made: Message, number: int) -> Message:
    """Ids by number, some greater and some smaller than the report's: of two sent at once the higher wins."""
    return {**made, "notification_id": str(UUID(int=number))}


@st.composite
def sets_of_messages(draw: st.DrawFn) -> list[Message]:
    """Messages about one absence, by one reporter, each under an id of its own."""
    found: list[Message] = []
    if draw(st.booleans()) or draw(st.booleans()):
        found.append({**REPORT, "sent_at": sent(draw(hours))})
    found += [
        amendment(REPORT, sent_at=sent(draw(hours)), first_absence_day=draw(days))
        for _ in range(draw(st.integers(0, 3)))
    ]
    found += [
        recovery(REPORT, sent_at=sent(draw(hours)), last_absence_day=draw(days)) for _ in range(draw(st.integers(0, 2)))
    ]
    found += [
        fast_track(REPORT, sent_at=sent(draw(hours)), first_absence_day=draw(days))
        for _ in range(draw(st.integers(0, 2)))
    ]
    found += [
        refund(REPORT, sent_at=sent(draw(hours)), period={"first_day": "2026-03-02", "last_day": draw(days)})
        for _ in range(draw(st.integers(0, 2)))
    ]
    if draw(st.integers(0, 3)) == 0:
        found.append(withdrawal(REPORT, sent_at=sent(draw(hours))))
    numbers = draw(st.permutations(range(10, 10 + len(found))))
    return [numbered(one, number) for one, number in zip(found, numbers, strict=True)]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Message], list[list[Message]]]:
    """A set of messages, and one way in which they arrive: in some order, some twice, cut into batches."""
    messages = draw(sets_of_messages())
    twice = draw(st.lists(st.sampled_from(messages), max_size=3)) if messages else []
    order = draw(st.permutations([*messages, *twice]))
    batches: list[list[Message]] = [[]]
    for one in order:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(one)
    return messages, batches


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

    def kept(self) -> dict[str, Any]:
        """What the tables say."""
        if not self.memory.absences:
            return {"state": "awaited", "waiting": 0}
        [absence] = self.memory.absences.values()
        waiting = sum(one.refused is None for one in self.memory.kept.values())
        if absence.state is State.AWAITED:
            return {"state": "awaited", "waiting": waiting}
        if absence.state is State.WITHDRAWN:
            assert waiting == 0
            return {"state": "withdrawn"}
        return self._shown(absence, waiting)

    def _shown(self, absence: Absence, waiting: int) -> dict[str, Any]:
        refunds = [one.candidate.claim.notification for one in self.effects]
        return {
            "state": absence.state.value,
            "first_absence_day": str(absence.first_absence_day),
            "recovered_day": str(absence.recovered_day) if absence.recovered_day else None,
            "fast_track": str(absence.fast_track_at.notification_id) if absence.fast_track_at else None,
            "refunds": sorted(str(one.period.last_day) for one in refunds if one.kind == "refund_requested"),
            "waiting": waiting,
        }

    def told(self) -> dict[str, Any]:
        """What somebody knows who heard nothing but the events."""
        known: dict[str, Any] = {"state": "awaited"}
        for nth, effect in enumerate(self.effects, start=1):
            body, applied = effect.candidate.claim.notification, effect.applied
            assert applied.absence.version == nth, "versions count without holes"
            effective = {one.candidate.notification_id for one in self.effects}
            assert effect.told_by.notification_id in effective, "what is told by somebody who was refused"
            _hear(known, effect, body, applied)
        return known


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


@settings(max_examples=EXAMPLES, deadline=None)
@given(arrivals())
def test_any_order_comes_to_what_the_set_of_messages_says(arrived: tuple[list[Message], list[list[Message]]]) -> None:
    messages, batches = arrived
    intake = Remembered()
    for batch in batches:
        intake.take_in(*batch)
    expected = reference(messages)
    assert intake.kept() == expected

    told = intake.told()
    assert told["state"] == expected["state"]
    if expected["state"] in {"reported", "preliminary"}:
        assert told["first_absence_day"] == expected["first_absence_day"]
        assert told.get("recovered_day") == expected["recovered_day"]


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
