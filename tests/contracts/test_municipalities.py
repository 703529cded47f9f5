"""The register of municipalities: Denmark's 98, as dated data."""

from datetime import date

import pytest

from contracts.nemrefusion import municipalities
from contracts.nemrefusion.municipalities import REGISTER, Municipality, codes, is_municipality

pytestmark = pytest.mark.rule("N2")

REFORM = date(2007, 1, 1)


def test_denmark_has_ninety_eight() -> None:
    assert len(codes()) == 98
    assert sum(is_municipality(code, date(2026, 3, 2)) for code in codes()) == 98
    assert len({each.name for each in REGISTER.values()}) == 98


def test_every_entry_holds_together() -> None:
    for code, each in REGISTER.items():
        assert code == each.code
        assert len(code) == 4
        assert code.isascii()
        assert code.isdigit()
        assert each.last_day is None or each.first_day <= each.last_day
        assert (each.successor is None) == (each.last_day is None)
        assert each.successor is None or each.successor in REGISTER


@pytest.mark.parametrize(
    ("code", "name"),
    [("0101", "København"), ("0751", "Aarhus"), ("0400", "Bornholm"), ("0825", "Læsø"), ("0492", "Ærø")],
)
def test_some_that_everybody_knows(code: str, name: str) -> None:
    assert REGISTER[code].name == name


@pytest.mark.parametrize("code", ["0411", "0000", "751", "0751 ", ""])
def test_other_codes_are_no_municipality(code: str) -> None:
    assert not is_municipality(code, date(2026, 3, 2))


def test_a_municipality_is_one_from_its_first_day_to_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    last, first = date(2029, 12, 31), date(2030, 1, 1)
    joined = {
        "0825": Municipality("0825", "Læsø", REFORM, last, "0826"),
        "0826": Municipality("0826", "Læsø-Frederikshavn", first, None, None),
    }
    monkeypatch.setattr(municipalities, "REGISTER", joined)

    assert [is_municipality("0825", day) for day in (date(2006, 12, 31), REFORM, last, first)] == [
        False,
        True,
        True,
        False,
    ]
    assert [is_municipality("0826", day) for day in (last, first)] == [False, True]
