"""By which channel a letter goes, and what follows when one definitively failed: the only place that decides either.

A channel is chosen once for a sending: by the register's answer, or after a negative of the sending before. Neither a time-out
nor a fault of the register ever decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from contracts.letter.v1 import Channel
from plumbing import ids
from services.notifier.domain.letters import Letter, LetterName, LetterState, PastSending, refused, saved


class Remedy(StrEnum):
    """What a definitive failure leaves: nobody but people can help, another channel can, or the same can once more.

    The three classes are KMD WorkZone's for the codes of NgDP: Notify, Try next, Retry.
    """

    NOTIFY = "notify"
    OTHER_CHANNEL = "other_channel"
    ONCE_MORE = "once_more"


# A fault in the digital form is none of the citizen's: the letter goes on paper, and somebody is told all the same (M3).
# What would be as wrong on paper is surfaced. Codes with a source are the gateway's or KMD WorkZone's list of NgDP codes
# (of which a part is published); a deployment adds its own (GATEWAY_CODES).
DEFAULT_CODES: Final[Mapping[str, Remedy]] = {
    "recipient.exempt": Remedy.OTHER_CHANNEL,
    "memo.invalid": Remedy.OTHER_CHANNEL,
    "xml.invalid": Remedy.OTHER_CHANNEL,
    "kombi.invalid": Remedy.OTHER_CHANNEL,
    "contact.point.id.format.not.allowed": Remedy.OTHER_CHANNEL,
    "empty.notification.not.allowed": Remedy.OTHER_CHANNEL,
    "file.empty.not.allowed": Remedy.OTHER_CHANNEL,
    "file.extension.not.allowed": Remedy.OTHER_CHANNEL,
    "do.not.deliver.until.date.too.early": Remedy.OTHER_CHANNEL,
    "do.not.deliver.until.date.too.late": Remedy.OTHER_CHANNEL,
    "recipient.unknown": Remedy.NOTIFY,
    "recipient.invalid": Remedy.NOTIFY,
    "recipient.deceased": Remedy.NOTIFY,
    "forsendelse.invalid": Remedy.NOTIFY,
    "message.recalled": Remedy.NOTIFY,
}
EXPECTED: Final = frozenset({"recipient.exempt"})
BY_COMMAND: Final = "by-command"
NOT_REGISTERED: Final = "recipient.not-registered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """What a deployment has agreed.

    `paper`: whether a print house takes letters. `paper_proof`: the status that proves posting. `return_codes`: what the post
    calls a letter it brought back. `codes`: what follows from each code. `sendings`: how often a letter is sent by one channel.
    """

    paper: bool = True
    paper_proof: str = "Modtaget Post Danmark"
    return_codes: frozenset[str] = frozenset()
    codes: Mapping[str, Remedy] = field(default_factory=lambda: DEFAULT_CODES)
    sendings: int = 2


def chosen(*, registered: bool, ways: Ways) -> Channel | None:
    """The channel of a letter's first sending, as the register answered; None where nothing reaches the citizen."""
    if registered:
        return Channel.DIGITAL_POST
    return Channel.PAPER if ways.paper else None


def gateway_id(letter: Letter, channel: Channel) -> str:
    """Under which id the gateway is to know the letter's sending: derived, so that it is the same whoever asks and whenever."""
    name = letter.request.name
    if letter.sending == 1 and channel is Channel.DIGITAL_POST:
        return first_id(name)
    return str(ids.derive(name.letter_id, name.version, "sending", letter.sending))


def first_id(name: LetterName) -> str:
    """That of a letter's first message: the letter's own id, of later versions one that follows from it."""
    return str(name.letter_id if name.version == 1 else ids.derive(name.letter_id, name.version, "message"))


def after_negative(letter: Letter, code: str, ways: Ways) -> Letter:
    """The letter after its sending definitively failed by `code`: on its way again, or failed.

    A proof that came for an earlier sending meanwhile wins: the letter did arrive.
    """
    if letter.state.is_final or letter.gateway_id is None:
        return letter
    channel = letter.channel or Channel.DIGITAL_POST
    if (arrived := saved(letter)) is not None:
        return arrived
    remedy = ways.codes.get(code, Remedy.NOTIFY)
    used = 1 + sum(one.channel is channel for one in letter.past)
    if remedy is Remedy.ONCE_MORE and used < ways.sendings:
        return _next(letter, channel, channel, code)
    if remedy is not Remedy.NOTIFY and channel is Channel.DIGITAL_POST and ways.paper:
        return _next(letter, channel, Channel.PAPER, code)
    return refused(letter, code)


def again(letter: Letter, channel: Channel) -> Letter:
    """Somebody has made sure that a letter which failed, or of which nobody knew, did not go out: it is sent by that channel.

    Not where the gateway proved a sending of it, whatever somebody believes.
    """
    if letter.state not in {LetterState.FAILED, LetterState.UNKNOWN} or saved(letter) is not None:
        return letter
    if letter.channel is None or letter.gateway_id is None:  # nothing was ever handed in
        return replace(letter, state=LetterState.REQUESTED, channel=channel, failure=None)
    return replace(_next(letter, letter.channel, channel, letter.failure or BY_COMMAND), failure=None)


def stays_open(before: Letter, after: Letter) -> bool:
    """Whether a further sending begins: it needs a job of its own."""
    return after.sending > before.sending


def _next(letter: Letter, failed: Channel, channel: Channel, code: str) -> Letter:
    assert letter.gateway_id is not None
    ended = PastSending(number=letter.sending, channel=failed, gateway_id=letter.gateway_id, code=code)
    return replace(
        letter,
        state=LetterState.REQUESTED,
        sending=letter.sending + 1,
        channel=channel,
        gateway_id=None,
        repeats_recognised=None,
        may_be_taken=False,
        past=(*letter.past, ended),
    )
