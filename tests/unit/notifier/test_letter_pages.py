"""What M1 and T2 demand stands on the pages, for every kind of task, on a screen and on paper."""

import re

import pytest

from plumbing.errors import Unavailable
from services.notifier.domain import Address
from services.notifier.letters import NotRendered
from services.notifier.letters.texts import KINDS
from tests.unit.notifier.pages import Area, pages_of, text_in
from tests.unit.notifier.samples import HOME, NAME, TASKS, pdf_of, rendered, text

# What the windows of C5, C4 and M65 envelopes all show, and what one of them may show.
WINDOW = Area(left=15, top=44, right=110, bottom=74)
AROUND = Area(left=0, top=38, right=120, bottom=83)
ADDRESSES = {"digital": None, "paper": HOME}


@pytest.fixture(scope="module")
def letters() -> dict[tuple[str, str], bytes]:
    """Each of the sample letters, by what it is about and how it goes."""
    wanted = {(about, way): text(TASKS[about], address=ADDRESSES[way]) for about in TASKS for way in ADDRESSES}
    made = dict(zip(wanted, rendered(*wanted.values()), strict=True))
    return {which: pdf for which, pdf in made.items() if isinstance(pdf, bytes)}


@pytest.mark.rule("M1", "T2")
@pytest.mark.parametrize("way", ADDRESSES)
@pytest.mark.parametrize("about", TASKS)
def test_the_page_says_what_to_do_by_when_where_and_whom_to_ask(
    letters: dict[tuple[str, str], bytes], about: str, way: str
) -> None:
    page = " ".join(pages_of(letters[about, way]))
    for kind in TASKS[about]:
        assert KINDS[kind].task.title in page
        assert KINDS[kind].task.text in page
        assert KINDS[kind].consequence in page
        assert KINDS[kind].english in page
    assert "tirsdag den 1. december 2026 Fristen er ved midnat" in page
    assert "mitsygefravaer.example/opgaver" in page
    assert "borger.dk/sygedagpenge" in page
    assert "Kontakt Aarhus Kommune" in page
    assert "forsikring eller en pensionsordning" in page
    assert "pensionsinfo.dk" in page
    assert f"Kære {NAME}" in page
    assert "23. november 2026" in page
    assert "In English. This letter is about" in page
    assert "contact Aarhus Kommune" in page
    assert "by midnight at the end of 1 December 2026" in page
    assert "choose English" in page


@pytest.mark.rule("M1", "T1")
def test_tasks_stand_in_the_order_of_solving_with_their_numbers(letters: dict[tuple[str, str], bytes]) -> None:
    [page] = pages_of(letters["three", "digital"])
    assert re.search(
        r"i denne rækkefølge 1\. Kommentér oplysninger .* 2\. Anmodning om sygedagpenge .* 3\. Oplysningsskema", page
    )


@pytest.mark.rule("T2")
@pytest.mark.parametrize("about", TASKS)
def test_more_time_for_a_late_letter_is_promised_where_the_eight_days_rule_alone(
    letters: dict[tuple[str, str], bytes], about: str
) -> None:
    page = " ".join(pages_of(letters[about, "digital"]))
    promised = "Er brevet sendt senere end 23. november 2026, får du tilsvarende længere tid." in page
    assert promised == (about not in {"supplementary_information", "party_hearing", "relocation_consent"})


@pytest.mark.parametrize(("about", "number"), [("three", 1), ("long", 2)])
def test_pages_are_numbered_and_three_tasks_need_only_one(
    letters: dict[tuple[str, str], bytes], about: str, number: int
) -> None:
    pages = pages_of(letters[about, "digital"])
    assert len(pages) == number
    for nth, page in enumerate(pages, start=1):
        assert f"Side {nth} af {number}" in page


@pytest.mark.parametrize("about", TASKS)
def test_name_and_address_and_nothing_else_stand_in_the_envelopes_window(
    letters: dict[tuple[str, str], bytes], about: str
) -> None:
    expected = [NAME, "Æblehaven 12, 3. th.", "8000 Aarhus C"]
    assert text_in(letters[about, "paper"], WINDOW) == expected
    assert text_in(letters[about, "paper"], AROUND) == expected


def test_a_letter_for_the_screen_holds_no_address(letters: dict[tuple[str, str], bytes]) -> None:
    assert "Æblehaven" not in " ".join(pages_of(letters["three", "digital"]))


LONG_NAME = "Maria Magdalena Alexandra Frederikke Louise Grevenkop Castenskiold"
LONG = Address(
    lines=(
        "c/o Familien Andersen-Nygaard-Petersen",
        "Kong Christian den Niendes Allé 1234, opgang B, 12. sal, lejlighed 1203",
        "Stuehuset bag den gamle mølle",
        "Nørre Vedby",
    ),
    postal_code="211 20",
    city="Malmö",
    country="SE",
)


def test_a_long_address_is_set_smaller_and_stays_in_the_window() -> None:
    pdf = pdf_of(text(name=LONG_NAME, address=LONG))
    lines = text_in(pdf, WINDOW)
    assert " ".join(lines) == " ".join([LONG_NAME, *LONG.lines, "211 20 Malmö", "SWEDEN"])
    assert lines == text_in(pdf, AROUND)


def test_an_address_that_fits_in_no_window_is_no_letter_and_costs_no_other() -> None:
    endless = Address(lines=("Vejnavn " * 25,) * 5, postal_code="8000", city="Aarhus C")
    bad, good = rendered(text(address=endless), text(address=HOME))
    assert isinstance(bad, NotRendered)
    assert not isinstance(good, NotRendered | Unavailable)


def test_the_same_words_on_paper_have_the_same_bytes_and_others_than_on_a_screen(
    letters: dict[tuple[str, str], bytes],
) -> None:
    assert pdf_of(text(address=HOME)) == letters["three", "paper"] != letters["three", "digital"]


@pytest.mark.parametrize(
    "name", ["Łukasz Żółć", "Γιώργος Παπαδόπουλος", "Nguyễn Thị Hương", "Kûitse ĸ", 'A "b" \\ #panic("x") $y$']
)
def test_names_are_printed_as_they_are_spelt(name: str) -> None:
    assert f"Kære {name}" in pages_of(pdf_of(text(name=name)))[0]


def test_letters_are_set_in_our_own_type() -> None:
    fonts = set(re.findall(rb"/FontName ?/[A-Z]{6}\+([A-Za-z-]+)", pdf_of(text())))
    assert fonts == {b"IBMPlexSans", b"IBMPlexSans-SemiBold"}
