"""Danish numbers: what a CPR and a CVR number say by themselves, without any register.

CPR: day, month, year, then four digits of which the first tells the century (CPR-kontoret, "Personnummeret i CPR").
Numbers issued since 2007 may lack modulus 11, so it is never asked for. Replacement and test numbers carry the day +
60.
"""

from datetime import date
from operator import mul
from typing import Final

REPLACEMENT_DAY_OFFSET: Final = 60
_CVR_WEIGHTS: Final = (2, 7, 6, 5, 4, 3, 2, 1)
_CVR_ZEROS: Final = sum(_CVR_WEIGHTS) * ord("0")


def is_cpr_number(digits: str) -> bool:
    """Ten digits that begin with a day of the calendar, or with one + 60."""
    return birth_date(digits) is not None


def is_replacement_number(digits: str) -> bool:
    """Whether a CPR number is a replacement or test number (day + 60)."""
    return int(digits[:2]) > REPLACEMENT_DAY_OFFSET


def birth_date(digits: str) -> date | None:
    """The birth date in a CPR number (for day + 60, without the 60); None if it is no CPR number."""
    if len(digits) != 10 or not digits.isascii() or not digits.isdigit():
        return None
    day = int(digits[:2])
    if day > REPLACEMENT_DAY_OFFSET:
        day -= REPLACEMENT_DAY_OFFSET
    try:
        return date(_year(int(digits[4:6]), int(digits[6])), int(digits[2:4]), day)
    except ValueError:
        return None


def is_cvr_number(digits: str) -> bool:
    """Eight digits, the first not 0, whose weighted sum is a multiple of 11."""
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return False
    # the zeros' own weight in the sum of character codes is taken off at the end
    weighted: int = sum(map(mul, _CVR_WEIGHTS, digits.encode()))
    return (weighted - _CVR_ZEROS) % 11 == 0


def _year(year_of_century: int, seventh_digit: int) -> int:
    match seventh_digit:
        case 0 | 1 | 2 | 3:
            return 1900 + year_of_century
        case 4 | 9:
            return (2000 if year_of_century <= 36 else 1900) + year_of_century
        case _:
            return (2000 if year_of_century <= 57 else 1800) + year_of_century
