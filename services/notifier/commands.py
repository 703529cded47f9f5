"""What somebody on duty types about letters that are held, and about those that were surfaced.

`guard list` prints one JSON object a line: the gate, who shut it when and why, and how many letters it holds. `guard stop` and
`guard go` take a municipality code or `*` for the whole country, the template that `list` names, and who does it. `go` counts
anew: the letters that follow may be as many as the limits say. Either given twice does no harm.

`letters list` prints letters in a state, one JSON object a line, ids and codes only, and whether the gateway proved any of their
sendings. `letters again` sends one that failed, or of which nobody knew, by the channel that is named, where nothing is proven:
whoever types it has made sure that it did not go out.
"""

import json
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from plumbing import typed
from plumbing.postgres import Database
from services.notifier import domain
from services.notifier.domain import COUNTRY, TEMPLATES, Channel, Letter, LetterName, LetterState, Pace
from services.notifier.store import Gates, Letters, Statuses
from services.notifier.usecases import Guard, SendAgain

GUARD_USAGE: Final = (
    "usage: guard list | guard stop|go <municipality code>|'*' <template> --by <who>\n"
    f"templates: {', '.join(sorted(TEMPLATES))}"
)
LETTERS_USAGE: Final = (
    "usage: letters list <state> | letters again <letter id> <version> <channel> --by <who>\n"
    f"states: {', '.join(LetterState)}\nchannels: {', '.join(Channel)}"
)
_OK, _NOTHING, _WRONG_USAGE = 0, 1, 2
_MOST_LISTED: Final = 1000
_NOT_AGAIN: Final = (
    "no such letter that failed or is unknown, and of which no proof is known;"
    " or its job was released: wait until that has ended\n"
)
_MUNICIPALITY: Final = re.compile(r"0\d{3}", re.ASCII)


async def guard(database: Database, gates: Gates, turns: Guard, arguments: Sequence[str]) -> int:
    """The exit code: 0, or 2 for wrong usage."""
    match list(arguments):
        case ["list"]:
            async with database.acquire() as connection:
                for gate in await gates.gates(connection):
                    _print(
                        municipality=gate.pace.municipality_code,
                        template=gate.pace.template,
                        shut_by=gate.shut_by,
                        reason=gate.reason,
                        since=gate.shut_at.isoformat(),
                        held=gate.held,
                    )
            return _OK
        case ["stop" | "go" as verb, municipality, template, "--by", who] if _fits(municipality, template) and (
            actor := _actor(who)
        ):
            pace = Pace(municipality, template)
            if verb == "stop":
                await turns.stop(pace, actor)
                sys.stdout.write("shut\n")
            else:
                sys.stdout.write(f"{await turns.go(pace, actor)} let go\n")
            return _OK
        case _:
            sys.stderr.write(GUARD_USAGE + "\n")
            return _WRONG_USAGE


async def letters(
    database: Database, kept: Letters, statuses: Statuses, send_again: SendAgain, arguments: Sequence[str]
) -> int:
    """The exit code: 0, 1 where there is no such letter that may be sent again, or 2 for wrong usage."""
    match list(arguments):
        case ["list", state] if state in set(LetterState):
            async with database.acquire() as connection:
                found = await kept.in_state(connection, LetterState(state), _MOST_LISTED)
                proven = await statuses.told_proven(connection, [letter.request.name for letter in found])
            for letter in found:
                _print(**_told(letter, is_proven=letter.request.name in proven))
            return _OK
        case ["again", letter_id, version, channel, "--by", who] if (
            (name := _name(letter_id, version)) and channel in set(Channel) and (actor := _actor(who))
        ):
            done = await send_again(name, Channel(channel), actor)
            sys.stdout.write("on its way\n" if done else _NOT_AGAIN)
            return _OK if done else _NOTHING
        case _:
            sys.stderr.write(LETTERS_USAGE + "\n")
            return _WRONG_USAGE


def _fits(municipality: str, template: str) -> bool:
    named = municipality == COUNTRY or _MUNICIPALITY.fullmatch(municipality)
    return bool(named and template in TEMPLATES)


def _actor(who: str) -> str | None:
    try:
        return f"person:{typed.account(who)}"
    except ArgumentTypeError as error:
        sys.stderr.write(f"--by: {error}\n")
        return None


def _name(letter_id: str, version: str) -> LetterName | None:
    try:
        return LetterName(letter_id=UUID(letter_id), version=int(version))
    except ValueError:
        return None


def _told(letter: Letter, *, is_proven: bool) -> dict[str, Any]:
    return {
        "letter_id": str(letter.request.name.letter_id),
        "version": letter.request.name.version,
        "municipality": letter.request.municipality_code,
        "requested_at": letter.request.requested_at.isoformat(),
        "sending": letter.sending,
        "channel": letter.channel,
        "gateway_id": letter.gateway_id,
        "failure": letter.failure,
        "failed_before": [f"{one.channel}: {one.code}" for one in letter.past],
        "is_proven": is_proven or letter.state.is_proven or domain.saved(letter) is not None,
    }


def _print(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
