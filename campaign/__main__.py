"""`python -m campaign`: breaks everything under load and says what came of it; exit 0 where every law holds.

The full campaign meets every fault point of every service by kill, stop and raise, kills them anywhere besides, and plays every
fault of broker, database, gateway and groups that can be played; `--short` raises at every point, kills and stops at a few, and
plays what is quick. The run directory keeps schedule, history, visits and logs; it is removed after a clean
run unless `--keep`.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from campaign import mistakes
from campaign.account import lines
from campaign.campaign import Campaign
from campaign.plan import Extent, extents
from campaign.points import passed_by
from campaign.say import say
from campaign.storm import Wish
from stack.members import SERVICES
from stack.paths import ROOT

_SHORT: Mapping[str, Extent] = {
    "citizens": Extent(kills=1, stops=0, deaths=0),
    "intake": Extent(kills=1, stops=1, deaths=0),
    "tasks": Extent(kills=1, stops=1, deaths=0),
    "uploads": Extent(kills=2, stops=1, deaths=0),
    "notifier": Extent(kills=2, stops=1, deaths=0),
}
# Of the time that the breaking may last; the rest is for what the house could not take in meanwhile.
_SENT_WITHIN = 0.75


def main() -> int:
    arguments = _parser().parse_args()
    wish = _wish(arguments)
    run_dir = Path(arguments.run_dir or tempfile.mkdtemp(prefix="mit-sygefravaer-campaign-"))
    run_dir.mkdir(parents=True, exist_ok=True)
    run_dir.chmod(0o711)
    say(f"seed {wish.seed}, run directory {run_dir}")
    if arguments.mistakes:
        outcomes = mistakes.run(
            run_dir,
            seed=wish.seed,
            records=arguments.notifications or (60 if arguments.short else 250),
            only=arguments.only,
            is_short=arguments.short,
        )
        print("\n".join(mistakes.lines(outcomes)))
        return _kept_unless(bool(outcomes) and all(one.is_clean for one in outcomes), run_dir, keep=arguments.keep)
    campaign = Campaign(wish, run_dir)
    campaign.journal.is_loud = arguments.loud
    account = campaign.run()
    print("\n".join(lines(account)))
    return _kept_unless(account.is_clean, run_dir, keep=arguments.keep)


def _kept_unless(is_clean: bool, run_dir: Path, *, keep: bool) -> int:
    if is_clean and not keep:
        shutil.rmtree(run_dir, ignore_errors=True)
    else:
        say(f"kept: {run_dir}")
    return 0 if is_clean else 1


def _wish(arguments: argparse.Namespace) -> Wish:
    short = arguments.short
    notifications = arguments.notifications or (600 if short else 20_000)
    kills = arguments.kills if arguments.kills is not None else (5 if short else 200)
    rebalances = arguments.rebalances if arguments.rebalances is not None else (6 if short else 100)
    minutes = arguments.minutes or (6.0 if short else 32.0)
    points = {service: len(passed_by(service, ROOT)) for service in SERVICES}
    return Wish(
        seed=arguments.seed if arguments.seed is not None else int(time.time()) % 1_000_000,
        notifications=notifications,
        submissions=30 if short else 600,
        kills=kills,
        rebalances=rebalances,
        rate=arguments.rate or (10.0 if short else notifications / (60 * minutes * _SENT_WITHIN)),
        submission_rate=1.0 if short else 0.6,
        minutes=minutes,
        extents=_SHORT if short else extents(points, kills),
        world_pause=4.0 if short else 10.0,
        gateway_pause=4.0 if short else 8.0,
        rebalance_pause=5.0 if short else 12.0,
        longest_outage=arguments.longest_outage or (5.0 if short else 30.0),
        is_whole=not short,
        gateway_dedupes=not arguments.forgetful_gateway,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m campaign", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few minutes instead of forty; of the mistakes, a few")
    parser.add_argument(
        "--mistakes", action="store_true", help="topics doubled, shuffled, read again, skipped, deleted instead"
    )
    parser.add_argument("--only", default="", help="with --mistakes: steps whose name contains this")
    parser.add_argument("--seed", type=int, help="of schedule and traffic; drawn and printed if not given")
    parser.add_argument("--notifications", type=int, help="at least so many")
    parser.add_argument("--kills", type=int, help="at least so many, else the campaign fails")
    parser.add_argument("--rebalances", type=int, help="at least so many among living members, by Kafka's own record")
    parser.add_argument(
        "--rate", type=float, help="notifications a second, while the house keeps pace; follows from the time"
    )
    parser.add_argument("--minutes", type=float, help="how long the breaking may last at most")
    parser.add_argument(
        "--longest-outage", type=float, help="seconds; 120 kills the broker once for that long, and more"
    )
    parser.add_argument(
        "--forgetful-gateway", action="store_true", help="a gateway that does not recognise a repeated message id"
    )
    parser.add_argument("--run-dir", help="where everything is kept; a new temporary directory if not given")
    parser.add_argument("--keep", action="store_true", help="keep the run directory of a clean run too")
    parser.add_argument("--loud", action="store_true", help="print every fault as it happens")
    return parser


if __name__ == "__main__":
    sys.exit(main())
