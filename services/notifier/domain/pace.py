"""The guard against writing to half of Denmark because something before us went wrong.

Letters are counted as they are asked for, by municipality and by the country, for each template, in the hours and days of the
real clock. Where a count goes over its limit the gate shuts: that letter and all later ones of the key are held until somebody
has looked and lets them go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.notifier.domain.letters import Request

COUNTRY: Final = "*"
_TEMPLATES: Final = {
    "comment_reported_information": "report",
    "benefit_request": "report",
    "information_form": "report",
    "fast_track_consent": "fast-track",
    "supplementary_information": "supplementary",
    "party_hearing": "hearing",
    "relocation_consent": "relocation",
}

TEMPLATES: Final = frozenset(_TEMPLATES.values())


class Pace(NamedTuple):
    """Whose letters are counted together: a municipality's, or the whole country's, about one kind of thing."""

    municipality_code: str
    template: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Letters an hour and a day. `special` overrides them for a municipality's four digits.

    The defaults come from 667 200 courses a year: some 1 830 a day, 19 for a municipality, 200 for the largest, Mondays three
    times that (a reckoning, not a measurement).
    """

    hour: int = 500
    day: int = 2_000
    country_hour: int = 10_000
    country_day: int = 30_000
    special: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, pace: Pace) -> tuple[int, int]:
        """The limits of that key: an hour, a day."""
        if pace.municipality_code == COUNTRY:
            return self.country_hour, self.country_day
        return self.special.get(pace.municipality_code, (self.hour, self.day))


def template(kinds: tuple[str, ...]) -> str:
    """What a letter about these tasks is about; raises KeyError for a kind nobody can name."""
    return _TEMPLATES[kinds[0]]


def paces(request: Request) -> frozenset[Pace]:
    """Under which keys a letter counts."""
    about = template(request.kinds)
    return frozenset({Pace(request.municipality_code, about), Pace(COUNTRY, about)})


def over(pace: Pace, hour: int, day: int, limits: Limits) -> bool:
    """Whether that many letters in this hour and on this day are too many."""
    most_hour, most_day = limits.of(pace)
    return hour > most_hour or day > most_day
