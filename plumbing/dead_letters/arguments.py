"""What `dead-letters` is told on its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from plumbing import typed
from plumbing.dead_letters.ledger import Signature
from plumbing.dead_letters.letters import Wish


class WrongUsage(Exception):
    """What was told makes no sense, and why was printed; or only help was asked for (code 0)."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class List:
    wish: Wish
    as_json: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """`signature` is there if the original is asked for."""

    id: UUID
    signature: Signature | None
    force: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """`signature` is there if it is more than a dry run."""

    wish: Wish
    signature: Signature | None
    again: bool


def parse(service: str, arguments: Sequence[str]) -> List | Show | Replay:
    """Raises WrongUsage."""
    parser, replay = _parser(service)
    try:
        told = parser.parse_args(list(arguments))
        match told.command:
            case "list":
                return List(wish=_wish(told), as_json=told.json)
            case "show":
                return Show(id=told.id, signature=_signature(parser, told, needed_for="original"), force=told.force)
            case _:
                wish = _wish(told)
                if wish.is_for_all != told.all:
                    replay.error("say which dead letters are meant, or --all")
                return Replay(wish=wish, signature=_signature(replay, told, needed_for="send"), again=told.again)
    except SystemExit as ended:
        raise WrongUsage(ended.code if isinstance(ended.code, int) else 2) from None


def _parser(service: str) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service} dead-letters", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="one line for each, oldest first; nothing personal", allow_abbrev=False)
    _add_wish(listing)
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    show = commands.add_parser("show", help="why one was refused, and its replays", allow_abbrev=False)
    show.add_argument("id", type=_uuid, metavar="ID")
    show.add_argument(
        "--original", action="store_true", help="open the seal and print the record: personal data, audited"
    )
    show.add_argument("--force", action="store_true", help="print the record although it does not go to a terminal")
    _add_signature(show, "--original")
    replay = commands.add_parser("replay", help="tell what would be sent; with --send, send it", allow_abbrev=False)
    _add_wish(replay)
    replay.add_argument("--all", action="store_true", help="every dead letter there is")
    replay.add_argument("--send", action="store_true", help="no dry run: put the originals back into their topic")
    replay.add_argument("--again", action="store_true", help="also those that were replayed already")
    _add_signature(replay, "--send")
    return parser, replay


def _add_wish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", type=_uuid, action="append", default=[], help="one of these (repeat it for more)")
    parser.add_argument("--since", type=typed.instant, help="failed at or after: 2026-11-23 or 2026-11-23T04:00:00Z")
    parser.add_argument("--until", type=typed.instant, help="failed before")
    parser.add_argument("--reason", help="with a reason of this code")
    parser.add_argument("--field", help="with a reason about this field")
    parser.add_argument("--at", type=_place, metavar="TOPIC[:PARTITION[:OFFSET]]", help="where the record stood")


def _add_signature(parser: argparse.ArgumentParser, needed_for: str) -> None:
    parser.add_argument("--actor", type=typed.account, help=f"your account; needed for {needed_for}")
    parser.add_argument(
        "--purpose", type=typed.purpose, help=f"a code or case number, no free text; needed for {needed_for}"
    )


def _wish(told: argparse.Namespace) -> Wish:
    return Wish(
        ids=frozenset(told.id), since=told.since, until=told.until, reason=told.reason, field=told.field, at=told.at
    )


def _signature(parser: argparse.ArgumentParser, told: argparse.Namespace, *, needed_for: str) -> Signature | None:
    is_needed = getattr(told, needed_for)
    if not is_needed:
        return None
    if told.actor is None or told.purpose is None:
        parser.error(f"--{needed_for} needs --actor and --purpose")
    return Signature(actor=f"ops:{told.actor}", purpose=told.purpose)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not an id") from None


def _place(text: str) -> tuple[str, int | None, int | None]:
    topic, *numbers = text.split(":")
    if not topic or len(numbers) > 2 or not all(number.isascii() and number.isdecimal() for number in numbers):
        raise argparse.ArgumentTypeError("not TOPIC, TOPIC:PARTITION or TOPIC:PARTITION:OFFSET")
    partition, offset = [*map(int, numbers), None, None][:2]
    return topic, partition, offset
