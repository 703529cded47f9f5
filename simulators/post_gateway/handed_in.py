"""What a sender handed in, whichever way it is to go."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

# Texts of KombiValgKode and KanalKode (danish-interfaces 3b).
DIGITAL_POST: Final = "Digital Post"
NEMSMS: Final = "NemSMS"
PAPER: Final = "Fysisk Post"
CHANNELS: Final = frozenset({DIGITAL_POST, NEMSMS, PAPER})


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


ABSENT: Final = Fault(code="recipient.exempt", text="the recipient is not in the service")
"""Whoever is not in a service gets nothing by it; the code is ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What a message asks its reader to do, as its sender wrote it: nothing in it is to be trusted."""

    label: str
    code: str
    url: str | None
    starts_at: str | None
    ends_at: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What the recipient gets to see, as its sender wrote it; texts are cut off where they are too long to show.

    `text` is an SMS's. `document` is the main document's first file, `other_files` the number of files beside it. Numbers and
    names of recipients are no part of it.
    """

    subject: str
    text: str | None = None
    sender: str | None = None
    sender_number: str | None = None
    mandatory: str | None = None
    legal_notification: str | None = None
    reply_by: str | None = None
    file_name: str | None = None
    other_files: int = 0
    actions: tuple[Action, ...] = ()
    document: bytes | None = None


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
    content: Content
