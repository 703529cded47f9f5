"""What is written as text at once has the bytes that the model of the event would have, headers and all."""

from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import MESSAGES
from contracts.events import Event, encode
from contracts.letter.v1 import LetterRequested, LetterTask
from contracts.letter.writing import letter_requested
from contracts.task.v1 import TaskDeadlineSet, TaskKind, TaskOpened
from contracts.task.writing import task_deadline_set, task_opened

IDS = st.uuids()
KINDS = st.sampled_from(TaskKind)
DAYS = st.dates(min_value=date(1900, 1, 1))
INSTANTS = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants it naive
MUNICIPALITIES = st.from_regex(r"[0-9]{4}", fullmatch=True)


@given(IDS, st.builds(TaskOpened, kind=KINDS, order_in_letter=st.integers(1, 100), opened_at=INSTANTS))
def test_an_opened_task_is_written_as_its_model_is(event_id: UUID, event: TaskOpened) -> None:
    written = task_opened(
        event_id=event_id,
        task_id=event.task_id,
        absence_id=str(event.absence_id),
        citizen_id=str(event.citizen_id),
        kind=event.kind,
        letter_id=str(event.letter_id),
        order_in_letter=event.order_in_letter,
        opened_at=event.opened_at,
    )

    assert written == encode(event, event_id=event_id, time=event.opened_at)


@given(
    IDS,
    INSTANTS,
    st.builds(
        TaskDeadlineSet, kind=KINDS, dispatched_at=INSTANTS, day_zero=DAYS, deadline_day=DAYS, deadline_at=INSTANTS
    ),
)
def test_a_deadline_is_written_as_its_model_is(event_id: UUID, time: datetime, event: TaskDeadlineSet) -> None:
    written = task_deadline_set(
        event_id=event_id,
        time=time,
        task_id=event.task_id,
        absence_id=str(event.absence_id),
        citizen_id=str(event.citizen_id),
        kind=event.kind,
        letter_id=str(event.letter_id),
        dispatched_at=event.dispatched_at,
        day_zero=event.day_zero,
        deadline_day=event.deadline_day,
        deadline_at=event.deadline_at,
    )

    assert written == encode(event, event_id=event_id, time=time)


@given(
    IDS,
    st.builds(
        LetterRequested,
        version=st.integers(1, 2**31 - 1),
        municipality_code=MUNICIPALITIES,
        planned_day=DAYS,
        planned_deadline_day=DAYS,
        tasks=st.lists(st.builds(LetterTask, kind=KINDS), min_size=1, max_size=5).map(tuple),
        requested_at=INSTANTS,
    ),
)
def test_a_request_for_a_letter_is_written_as_its_model_is(event_id: UUID, event: LetterRequested) -> None:
    written = letter_requested(
        event_id=event_id,
        letter_id=str(event.letter_id),
        version=event.version,
        absence_id=str(event.absence_id),
        citizen_id=str(event.citizen_id),
        municipality_code=event.municipality_code,
        planned_day=event.planned_day,
        planned_deadline_day=event.planned_deadline_day,
        tasks=[(task.task_id, task.kind) for task in event.tasks],
        requested_at=event.requested_at,
    )

    assert written == encode(event, event_id=event_id, time=event.requested_at)


def test_the_writers_know_every_field_of_their_events() -> None:
    """A field that is added to a model, be it one that may be left out, is to be added to its writer and to the tests above."""
    known: dict[type[Event], set[str]] = {
        TaskOpened: {"task_id", "absence_id", "citizen_id", "kind", "letter_id", "order_in_letter", "opened_at"},
        TaskDeadlineSet: {"task_id", "absence_id", "citizen_id", "kind", "letter_id"}
        | {"dispatched_at", "day_zero", "deadline_day", "deadline_at"},
        LetterRequested: {"letter_id", "version", "absence_id", "citizen_id", "municipality_code"}
        | {"planned_day", "planned_deadline_day", "tasks", "requested_at"},
    }

    assert {event: set(event.model_fields) for event in known} == known
    assert known.keys() <= {message.event for message in MESSAGES}
