"""Letters of every sort, to people who do not exist."""

import asyncio
from datetime import date

from contracts.task.v1 import TaskKind
from services.notifier.domain import Address
from services.notifier.letters import Municipality, Renderer, Words, municipality, words
from services.notifier.letters.renderer import Rendered

PORTAL = "https://mitsygefravaer.example/opgaver"
PLANNED = date(2026, 11, 23)
DEADLINE = date(2026, 12, 1)
NAME = "Kirsten Ægidius-Sørensen"
HOME = Address(lines=("Æblehaven 12, 3. th.",), postal_code="8000", city="Aarhus C")
EMPLOYEE = ("comment_reported_information", "benefit_request", "information_form")
TASKS = {
    **{kind.value: (kind.value,) for kind in TaskKind},
    "report": ("comment_reported_information", "information_form"),
    "three": EMPLOYEE,
    "long": EMPLOYEE * 4,
}
"""What a letter may be about; `long` has two pages whichever way it goes."""


def aarhus() -> Municipality:
    found = municipality("0751")
    assert found is not None
    return found


def text(kinds: tuple[str, ...] = EMPLOYEE, name: str = NAME, address: Address | None = None) -> Words:
    return words(
        name=name,
        municipality=aarhus(),
        planned_day=PLANNED,
        deadline_day=DEADLINE,
        kinds=kinds,
        portal=PORTAL,
        address=address,
    )


def rendered(*letters: Words) -> list[Rendered]:
    """What becomes of these, planned for `PLANNED`."""

    async def render() -> list[Rendered]:
        renderer = Renderer(seconds=60)
        try:
            return await renderer.render_all([(letter, PLANNED) for letter in letters])
        finally:
            await renderer.close()

    return asyncio.run(render())


def pdf_of(letter: Words) -> bytes:
    """The letter as PDF."""
    [pdf] = rendered(letter)
    assert isinstance(pdf, bytes)
    return pdf
