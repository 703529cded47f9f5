"""Synthetic people, employers and funds: each a pure function of a number, so that the same number is the same one in
every run.

Nobody here exists. CPR numbers carry the day + 60, as replacement and test numbers do; CVR numbers begin with 9, which
has not been given out, and have a right check digit. Municipality, postal code and city belong together.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

FIRST_NAMES: Final = (
    "Åse", "Øjvind", "Ærø", "Bjørk", "Søs", "Mælk", "Tøger", "Rævild", "Grøn", "Håkon", "Sølvi",
    "Pælle", "Asta", "Birk", "Ditte", "Ebbe", "Frode", "Gry", "Hjalte", "Iben", "Jonna", "Kåre",
    "Lærke", "Magne", "Nanna", "Otto", "Pil", "Runa", "Signe", "Tove",
)  # fmt: skip
LAST_NAMES: Final = (
    "Ønskeby", "Åkrog", "Ævelhøj", "Kærlund", "Bøgetoft", "Rødskov", "Lyngsø", "Hvidbjærg", "Tangmose",
    "Gråsten-Ry", "Smedehøj", "Vibeå", "Fjordmark", "Elmedal", "Kragelykke", "Nørremose", "Sønderkær",
    "Ulvedal", "Møllehave", "Bakkegærde",
)  # fmt: skip
STREETS: Final = (
    "Ahornvænget", "Bøgestræde", "Egeallé", "Fælledvangen", "Grønnegyde", "Hyldebærvej", "Kløverstien",
    "Lærkesvinget", "Møllebakken", "Nøddehegnet", "Østergårdsvej", "Pilehøj", "Rønnebærvej",
    "Skovbrynet", "Tjørnekrattet", "Ålegyde",
)  # fmt: skip
PLACES: Final = (
    ("0751", "8000", "Aarhus C"), ("0101", "2300", "København S"), ("0461", "5000", "Odense C"), ("0851", "9400", "Nørresundby"),
    ("0561", "6700", "Esbjerg"), ("0265", "4000", "Roskilde"), ("0621", "6000", "Kolding"), ("0730", "8900", "Randers C"),
    ("0740", "8600", "Silkeborg"), ("0370", "4700", "Næstved"), ("0400", "3700", "Rønne"), ("0810", "9700", "Brønderslev"),
    ("0773", "7900", "Nykøbing M"), ("0580", "6200", "Aabenraa"), ("0540", "6400", "Sønderborg"), ("0376", "4800", "Nykøbing F"),
    ("0217", "3000", "Helsingør"), ("0165", "2620", "Albertslund"), ("0710", "8382", "Hinnerup"), ("0350", "4320", "Lejre"),
)  # fmt: skip
TRADES: Final = (
    "Trælast",
    "Tømrer",
    "Gartneri",
    "Rengøring",
    "Bageri",
    "Plejehjem",
    "Smedje",
    "Rederi",
    "Trykkeri",
    "Børnehus",
)

_BIRTH_DAYS: Final = 28 * 12 * 50
_SERIALS: Final = 4_000
PEOPLE: Final = _BIRTH_DAYS * _SERIALS
"""How many people there are; numbers beyond begin anew."""
EMPLOYERS: Final = 5_000
FUNDS: Final = 20
# Without a common factor with PEOPLE, so that neighbours in number are strangers in CPR number, and no two people share one.
_STRIDE: Final = 48_271
_CVR_WEIGHTS: Final = (2, 7, 6, 5, 4, 3, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A citizen as a reporter knows them, in the words of a notification."""

    number: int
    municipality_code: str
    citizen: dict[str, Any] = field(repr=False)


def person(number: int) -> Person:
    """The person of that number."""
    dice = Random(number)
    municipality, postal_code, city = dice.choice(PLACES)
    first, middle, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES), dice.choice(LAST_NAMES)
    lines = [
        f"{dice.choice(STREETS)} {dice.randint(1, 240)}{dice.choice(('', '', ', 1. th.', ', 2. tv.', ', st. mf.'))}"
    ]
    if dice.random() < 0.05:
        lines.insert(0, f"c/o {dice.choice(FIRST_NAMES)} {last}")
    return Person(
        number=number,
        municipality_code=municipality,
        citizen={
            "cpr": cpr_number(number),
            "name": f"{first} {middle} {last}",
            "address": {"lines": lines, "postal_code": postal_code, "city": city},
            "has_address_protection": dice.random() < 0.04,
        },
    )


def cpr_number(number: int) -> str:
    """A replacement number (day + 60) of somebody born 1950 to 1999."""
    birth, serial = divmod(number * _STRIDE % PEOPLE, _SERIALS)
    rest, day = divmod(birth, 28)
    year, month = divmod(rest, 12)
    return f"{day + 61:02}{month + 1:02}{year + 50:02}{serial:04}"


def cvr_number(number: int) -> str:
    """A CVR number that begins with 9 and has a right check digit."""
    base = 9_000_000 + number * 7 % 999_000
    while True:
        digits = str(base)
        check = -sum(weight * int(digit) for weight, digit in zip(_CVR_WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return f"{digits}{check}"
        base += 1


def employer(number: int) -> dict[str, Any]:
    """The employer of that number."""
    dice = Random(-1 - number)
    name = f"{dice.choice(LAST_NAMES)} {dice.choice(TRADES)} {dice.choice(('ApS', 'A/S', 'I/S'))}"
    return {"kind": "employer", "cvr": cvr_number(number), "production_unit": f"9{number:09}", "name": name}


def fund(number: int) -> dict[str, Any]:
    """The unemployment fund of that number."""
    return {
        "kind": "unemployment_fund",
        "fund_number": f"{number % FUNDS + 1:02}",
        "name": f"Opdigtet A-kasse {number % FUNDS + 1}",
    }


def business(number: int) -> dict[str, Any]:
    """A self-employed person's own business."""
    dice = Random(-1 - number)
    return {
        "kind": "self_employed",
        "cvr": cvr_number(500_000 + number),
        "name": f"{dice.choice(LAST_NAMES)} {dice.choice(TRADES)}",
    }
