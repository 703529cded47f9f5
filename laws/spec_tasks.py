"""Which tasks an absence makes, read off the table of spec section 2 a second time, from the reporter's own words.

`demanded` is a report's row of the table. `asked` goes through a whole absence in the order of effect (T4, T5, T16, T20): one
letter for each notification that asks for anything, and what has become of its tasks when all is told and nobody has answered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from laws import names
from laws.danish_days import day_of, instant
from laws.stories import Taken
from laws.told import Report, shown, stamp

COMMENT = "comment_reported_information"
REQUEST = "benefit_request"
FORM = "information_form"
CONSENT = "fast_track_consent"


class Closed(StrEnum):
    """Why a task that nobody solved is open no more (T20)."""

    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class About(StrEnum):
    """What a letter asks about: a newer one about the report, or about fast-track, takes the place of an older one."""

    REPORT = "report"
    REFUND = "refund"
    FAST_TRACK = "fast-track"


@dataclass(kw_only=True, slots=True)
class Letter:
    """One letter, its tasks in the order of solving, and why those that are closed are."""

    about: About
    kinds: tuple[str, ...]
    cause: str
    """The notification that asks."""
    closed: dict[str, Closed] = field(default_factory=dict)


def demanded(report: Report, sent_at: datetime | None = None, recovery: Report | None = None) -> tuple[str, ...]:
    """The tasks of a report in the order of solving (T1): comment, request, form. `sent_at` of the report, if not its own;
    `recovery` where one was told before it.
    """
    tasks = {
        COMMENT: _may_comment(report),
        REQUEST: _asks_for_benefit(report, _sent(report, sent_at), _back(report, recovery)),
        FORM: report.get("last_absence_day") is None,
    }
    return tuple(kind for kind in (COMMENT, REQUEST, FORM) if tasks[kind])


def asked(taken: Sequence[Taken]) -> list[Letter]:
    """The letters of an absence; `taken` is in the order of effect."""
    course = _Course(taken)
    for one in taken:
        course.take(one)
    return course.letters


def told_at_first(taken: Iterable[Taken]) -> Report | None:
    """What the report tells when it takes effect: itself, or an amendment sent later that waited for it."""
    known = [one for one in taken if one.kind == names.REPORT or (one.kind == names.AMENDMENT and one.waited)]
    if all(one.kind != names.REPORT for one in known):
        return None
    return max((one.report for one in known), key=stamp)


class _Course:
    """An absence while it is told."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        self.letters: list[Letter] = []
        self._first = told_at_first(taken)
        self._is_taken_back = any(one.kind == names.WITHDRAWAL and one.waited for one in taken)
        self._held: Report | None = None
        self._has_request = False
        self._has_form = False
        self._recovery: Report | None = None
        self._fast_track: Report | None = None
        self._is_over = False

    def take(self, one: Taken) -> None:
        if self._is_over:
            return
        match one.kind:
            case names.REPORT:
                self._reported(one)
            case names.AMENDMENT:
                self._amended(one)
            case names.REFUND:
                self._refund_requested(one)
            case names.FAST_TRACK:
                self._fast_track_requested(one)
            case names.RECOVERY:
                self._recovery = max(filter(None, (self._recovery, one.report)), key=stamp)
            case names.WITHDRAWAL:
                self._withdrawn()

    def _reported(self, one: Taken) -> None:
        self._held = self._first or one.report
        if self._is_taken_back:
            self._is_over = True  # nothing is asked of anybody
            self._close(Closed.WITHDRAWN, About)
            return
        sent_at = instant(one.report["sent_at"])
        kinds = demanded(self._held, sent_at, self._recovery)
        self._has_request = REQUEST in kinds
        self._has_form = FORM in kinds
        self._ask(About.REPORT, kinds, one)

    def _amended(self, one: Taken) -> None:
        """What was sent before what holds changes nothing, and of one that waited for its report nothing is shown any more.

        Benefit is asked for by an amendment where nothing asked for it before, also if it changes nothing: wage may have ended
        since the report was sent. A final refund request asks each time (T5). The form is asked for where no last day is told any
        more, once.
        """
        if self._held is None or stamp(one.report) < stamp(self._held):
            return
        is_changed = shown(one.report) != shown(self._held)
        self._held = one.report
        back = _back(one.report, self._recovery)
        asks = not self._has_request and _asks_for_benefit(one.report, instant(one.report["sent_at"]), back)
        self._has_request |= asks
        is_still_ill = not self._has_form and one.report.get("last_absence_day") is None
        self._has_form |= is_still_ill
        tasks = {COMMENT: is_changed and _may_comment(one.report), REQUEST: asks, FORM: is_still_ill}
        if tasks[COMMENT]:
            self._close(Closed.SUPERSEDED, (About.REPORT,), kind=COMMENT)
        self._ask(About.REPORT, tuple(kind for kind, is_due in tasks.items() if is_due), one)

    def _refund_requested(self, one: Taken) -> None:
        final = one.report.get("final") or {}
        pay = (self._held or {}).get("pay") or {}
        stops = final.get("absence_continues") is True and pay.get("kind") == "wage"
        self._has_request |= stops
        self._ask(About.REFUND, (COMMENT, REQUEST) if stops else (COMMENT,), one)

    def _fast_track_requested(self, one: Taken) -> None:
        if self._fast_track is not None and stamp(one.report) < stamp(self._fast_track):
            return
        self._fast_track = one.report
        self._close(Closed.SUPERSEDED, (About.FAST_TRACK,))
        self._ask(About.FAST_TRACK, (CONSENT,), one)

    def _withdrawn(self) -> None:
        self._is_over = True
        self._close(Closed.WITHDRAWN, About)

    def _ask(self, about: About, kinds: tuple[str, ...], one: Taken) -> None:
        if kinds:
            self.letters.append(Letter(about=about, kinds=kinds, cause=one.own_id))

    def _close(self, reason: Closed, abouts: Iterable[About], *, kind: str | None = None) -> None:
        wanted = set(abouts)
        for letter in self.letters:
            if letter.about in wanted:
                for each in letter.kinds:
                    if kind is None or each == kind:
                        letter.closed.setdefault(each, reason)


def _sent(report: Report, otherwise: datetime | None) -> datetime:
    return otherwise or (instant(report["sent_at"]) if "sent_at" in report else datetime.max.replace(tzinfo=UTC))


def _back(report: Report, recovery: Report | None) -> str | None:
    """The last day of absence, as either tells it; the earlier one where both do."""
    days = [report.get("last_absence_day"), (recovery or {}).get("last_absence_day")]
    return min((day for day in days if day is not None), default=None)


def _may_comment(report: Report) -> bool:
    """The self-employed reported themselves."""
    return report["citizen_kind"] in {"employee", "unemployed"}


def _asks_for_benefit(report: Report, sent_at: datetime, back: str | None) -> bool:
    """`back` is the last day of absence, if it is known. Of the self-employed their report is the request."""
    match report["citizen_kind"]:
        case "unemployed":
            return True
        case "employee":
            return report["pay"]["kind"] != "wage" or _wage_ended_before(sent_at, report, back)
        case _:
            return False


def _wage_ended_before(sent_at: datetime, report: Report, back: str | None) -> bool:
    """Wage is over and the absence was not: never because the person was well again."""
    if report["pay"].get("until") is None:
        return False
    until = date.fromisoformat(report["pay"]["until"])
    ended_by_recovery = back is not None and date.fromisoformat(back) <= until
    return until < day_of(sent_at) and not ended_by_recovery
