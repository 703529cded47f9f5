"""Refusals: problem+json with a code and a reference, and nothing of the request."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from contracts.citizens.v1 import PROBLEMS, InvalidField, Problem, ProblemCode

ALWAYS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every answer."""

_MOST_FIELDS: Final = 20
_EXTRA: Final[Mapping[ProblemCode, dict[str, str]]] = {
    "unauthorized": {"www-authenticate": "Bearer"},
    "method-not-allowed": {"allow": "POST"},
    # What was not read stays in the connection, which is therefore of no use any more.
    "too-slow": {"connection": "close"},
    "too-large": {"connection": "close"},
    "unavailable": {"retry-after": "1"},
}


class Refused(Exception):
    """A request that is not answered, and why."""

    def __init__(self, code: ProblemCode, fields: tuple[InvalidField, ...] = ()) -> None:
        super().__init__(code)
        self.code: ProblemCode = code
        self.fields = fields


def response(refused: Refused, reference: str) -> Response:
    """The refusal as it goes out."""
    status, title = PROBLEMS[refused.code]
    body = Problem(title=title, status=status, code=refused.code, reference=reference, fields=refused.fields)
    return Response(
        body.model_dump_json(),
        status_code=status,
        media_type="application/problem+json",
        headers={**ALWAYS, **_EXTRA.get(refused.code, {})},
    )


def invalid(error: ValidationError) -> Refused:
    """What is wrong with a body, by place and kind of fault. Places hold only names that the contract knows, and numbers."""
    faults = {
        one["loc"]: one["type"] for one in error.errors(include_input=False, include_context=False, include_url=False)
    }
    # A tuple whose items are at fault is called too short as well: only the innermost places are the sender's to mend.
    around = {place[:length] for place in faults for length in range(len(place))}
    places = [place for place in faults if place not in around]
    return Refused(
        "invalid",
        tuple(
            InvalidField(field=".".join(map(_known, place)), code=faults[place].replace("_", "-"))
            for place in places[:_MOST_FIELDS]
        ),
    )


_NAMES: Final = frozenset(
    {"people", "cpr", "said_at", "card", "name", "address", "lines", "postal_code", "city", "country"}
    | {
        "address_protection",
        "propose_cards",
        "cards",
        "candidate",
        "citizen_ids",
        "purpose",
        "month",
        "citizen_id",
        "reason",
    }
)


def _known(place: str | int) -> str:
    return str(place) if isinstance(place, int) or place in _NAMES else "?"
