"""Who may ask the vault what, and for what purpose.

Invariants: there is no right without a purpose, and the purpose is what the audit entry says; a caller is known by a token
alone, and comparing tokens takes the same time whatever was presented.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

SHORTEST_TOKEN: Final = 32
MOST_TOKENS: Final = 2
"""The one in use and, while a token is being changed, the next."""


class Caller(StrEnum):
    """The services that have a token."""

    INTAKE = "intake"
    TASKS = "tasks"
    UPLOADS = "uploads"
    NOTIFIER = "notifier"
    OPS = "ops"


class Act(StrEnum):
    """What can be asked."""

    RESOLVE = "resolve"
    CONFIRM = "confirm"
    KEYS = "keys"
    CARDS = "cards"
    MONTH_KEYS = "month-keys"
    DESTROY = "destroy"


PURPOSES: Final[Mapping[tuple[Caller, Act], str]] = {
    (Caller.INTAKE, Act.RESOLVE): "receive-notification",
    (Caller.INTAKE, Act.CONFIRM): "receive-notification",
    (Caller.INTAKE, Act.KEYS): "bury-what-waited-in-vain",
    (Caller.INTAKE, Act.MONTH_KEYS): "keep-dead-letters",
    (Caller.TASKS, Act.KEYS): "work-tasks",
    (Caller.TASKS, Act.MONTH_KEYS): "keep-dead-letters",
    (Caller.UPLOADS, Act.KEYS): "keep-documents",
    (Caller.UPLOADS, Act.MONTH_KEYS): "keep-dead-letters",
    (Caller.NOTIFIER, Act.KEYS): "write-letter",
    (Caller.NOTIFIER, Act.CARDS): "address-letter",
    (Caller.NOTIFIER, Act.MONTH_KEYS): "keep-dead-letters",
    (Caller.OPS, Act.DESTROY): "erase",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """A request that may be answered: who asks, to do what, why, and under which reference."""

    caller: Caller
    act: Act
    purpose: str
    reference: UUID


def admit(caller: Caller, act: Act, reference: UUID) -> Asking | None:
    """The request, if the caller has any business with it."""
    purpose = PURPOSES.get((caller, act))
    return None if purpose is None else Asking(caller=caller, act=act, purpose=purpose, reference=reference)


class BadTokens(Exception):
    """The list of tokens cannot be used; the text holds none of them."""


class Tokens:
    """Which token belongs to whom. A caller may have several, so that a token can be changed without a break."""

    def __init__(self, tokens: Sequence[tuple[Caller, str]]) -> None:
        self._digests = [(caller, _digest(token)) for caller, token in tokens]

    @classmethod
    def parse(cls, text: str) -> "Tokens":
        """Read `intake=<token>,notifier=<token>,…`; raises BadTokens."""
        tokens: list[tuple[Caller, str]] = []
        for nth, item in enumerate(filter(None, text.split(",")), start=1):
            name, _, token = item.strip().partition("=")
            if name not in set(Caller):
                raise BadTokens(f"item {nth} names no known caller")
            if len(token) < SHORTEST_TOKEN:
                raise BadTokens(f"the token of {name} is shorter than {SHORTEST_TOKEN} characters")
            tokens.append((Caller(name), token))
        if not tokens:
            raise BadTokens("no token is given")
        names = [caller for caller, _ in tokens]
        if many := [caller.value for caller in Caller if names.count(caller) > MOST_TOKENS]:
            raise BadTokens(f"more than {MOST_TOKENS} tokens of {', '.join(many)}")
        if len({token for _, token in tokens}) < len(tokens):
            raise BadTokens("two callers share a token, or one has it twice")
        return cls(tokens)

    def caller(self, presented: str) -> Caller | None:
        """Whose token this is."""
        digest = _digest(presented)
        found: Caller | None = None
        for caller, known in self._digests:  # to the end, whoever it is
            if hmac.compare_digest(digest, known):
                found = caller
        return found


def _digest(token: str) -> bytes:
    # Equal lengths for the comparison; surrogates may come out of a header that was no text.
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
