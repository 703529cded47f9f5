"""What somebody on duty does about letters that are held because they were too many: look, stop, and let them go.

`guard list` prints one JSON object a line: the gate, who shut it when and why, and how many letters it holds. `guard stop` and
`guard go` take a municipality code or `*` for the whole country, the template that `list` names, and who does it. `go` counts
anew: the letters that follow may be as many as the limits say. Either given twice does no harm.
"""

import json
import re
import sys
from collections.abc import Sequence
from typing import Final

from plumbing.postgres import Database
from services.notifier.domain import COUNTRY, TEMPLATES, Pace
from services.notifier.store import Store
from services.notifier.usecases import Guard

USAGE: Final = (
    "usage: guard list | guard stop|go <municipality code>|'*' <template> --by <who>\n"
    f"templates: {', '.join(sorted(TEMPLATES))}"
)
_OK, _WRONG_USAGE = 0, 2
_ACTOR: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}", re.ASCII)
_MUNICIPALITY: Final = re.compile(r"0\d{3}", re.ASCII)


async def run(database: Database, store: Store, guard: Guard, arguments: Sequence[str]) -> int:
    """The exit code: 0, or 2 for wrong usage."""
    match list(arguments):
        case ["list"]:
            return await _list(database, store)
        case ["stop" | "go" as verb, municipality, template, "--by", who] if _fits(municipality, template, who):
            pace, actor = Pace(municipality, template), f"person:{who}"
            if verb == "stop":
                await guard.stop(pace, actor)
                sys.stdout.write("shut\n")
            else:
                sys.stdout.write(f"{await guard.go(pace, actor)} let go\n")
            return _OK
        case _:
            sys.stderr.write(USAGE + "\n")
            return _WRONG_USAGE


def _fits(municipality: str, template: str, who: str) -> bool:
    named = municipality == COUNTRY or _MUNICIPALITY.fullmatch(municipality)
    return bool(named and template in TEMPLATES and _ACTOR.fullmatch(who))


async def _list(database: Database, store: Store) -> int:
    async with database.acquire() as connection:
        for gate in await store.gates(connection):
            told = {
                "municipality": gate.pace.municipality_code,
                "template": gate.pace.template,
                "shut_by": gate.shut_by,
                "reason": gate.reason,
                "since": gate.shut_at.isoformat(),
                "held": gate.held,
            }
            sys.stdout.write(json.dumps(told) + "\n")
    return _OK
