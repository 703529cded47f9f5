"""`python -m stack.demo`: start everything, play, give account. Exit 0 where every law holds."""

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

from laws.judging import judged
from laws.sources import Sources, parser
from stack.addresses import ALL_SERVERS
from stack.demo import account, documents, figures, story
from stack.errors import StackError
from stack.house import House
from stack.paths import ROOT
from stack.run_file import RunFile
from stack.servers import Stack

_REST_SECONDS = 90
"""What waits in vain is looked for once a minute."""


def main() -> int:
    """A demonstration from nothing; what an earlier one left running is ended first."""
    given = argparse.ArgumentParser(prog="python -m stack.demo", description="Play the demonstration and give account.")
    given.add_argument("--run-dir", type=Path, default=ROOT / ".run" / "demo")
    given.add_argument("--leave", action=argparse.BooleanOptionalAction, default=True, help="leave everything running")
    asked = given.parse_args()
    run_dir = asked.run_dir.resolve()
    _end_earlier(run_dir)
    try:
        return _play(run_dir, leave=asked.leave)
    except StackError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _play(run_dir: Path, *, leave: bool) -> int:
    stack = Stack.start(run_dir, servers=ALL_SERVERS, outlives_supervisor=leave)
    post = {"post_gateway": story.POST}
    house = House(stack, session_timeout_ms=2_000, environment=post, outlives_supervisor=leave)
    try:
        house.start().remember()
        told = asyncio.run(story.play(house, house.state_dir / "nemrefusion.jsonl"))
        papers = asyncio.run(documents.play(house, house.state_dir / "documents.jsonl"))
        house.remember()  # whoever was started again has another pid
        sources = Sources.of(parser().parse_args(["--run-dir", str(run_dir)]))
        verdicts = asyncio.run(judged(sources, within=_REST_SECONDS))
        came = asyncio.run(figures.gather(stack.postgres_admin_dsn, stack.kafka_bootstrap))
    finally:
        if not leave:
            house.stop()
            stack.stop()
    print("\n".join(account.lines(house, told, came, papers, verdicts)))
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _end_earlier(run_dir: Path) -> None:
    held = RunFile.read(run_dir)
    if held is not None:
        held.stop_house()
        earlier = Stack.attach(run_dir)
        if earlier is not None:
            earlier.stop()
    shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
