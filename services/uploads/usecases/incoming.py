"""A file as it came in: its bytes in a file without a name, and what was said of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from services.uploads.domain import names
from services.uploads.domain.content import Kin, MediaType, NotTaken, kind_of, misfit
from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """`body` holds it, `beside` is for a picture without its position; both vanish with the process. `digest` is its SHA-256,
    `told_digest` what the client said of that."""

    name: str = field(repr=False)
    declared: str | None = field(repr=False)
    body: BinaryIO
    beside: BinaryIO
    size: int
    digest: str
    head: bytes = field(repr=False)
    told_digest: str | None = field(repr=False)
    received_from: datetime
    received_at: datetime


class NotAccepted(Exception):
    """It is refused before anybody looks into it; `kin` where it is of a kind that people do send."""

    def __init__(self, code: Code, kin: Kin | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.kin = kin


def accepted(incoming: Incoming, limits: Limits) -> tuple[str, MediaType]:
    """The name to show and the kind of file, by content; raises NotAccepted."""
    for code, is_so in (
        (Code.EMPTY, incoming.size == 0),
        (Code.TOO_LARGE, incoming.size > limits.file_bytes),
        (Code.HASH_MISMATCH, incoming.told_digest not in {None, incoming.digest}),
    ):
        if is_so:
            raise NotAccepted(code)
    kind = kind_of(incoming.head)
    if isinstance(kind, NotTaken):
        raise NotAccepted(Code.TYPE_NOT_ACCEPTED, kind.kin)
    shown = names.display_name(incoming.name)
    if shown is None:
        raise NotAccepted(Code.NAME_NOT_ACCEPTED)
    if (fault := misfit(kind, name=incoming.name, declared=incoming.declared)) is not None:
        raise NotAccepted(fault)
    return shown, kind
