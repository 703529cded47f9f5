"""What a sender handed in, whichever way it is to go."""

from dataclasses import dataclass
from uuid import UUID


class Refused(Exception):
    """Not taken over: the HTTP answer says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why a message that was taken over fails afterwards."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedIn:
    """One message or paper letter as it was handed in.

    A message is known by `message_uuid`, a paper letter by `dispatch_id` (AfsendelseIdentifikator). `recipient` is a CPR or CVR
    number, of paper the address: it goes nowhere but into the ledger's hash.
    """

    message_uuid: UUID | None
    dispatch_id: str | None
    message_id: str | None
    choice: str
    recipient: str
    case_id: str | None
    text_sha256: str
    fault: Fault | None
