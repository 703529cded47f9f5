"""What the gateway's answers over HTTP mean: to a call, and to a look-up of the register."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Answer(StrEnum):
    """What the gateway's answer to a call means: every answer is one of these."""

    TAKEN_OVER = "taken_over"
    NOT_TAKEN = "not_taken"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What came back from a call. `http_status` None: no answer. `was_sent` False: not a byte of the request left.

    `result` and `code` are what the answer's body says (None where it says nothing that can be read); `retry_after` in seconds.
    """

    http_status: int | None
    was_sent: bool = True
    result: bool | None = None
    code: str | None = None
    retry_after: float | None = None


class Registration(StrEnum):
    """What a look-up of somebody's registration came to.

    Only `registered` and `not_registered` are answers. The gateway tells no reason: not registered is also who is exempt.
    `unavailable` will be answered later; `odd` is in no table and makes somebody look.
    """

    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"
    UNAVAILABLE = "unavailable"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedUp:
    """What was heard from the register. `http_status` None: no answer; `retry_after` in seconds."""

    registration: Registration
    http_status: int | None
    retry_after: float | None = None


DUPLICATE: Final = "message.duplicate"
_NOT_TAKEN_STATUSES: Final = frozenset(
    {401, 403, 404, 429}
)  # ours to mend, or theirs to lift: the letter is as good as before


def meaning(heard: Heard, codes: Container[str]) -> Answer:
    """The table of answers. What is not certain is unknown; what is not in the table is odd, a refusal by a code that is not
    among the known `codes` too: it is not tried for ever, somebody looks (F133)."""
    status = heard.http_status
    if status is None:
        return Answer.UNKNOWN if heard.was_sent else Answer.NOT_TAKEN
    if heard.code == DUPLICATE:
        return Answer.TAKEN_OVER
    if status == 200:
        return _meaning_of_200(heard, codes)
    if status in _NOT_TAKEN_STATUSES or (status == 503 and heard.retry_after is not None):
        return Answer.NOT_TAKEN
    if 400 <= status < 500 and status != 408:
        return _refusal(heard, codes)
    return Answer.UNKNOWN


def _meaning_of_200(heard: Heard, codes: Container[str]) -> Answer:
    if heard.result is None:
        return Answer.UNKNOWN  # somebody's page of HTML; who knows what lies behind it
    return Answer.TAKEN_OVER if heard.result else _refusal(heard, codes)


def _refusal(heard: Heard, codes: Container[str]) -> Answer:
    return Answer.REFUSED if heard.code is not None and heard.code in codes else Answer.ODD


def registration(http_status: int, result: bool | None) -> Registration:
    """The table of the register's answers; `result` None: the body says nothing that can be read.

    A fault of ours or theirs is never taken for "not registered": that would send paper to whoever has Digital Post.
    """
    if http_status == 200 and result is not None:
        return Registration.REGISTERED if result else Registration.NOT_REGISTERED
    if 400 <= http_status < 500 and http_status not in _NOT_TAKEN_STATUSES | {408}:
        return Registration.ODD
    return Registration.UNAVAILABLE
