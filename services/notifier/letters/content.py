"""What a letter says (M1, T2). Pure: the same request, name and address give the same words.

It names the tasks in the order of solving, prints the planned day + 8 as deadline, tells where to answer (own address and
borger.dk/sygedagpenge), names the municipality as contact and never the supplier, and reminds of insurance and pension; what is
said in every letter stands in the template. It holds no letter id, and an address only on paper, for the envelope's window.
"""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from services.notifier.domain import Address
from services.notifier.letters.texts import KINDS, MAY_SUBJECT, MUST_SUBJECT, SEVERAL_OPENING, Kind, TaskText

HOME: Final = "DK"
# XML's Char ends before these two, and begins again behind them.
_NO_CHARACTERS: Final = "\ufffe\uffff"
DENMARK: Final = ZoneInfo("Europe/Copenhagen")
_WEEKDAYS: Final = ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag")
_MONTHS: Final = (
    "januar", "februar", "marts", "april", "maj", "juni",
    "juli", "august", "september", "oktober", "november", "december",
)  # fmt: skip
_ENGLISH_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Municipality:
    """Who writes: the register of 2007's 98 municipalities, by their four digits."""

    code: str
    name: str
    cvr: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Everything the template prints, in plain strings. `subject` is also the message's label: it tells nothing about health.

    `window` is what stands under the name in the envelope's window; empty in a letter that is read on a screen.
    """

    municipality: str
    recipient: str = field(repr=False)
    window: tuple[str, ...] = field(repr=False)
    date: str
    subject: str
    opening: str
    deadline_label: str
    deadline: str
    tasks_heading: str
    tasks: tuple[TaskText, ...]
    extension: str
    consequences: tuple[str, ...]
    portal: str
    english: str


def words(
    *,
    name: str,
    municipality: Municipality,
    planned_day: date,
    deadline_day: date,
    kinds: tuple[str, ...],
    portal: str,
    address: Address | None = None,
) -> Words:
    """The letter's words, with an address those of a letter on paper; raises KeyError for a task nobody can name."""
    asked = [KINDS[kind] for kind in kinds]
    is_demanded = any(one.is_demanded for one in asked)
    return Words(
        municipality=municipality.name,
        recipient=printable(name),
        window=() if address is None else _window(address),
        date=_danish(planned_day),
        subject=_subject(asked).format(day=_danish(deadline_day)),
        opening=_opening(asked),
        deadline_label="Svar senest" if is_demanded else "Du kan svare til og med",
        deadline=f"{_WEEKDAYS[deadline_day.weekday()]} den {_danish(deadline_day)}",
        tasks_heading=_tasks_heading(asked),
        tasks=tuple(one.task for one in asked),
        extension=(
            f"Er brevet sendt senere end {_unbroken(_danish(planned_day))}, får du tilsvarende længere tid."
            if all(one.has_eight_days for one in asked)
            else ""
        ),
        consequences=tuple(dict.fromkeys(one.consequence for one in asked)),
        portal=portal,
        english=_english(asked, deadline_day),
    )


def dated(kinds: Sequence[str], planned_day: date, deadline_day: date, now: datetime) -> tuple[date, date]:
    """The day and the deadline that are printed: those planned, or later where the letter is made later (it was held, or goes on
    paper after Digital Post failed). Never later than what binds, for the dispatch comes after. What the case system set
    stays."""
    day = max(planned_day, now.astimezone(DENMARK).date())
    moves = all(KINDS[kind].has_eight_days for kind in kinds)
    return day, deadline_day + (day - planned_day) if moves else deadline_day


def _subject(asked: Sequence[Kind]) -> str:
    if len({one.subject for one in asked}) == 1:
        return asked[0].subject
    return MUST_SUBJECT if any(one.is_demanded for one in asked) else MAY_SUBJECT


def _opening(asked: Sequence[Kind]) -> str:
    """What a notification asks for has one opening, that of what must be answered; unlike things have one for anything."""
    if len({one.opening for one in asked}) == 1:
        return asked[0].opening
    if all(one.is_ordered for one in asked):
        return next(one.opening for one in asked if one.is_demanded)
    return SEVERAL_OPENING


def _tasks_heading(asked: Sequence[Kind]) -> str:
    if len(asked) > 1 and all(one.is_ordered for one in asked):
        return "Det beder vi dig gøre, i denne rækkefølge"
    return "Det beder vi dig gøre" if any(one.is_demanded for one in asked) else "Det kan du gøre"


def _english(asked: Sequence[Kind], deadline_day: date) -> str:
    day = f"{deadline_day.day} {_ENGLISH_MONTHS[deadline_day.month - 1]} {deadline_day.year}"
    verb = "You must reply" if any(one.is_demanded for one in asked) else "You can reply"
    tasks = "; ".join(dict.fromkeys(one.english for one in asked))
    return (
        f"This letter is about your absence due to illness. We ask you to: {tasks}. "
        f"{verb} by midnight at the end of {_unbroken(day)}."
    )


def _window(address: Address) -> tuple[str, ...]:
    """The lines under the name. Abroad, the country stands last, in capitals and in English, as the postal union asks."""
    place = f"{address.postal_code} {address.city}"
    country = () if address.country == HOME else (_country(address.country).upper(),)
    return tuple(kept for line in (*address.lines, place, *country) if (kept := printable(line)))


def municipality(code: str) -> Municipality | None:
    """Who has that code; None where nobody has."""
    return _register().get(code)


def printable(text: str) -> str:
    """The text without what XML cannot carry and paper cannot show (control and formatting characters), in composed form."""
    kept = (
        one
        for one in unicodedata.normalize("NFC", text)
        if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co"} and one not in _NO_CHARACTERS
    )
    return " ".join("".join(kept).split())


@cache
def _register() -> dict[str, Municipality]:
    listed = json.loads(resources.files(__package__).joinpath("municipalities.json").read_bytes())
    return {code: Municipality(code=code, **entry) for code, entry in listed.items()}


@cache
def _countries() -> dict[str, str]:
    """English names by ISO 3166-1 code, from the table that comes with the time zones."""
    lines = (resources.files("tzdata.zoneinfo") / "iso3166.tab").read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def _country(code: str) -> str:
    return _countries().get(code, code)


def _danish(day: date) -> str:
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"


def _unbroken(text: str) -> str:
    """The same, on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
