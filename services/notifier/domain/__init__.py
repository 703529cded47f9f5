"""What a letter goes through, and what the gateway's words mean. Pure: no clock, no I/O.

The way of a letter: requested → prepared (its channel is chosen, its bytes are fixed for ever) → handed over (the gateway took
it, which is not yet sent) → dispatched (the gateway proved it) or failed (nobody will send it). Beside it: *held*, when too many
were asked for at once; *in doubt*, when a call's outcome is unknown and the gateway does not recognise repeats; *unknown*, when
no proof came in time and somebody has to look; *returned*, when the post brought a posted letter back.

A letter goes out by one *sending* at a time. Only after the gateway said definitively that a sending failed there is another, on
paper or once more (`channels.after_negative`); the one before is kept with what was told of it, and with what is told of it
later. A letter moves forward or, by such a negative, to its next sending. Dispatched and failed are final, but for a return:
what contradicts them later is kept and told, and moves nothing (M3). Nothing but a proof makes a letter dispatched, and nothing
but a definitive refusal makes it failed: a time-out is neither.
"""

from contracts.letter.v1 import Channel
from services.notifier.domain.answers import Answer, Heard, LookedUp, Registration, meaning, registration
from services.notifier.domain.channels import (
    DEFAULT_CODES,
    EXPECTED,
    NOT_REGISTERED,
    Remedy,
    Ways,
    after_negative,
    again,
    chosen,
    first_id,
    gateway_id,
    stays_open,
)
from services.notifier.domain.letters import (
    Address,
    Letter,
    LetterName,
    LetterState,
    NewLetter,
    NoRecipient,
    PastSending,
    Proof,
    Recipient,
    Request,
    Step,
    begun,
    handed_over,
    held,
    in_doubt,
    let_go,
    next_step,
    not_taken,
    prepared,
    refused,
    unknowable,
    unsure,
)
from services.notifier.domain.pace import COUNTRY, TEMPLATES, Limits, Pace, over, paces, template
from services.notifier.domain.statuses import (
    DELIVERED_STATUS,
    FAILED_STATUS,
    POSTED_STATUS,
    RECALLED_STATUS,
    RECEIVED_STATUS,
    UPDATED_STATUS,
    HeardStatus,
    Hearing,
    PostEvent,
    Status,
    told,
)

__all__ = [
    "COUNTRY",
    "DEFAULT_CODES",
    "DELIVERED_STATUS",
    "EXPECTED",
    "FAILED_STATUS",
    "NOT_REGISTERED",
    "POSTED_STATUS",
    "RECALLED_STATUS",
    "RECEIVED_STATUS",
    "TEMPLATES",
    "UPDATED_STATUS",
    "Address",
    "Answer",
    "Channel",
    "Heard",
    "HeardStatus",
    "Hearing",
    "Letter",
    "LetterName",
    "LetterState",
    "Limits",
    "LookedUp",
    "NewLetter",
    "NoRecipient",
    "Pace",
    "PastSending",
    "PostEvent",
    "Proof",
    "Recipient",
    "Registration",
    "Remedy",
    "Request",
    "Status",
    "Step",
    "Ways",
    "after_negative",
    "again",
    "begun",
    "chosen",
    "first_id",
    "gateway_id",
    "handed_over",
    "held",
    "in_doubt",
    "let_go",
    "meaning",
    "next_step",
    "not_taken",
    "over",
    "paces",
    "prepared",
    "refused",
    "registration",
    "stays_open",
    "template",
    "told",
    "unknowable",
    "unsure",
]
