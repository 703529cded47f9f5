"""What a letter says (M1, T2). Pure: the same request and the same name give the same words.

It names the tasks in the order of solving, prints the planned day + 8 as deadline, tells where to answer (own address and
borger.dk/sygedagpenge), names the municipality as contact and never the supplier, and reminds of insurance and pension. It holds
no letter id and no address: the words are the same however often they are made, and nobody needs the address to read them.
"""

import json
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Final

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
class TaskText:
    """A task as the letter names it."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Everything the template prints. `subject` is also the message's label: it tells nothing about health."""

    municipality: str
    recipient: str
    date: str
    subject: str
    deadline: str
    planned: str
    tasks: tuple[TaskText, ...]
    consequences: tuple[str, ...]
    portal: str
    english_deadline: str
    english_tasks: str


_TASKS: Final = {
    "comment_reported_information": TaskText(
        title="Kommentér oplysninger",
        text="Se, hvad der er oplyst om dit fravær, og fortæl os, om det er rigtigt.",
    ),
    "benefit_request": TaskText(
        title="Anmodning om sygedagpenge",
        text="Fortæl os, om du vil søge om sygedagpenge.",
    ),
    "information_form": TaskText(
        title="Oplysningsskema",
        text="Fortæl om dit fravær og dit arbejde, så vi kan hjælpe dig bedst muligt.",
    ),
    "fast_track_consent": TaskText(
        title="Fast-track",
        text="Din arbejdsgiver har bedt om en tidlig indsats. Fortæl os, om du er enig.",
    ),
    "supplementary_information": TaskText(
        title="Supplerende oplysninger",
        text="Vi mangler oplysninger for at kunne behandle din sag.",
    ),
    "party_hearing": TaskText(
        title="Partshøring",
        text="Se, hvad vi lægger vægt på, og skriv, hvad du mener, før vi afgør sagen.",
    ),
    "relocation_consent": TaskText(
        title="Flyttesamtykke",
        text="Fortæl os, om din nye kommune må få oplysningerne i din sag.",
    ),
}

_CONSEQUENCES: Final = {
    "comment_reported_information": (
        "Svarer du ikke på »Kommentér oplysninger« inden fristen, går vi ud fra, at du er enig i det oplyste."
    ),
    "benefit_request": (
        "Søger du senere end fristen, kan du normalt først få sygedagpenge fra den dag, vi modtager din anmodning."
    ),
    "information_form": (
        "Kommer oplysningsskemaet for sent uden rimelig grund, kan retten til sygedagpenge eller refusion gå tabt."
    ),
}


def words(
    *, name: str, municipality: Municipality, planned_day: date, deadline_day: date, kinds: tuple[str, ...], portal: str
) -> Words:
    """The letter's words; raises KeyError for a task nobody can name."""
    return Words(
        municipality=municipality.name,
        recipient=printable(name),
        date=_danish(planned_day),
        subject=f"Du skal svare senest {_danish(deadline_day)}",
        deadline=f"{_WEEKDAYS[deadline_day.weekday()]} den {_danish(deadline_day)}",
        planned=_danish(planned_day),
        tasks=tuple(_TASKS[kind] for kind in kinds),
        consequences=tuple(_CONSEQUENCES[kind] for kind in kinds if kind in _CONSEQUENCES),
        portal=portal,
        english_deadline=f"{deadline_day.day} {_ENGLISH_MONTHS[deadline_day.month - 1]} {deadline_day.year}",
        english_tasks="one task" if len(kinds) == 1 else f"{len(kinds)} tasks",
    )


def municipality(code: str) -> Municipality | None:
    """Who has that code; None where nobody has."""
    return _register().get(code)


def printable(text: str) -> str:
    """The text without what XML cannot carry and paper cannot show (control and formatting characters), in composed form."""
    kept = (
        one for one in unicodedata.normalize("NFC", text) if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co"}
    )
    return " ".join("".join(kept).split())


@cache
def _register() -> dict[str, Municipality]:
    listed = json.loads(resources.files(__package__).joinpath("municipalities.json").read_bytes())
    return {code: Municipality(code=code, **entry) for code, entry in listed.items()}


def _danish(day: date) -> str:
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"
