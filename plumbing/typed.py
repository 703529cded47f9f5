"""What people type after a command, as argparse's types: each raises ArgumentTypeError, which says why not.

Who does it and why stands in the audit trail for ever: codes, never a name, a number or a text about a person.
"""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Final

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}", re.ASCII)
_PURPOSE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{2,99}", re.ASCII)
# Ten digits, or a birth date and four, with whatever a code may hold in between.
_GAP: Final = "[@._:/#-]?"
_BIRTH_DATE: Final = rf"(?:[0-2]\d|3[01]|[6-8]\d|9[01]){_GAP}(?:0[1-9]|1[0-2]){_GAP}\d\d{_GAP}"
_CPR_LIKE: Final = re.compile(rf"(?<!\d)(?:\d{{6}}-?|{_BIRTH_DATE})\d{{4}}(?!\d)", re.ASCII)


def account(text: str) -> str:
    """The account of whoever is on duty."""
    return _code(text, _ACCOUNT, "not an account's name")


def purpose(text: str) -> str:
    """Why it is done: a code or case number."""
    return _code(text, _PURPOSE, "not a code or case number: letters, digits and ._:/#-, no spaces")


def instant(text: str) -> datetime:
    """A day or instant, in UTC; without an offset it is taken as that."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError("not a day or instant (without an offset it is taken as UTC)") from None


def _code(text: str, form: re.Pattern[str], otherwise: str) -> str:
    if not form.fullmatch(text):
        raise ArgumentTypeError(otherwise)
    if _CPR_LIKE.search(text):
        raise ArgumentTypeError("this looks like a person's number, which has no place in the audit trail")
    return text
