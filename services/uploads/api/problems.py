"""Refusals: problem+json with a code, a reference, and for a file the text for the citizen; nothing else of the request."""

from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.responses import Response

from contracts.uploads import v1
from plumbing.errors import Unavailable
from plumbing.objects import Altered, Forbidden, NotThere
from plumbing.postgres import is_transient
from services.uploads.api.views import texts_of
from services.uploads.domain import texts
from services.uploads.domain.submissions import Refused
from services.uploads.usecases.incoming import NotAccepted

log = structlog.get_logger(__name__)

ALWAYS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every answer."""
ANSWERED: Final = Counter("mitsyg_uploads_requests", "Requests, by verb and what came of them.", ("verb", "outcome"))
_MORE: Final = {
    "unauthorized": {"www-authenticate": "Bearer"},
    "unavailable": {"retry-after": "5"},
    "no-room": {"retry-after": "30"},
    "too-many": {"retry-after": "5"},
    "busy": {"retry-after": "1"},
}
# What was not read stays in the connection, which is of no use any more.
_ENDS_CONNECTION: Final = frozenset({"too-large", "too-slow", "no-room", "quota", "too-many"})


class BadRequest(Exception):
    """The request itself cannot be answered; `fields` names what of it."""

    def __init__(self, code: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


def problem(
    code: str,
    reference: UUID,
    *,
    fields: tuple[str, ...] = (),
    file: v1.File | None = None,
    said: v1.Texts | None = None,
) -> Response:
    """The refusal as it goes out."""
    status, title = v1.PROBLEMS[code]
    body = v1.Problem(
        title=title, status=status, code=code, reference=str(reference), fields=fields, file=file, texts=said
    )
    ending = {"connection": "close"} if code in _ENDS_CONNECTION else {}
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=status,
        media_type="application/problem+json",
        headers={**ALWAYS, **_MORE.get(code, {}), **ending},
    )


def refusal(verb: str, reference: UUID, error: Exception) -> Response:
    """What an error looks like outside: its kind, never its cause."""
    code, fields, said = _told(error)
    ANSWERED.labels(verb, code).inc()
    if code == "internal":
        log.error("not answered", verb=verb, reference=str(reference), exc_info=error)
    elif code == "unavailable":
        log.warning("not answered now", verb=verb, reference=str(reference), error=type(error).__name__)
    else:
        log.info("refused", verb=verb, code=code, reference=str(reference))
    return problem(code, reference, fields=fields, said=said)


def _told(error: Exception) -> tuple[str, tuple[str, ...], v1.Texts | None]:
    match error:
        case BadRequest(code=code, fields=fields):
            return code, fields, None
        case Refused(code=code):
            return code, (), None
        case NotAccepted(code=code, kin=kin):
            said = texts.OF_CODE[code] if kin is None else texts.OF_KIN[kin]
            return code.value, ("file",), texts_of(said)
        case (
            NotThere() | Altered() | Forbidden()
        ):  # a fault of the stores': somebody is told by the log and the metrics
            log.error("the store does not give what it was given", error=type(error).__name__)
            return "unavailable", (), None
        case _ if isinstance(error, Unavailable) or is_transient(error):
            return "unavailable", (), None
        case _:
            return "internal", (), None
