"""A letter, written out as the gateway takes it: its words, set, in the form of its channel."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol
from uuid import UUID

from plumbing.clock import Clock
from services.notifier.domain import Channel, Recipient, Request
from services.notifier.letters import (
    GatewayRequest,
    MemoForm,
    Municipality,
    NotAddressed,
    PaperForm,
    Words,
    dated,
    kombi_request,
    paper_request,
    words,
)

ADDRESS_MISSING: Final = "address.missing"
NO_PRINT_HOUSE: Final = "paper.no-print-house"


class Render(Protocol):
    """Sets a letter; raises NotRendered, and Unavailable."""

    async def render(self, words: Words, day: date) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """How requests to the gateway are written; `paper` is None where no print house takes letters."""

    memo: MemoForm
    paper: PaperForm | None = None


class WriteLetter:
    """Called with what a letter is of. Two calls with the same, on one day, give the same bytes."""

    def __init__(self, renderer: Render, clock: Clock, *, portal: str, forms: Forms) -> None:
        self._renderer = renderer
        self._clock = clock
        self._portal = portal
        self._forms = forms

    async def __call__(
        self, asked: Request, channel: Channel, gateway_id: str, recipient: Recipient, sender: Municipality
    ) -> GatewayRequest:
        """The request, whole. Raises NotAddressed where the channel cannot reach the recipient, NotRendered, Unavailable."""
        day, deadline_day = dated(asked.kinds, asked.planned_day, asked.planned_deadline_day, self._clock.now())
        address = recipient.address if channel is Channel.PAPER else None
        if channel is Channel.PAPER and self._forms.paper is None:
            raise NotAddressed(NO_PRINT_HOUSE)
        if channel is Channel.PAPER and address is None:
            raise NotAddressed(ADDRESS_MISSING)
        text = words(
            name=recipient.name,
            municipality=sender,
            planned_day=day,
            deadline_day=deadline_day,
            kinds=asked.kinds,
            portal=self._portal,
            address=address,
        )
        pdf = await self._renderer.render(text, day)
        if address is not None:
            assert self._forms.paper is not None
            return paper_request(
                dispatch_id=gateway_id,
                name=recipient.name,
                address=address,
                title=text.subject,
                pdf=pdf,
                form=self._forms.paper,
            )
        return kombi_request(
            message_uuid=UUID(gateway_id),
            cpr=recipient.cpr,
            words=text,
            municipality=sender,
            absence_id=asked.absence_id,
            requested_at=asked.requested_at,
            deadline_day=deadline_day,
            pdf=pdf,
            form=self._forms.memo,
        )
