"""CPR and CVR numbers, against python-stdnum as oracle."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.dk import cpr as oracle_cpr
from stdnum.dk import cvr as oracle_cvr
from stdnum.exceptions import ValidationError

from contracts.nemrefusion.v1 import birth_date, is_cpr_number, is_cvr_number, is_replacement_number

pytestmark = pytest.mark.rule("N3")

DIGITS = st.text("0123456789", min_size=8, max_size=11)


@given(st.from_regex(r"[0-4][0-9][01][0-9]{7}", fullmatch=True))
def test_a_cpr_number_without_60_has_the_birth_date_the_oracle_says(digits: str) -> None:
    try:
        expected: date | None = oracle_cpr.get_birth_date(digits)
    except ValidationError:
        expected = None

    assert birth_date(digits) == expected


@given(DIGITS)
def test_a_cvr_number_is_one_where_the_oracle_says_so(digits: str) -> None:
    assert is_cvr_number(digits) == (oracle_cvr.is_valid(digits) and len(digits) == 8)


@given(st.from_regex(r"99[0-9]{5}", fullmatch=True))
def test_at_most_one_check_digit_is_right(base: str) -> None:
    right = [digit for digit in "0123456789" if is_cvr_number(base + digit)]

    assert right == [digit for digit in "0123456789" if oracle_cvr.is_valid(base + digit)]


@pytest.mark.parametrize(
    ("digits", "born"),
    [
        ("6103901236", date(1990, 3, 1)),
        ("9112990000", date(1999, 12, 31)),
        ("8902004000", date(2000, 2, 29)),
        ("6101369000", date(2036, 1, 1)),
        ("6101374000", date(1937, 1, 1)),
        ("6101575000", date(2057, 1, 1)),
        ("6101585000", date(1858, 1, 1)),
        ("8902000000", None),
        ("6000900000", None),
        ("9213900000", None),
    ],
)
def test_day_plus_60_is_a_replacement_number_with_the_same_rules(digits: str, born: date | None) -> None:
    assert birth_date(digits) == born
    assert is_cpr_number(digits) == (born is not None)
    assert is_replacement_number(digits) == (int(digits[:2]) > 60)


@given(st.text(max_size=12))
def test_any_text_may_be_asked_about(text: str) -> None:
    assert is_cpr_number(text) in {True, False}
    assert is_cvr_number(text) in {True, False}
