"""What became known about absences: tasks are opened and closed, and letters asked for. One batch, in the caller's transaction.

Invariants: an absence is locked before anything about it is decided; its events are worked in the order of their versions as far
as they are there, and the parts of what is kept never go back to an older one; an event whose absence is not known yet is kept
and worked as soon as it is, in the same transaction; tasks and the letter about them are there together or not at all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.events import Decoded
from plumbing import audit
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Refusal, Result
from services.tasks.domain.absence import Absence, AbsenceState, Effect, Known, Waits, decide
from services.tasks.domain.demands import Task
from services.tasks.domain.records import NewLetter, Notice, Waiting
from services.tasks.usecases import announcements
from services.tasks.usecases.auditing import entry
from services.tasks.usecases.reading import AnyAbsenceEvent, Heard, happening, kept, notice, recalled


class Absences(Protocol):
    """Where absences, their tasks and what waits for them are kept."""

    async def lock_absences(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Absence]: ...

    async def lock_tasks(self, connection: Connection, ids: Collection[UUID]) -> Mapping[UUID, Sequence[Task]]: ...

    async def waiting_for(self, connection: Connection, ids: Collection[UUID]) -> Sequence[Waiting]: ...

    async def add_absences(self, connection: Connection, absences: Sequence[Absence], at: datetime) -> bool: ...

    async def save_absences(self, connection: Connection, absences: Sequence[Absence]) -> None: ...

    async def add_letters(self, connection: Connection, letters: Sequence[NewLetter]) -> None: ...

    async def close_tasks(self, connection: Connection, tasks: Sequence[Task], at: datetime) -> None: ...

    async def add_notices(self, connection: Connection, notices: Sequence[Notice]) -> None: ...

    async def add_waiting(self, connection: Connection, waiting: Sequence[Waiting]) -> None: ...

    async def end_waiting(self, connection: Connection, event_ids: Collection[str]) -> None: ...


@dataclass(kw_only=True, slots=True)
class _Folder:
    """One absence while its batch is worked. `before`: as it stands in the database; `waited`: what waits there."""

    before: Absence | None
    absence: Absence
    tasks: list[Task] = field(default_factory=list)
    waiting: dict[str, Heard] = field(default_factory=dict)
    waited: frozenset[str] = frozenset()

    def news(self) -> list[Heard]:
        """What is to wait from now on."""
        return [heard for event_id, heard in self.waiting.items() if event_id not in self.waited]

    def joined(self) -> list[str]:
        """What waits no more."""
        return [event_id for event_id in self.waited if event_id not in self.waiting]


@dataclass(kw_only=True, slots=True)
class _Changes:
    """What a batch comes to, beside the absences themselves."""

    now: datetime
    letters: list[NewLetter] = field(default_factory=list)
    closed: list[Task] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)


class FollowAbsences:
    """The stage's work for every event about absences."""

    def __init__(self, absences: Absences, clock: Clock) -> None:
        self._absences = absences
        self._clock = clock

    async def __call__(self, connection: Connection, arrivals: Sequence[Arrival[Decoded[AnyAbsenceEvent]]]) -> Result:
        if not arrivals:
            return Result()
        folders = await self._open(connection, arrivals)
        changes = _Changes(now=self._clock.now())
        refused = []
        for one in sorted(arrivals, key=lambda one: one.message.event.version):
            folder = folders[one.message.event.absence_id]
            if not _take(folder, Heard(one.message_id, one.message.event), changes):
                refused.append(_refuse(one))
        await self._save(connection, list(folders.values()), changes)
        parked = {heard.event_id for folder in folders.values() for heard in folder.news()}
        return Result(outgoing=changes.outgoing, refused=refused, parked=parked)

    async def _open(
        self, connection: Connection, arrivals: Sequence[Arrival[Decoded[AnyAbsenceEvent]]]
    ) -> dict[UUID, _Folder]:
        events = {one.message.event.absence_id: one.message.event for one in arrivals}
        locked = await self._absences.lock_absences(connection, events.keys())
        folders = {
            absence_id: _Folder(
                before=locked.get(absence_id),
                absence=locked.get(absence_id) or Absence(absence_id=absence_id, citizen_id=event.citizen_id),
            )
            for absence_id, event in events.items()
        }
        if locked:
            for absence_id, tasks in (await self._absences.lock_tasks(connection, locked.keys())).items():
                folders[absence_id].tasks += tasks
            for waiting in await self._absences.waiting_for(connection, locked.keys()):
                if (heard := recalled(waiting)) is not None:
                    folders[waiting.absence_id].waiting[waiting.event_id] = heard
            for folder in folders.values():
                folder.waited = frozenset(folder.waiting)
        return folders

    async def _save(self, connection: Connection, folders: Sequence[_Folder], changes: _Changes) -> None:
        new = [folder.absence for folder in folders if folder.before is None]
        if not await self._absences.add_absences(connection, new, changes.now):
            # Another batch has just written one that was not there when this one looked: it is locked and read the next time.
            raise Unavailable("database", "an absence was opened beside this batch")
        changed = [one.absence for one in folders if one.before is not None and one.absence != one.before]
        await self._absences.save_absences(connection, changed)
        await self._absences.add_letters(connection, changes.letters)
        await self._absences.close_tasks(connection, changes.closed, changes.now)
        await self._absences.add_notices(connection, changes.notices)
        await self._absences.add_waiting(connection, [kept(heard) for folder in folders for heard in folder.news()])
        await self._absences.end_waiting(connection, [one for folder in folders for one in folder.joined()])
        await audit.put(connection, changes.entries)


def _take(folder: _Folder, heard: Heard, changes: _Changes) -> bool:
    """Work an event, and those that waited for what it tells; False if it can never be worked."""
    match decide(folder.absence, folder.tasks, happening(heard.event), heard.event.version):
        case Known():
            return False
        case Waits():
            folder.waiting[heard.event_id] = heard
        case Effect() as effect:
            folder.waiting.pop(heard.event_id, None)
            _work(folder, heard, effect, changes)
            for waited in sorted(folder.waiting.values(), key=lambda one: one.event.version):
                if waited.event_id in folder.waiting:  # one that joined before it may have taken it along
                    _take(folder, waited, changes)
    return True


def _work(folder: _Folder, heard: Heard, effect: Effect, changes: _Changes) -> None:
    event, now, citizen_id = heard.event, changes.now, folder.absence.citizen_id
    is_opened = folder.absence.state is AbsenceState.AWAITED
    action = "absence.opened" if is_opened else event.TYPE.removeprefix("dk.mitsygefravaer.").removesuffix(".v1")
    changes.entries.append(entry(action, citizen_id, "absence", event.absence_id, now))
    folder.absence = effect.absence
    for task in effect.closes:
        folder.tasks = [one for one in folder.tasks if one.task_id != task.task_id] + [task]
        changes.closed.append(task)
        changes.entries.append(entry("task.closed", citizen_id, "task", task.task_id, now))
        changes.outgoing.append(announcements.closed(task, effect.absence, now))
    if not effect.opens:
        return
    letter = announcements.letter_about(
        effect.opens, effect.absence, cause=heard.event_id, notification_id=event.notification_id, now=now
    )
    told = notice(event)
    changes.notices += [told] if told is not None else []
    changes.letters.append(letter)
    folder.tasks += [
        Task(task_id=task.task_id, letter_id=letter.letter_id, kind=task.demand.kind, about=task.demand.about)
        for task in letter.tasks
    ]
    changes.entries += [entry("task.opened", citizen_id, "task", task.task_id, now) for task in letter.tasks]
    changes.entries.append(entry("letter.requested", citizen_id, "letter", letter.letter_id, now))
    changes.outgoing += announcements.opened(letter)


def _refuse(arrival: Arrival[Decoded[AnyAbsenceEvent]]) -> Refusal:
    return Refusal(record=arrival.record, message_id=arrival.message_id, code="absence-is-known", field="absence_id")
