"""What people type that stands in the audit trail for ever: codes, never a name, a number or a text about a person."""

import re
from typing import Final

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}", re.ASCII)
_PURPOSE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{2,99}", re.ASCII)
# Ten digits, or a birth date and four, with whatever a code may hold in between.
_GAP: Final = "[@._:/#-]?"
_BIRTH_DATE: Final = rf"(?:[0-2]\d|3[01]|[6-8]\d|9[01]){_GAP}(?:0[1-9]|1[0-2]){_GAP}\d\d{_GAP}"
_CPR_LIKE: Final = re.compile(rf"(?<!\d)(?:\d{{6}}-?|{_BIRTH_DATE})\d{{4}}(?!\d)", re.ASCII)


def account(text: str) -> str:
    """The account of whoever is on duty, as it was typed. Raises ValueError, which says why not and does not repeat the text."""
    return _code(text, _ACCOUNT, "not an account's name")


def purpose(text: str) -> str:
    """Why it is done: a code or case number. Raises ValueError likewise."""
    return _code(text, _PURPOSE, "not a code or case number: letters, digits and ._:/#-, no spaces")


def _code(text: str, form: re.Pattern[str], otherwise: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(otherwise)
    if _CPR_LIKE.search(text):
        raise ValueError("this looks like a person's number, which has no place in the audit trail")
    return text
