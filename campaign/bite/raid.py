"""`python -m campaign.bite.raid NAME --run-dir DIR`: one raid in this tree; what came of it is written to DIR/outcome.json.

A control is several raids at once. A law that a raid breaks by its nature is not asked: after a restore the same event is told
a second time at another time.
"""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from campaign.bite.raids import RAIDS, Raid, controls, raid_of
from campaign.bite.restore import restore
from campaign.gateway import turn_gateway
from campaign.journal import Journal
from campaign.site import Site, open_site
from laws import events
from laws.judging import judged, wait_for_rest
from laws.verdict import Verdict
from stack.errors import NotReady

SEED = 7
RATE = 12.0
DOCUMENTS_RATE = 4.0
LONGEST_REST_SECONDS = 30.0
LONGEST_LANE_SECONDS = 90.0
LONGEST_DOCUMENTS_SECONDS = 60.0
REST_BEFORE_RESTORE_SECONDS = 120.0
VAULT_AWAY_SECONDS = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m campaign.bite.raid", description=__doc__)
    parser.add_argument("name", choices=[*RAIDS, *controls()])
    parser.add_argument("--run-dir", type=Path, required=True)
    arguments = parser.parse_args()
    raid = raid_of(arguments.name)
    arguments.run_dir.mkdir(parents=True, exist_ok=True)
    arguments.run_dir.chmod(0o711)
    journal = Journal(arguments.run_dir / "history.jsonl")
    with open_site(
        arguments.run_dir,
        seed=SEED,
        journal=journal,
        gateway_dedupes=raid.gateway_dedupes,
        surfaced_after_seconds=raid.surfaced_after,
        drains=False,
    ) as site:
        never_struck = _break(site, raid)
        verdicts = asyncio.run(judged(site.sources(), within=LONGEST_REST_SECONDS))
    asked = [verdict for verdict in verdicts if not (raid.restores and verdict.law == events.LAW)]
    _tell(arguments.run_dir / "outcome.json", asked, never_struck)
    return 0 if not never_struck and all(verdict.holds for verdict in asked) else 1


def _break(site: Site, raid: Raid) -> list[str]:
    """Everything the raid is made of, under traffic; the faults that never struck."""
    stopping, enough = Event(), Event()
    reporters = site.reporters(rate=RATE, odd=raid.odd, attached=raid.attached, late=raid.late)
    citizens = site.citizens(rate=DOCUMENTS_RATE) if raid.documents else None
    turn_gateway(site.house, raid.gateway)
    with ThreadPoolExecutor(max_workers=8) as pool:
        sending = [pool.submit(reporters.run, enough)]
        if citizens is not None:
            sending += [pool.submit(citizens.run, enough), pool.submit(site.watch().run, enough)]
        try:
            scanner = site.scanner(stopping)
            lanes = [site.lane(service, told, stopping, scanner) for service, told in raid.lives.items()]
            living = [pool.submit(lane.run) for lane in lanes]
            until = time.monotonic() + LONGEST_LANE_SECONDS
            while time.monotonic() < until and not all(lane.is_through.is_set() for lane in lanes):
                time.sleep(0.2)
            if raid.drains_without_vault:
                # A service that has just begun has no batch that could wait.
                while reporters.acknowledged < raid.notifications // 3:
                    time.sleep(0.2)
                _drain_without_vault(site)
            while reporters.acknowledged < raid.notifications:
                time.sleep(0.2)
            until = time.monotonic() + LONGEST_DOCUMENTS_SECONDS
            while citizens is not None and citizens.answered < raid.documents and time.monotonic() < until:
                time.sleep(0.2)
        finally:
            stopping.set()
            enough.set()
        for future in (*living, *sending):
            future.result()
    turn_gateway(site.house, ({"mode": "normal"},))
    if raid.restores:
        if not asyncio.run(wait_for_rest(site.sources(), within=REST_BEFORE_RESTORE_SECONDS)).is_at_rest:
            raise NotReady("no rest before the restore")  # fates of letters that came meanwhile would find no letter
        restore(site)
    return [
        f"{service} {strike.visit}"
        for service, told in raid.lives.items()
        for life in told
        for strike in life.wished
        if strike.visit not in site.struck(service)
    ]


def _drain_without_vault(site: Site) -> None:
    """Intake is told to end while its batch waits for the vault."""
    vault, intake = site.house.process("citizens"), site.house.process("intake")
    vault.pause()
    time.sleep(VAULT_AWAY_SECONDS)
    intake.stop(timeout=40)
    vault.resume()
    if not intake.is_alive:  # whoever looks after the lives may have been quicker
        intake.start()


def _tell(path: Path, verdicts: list[Verdict], never_struck: list[str]) -> None:
    broken = [[verdict.law, rule] for verdict in verdicts for rule in verdict.offences]
    told = "\n".join(line for verdict in verdicts for line in verdict.lines())
    path.write_text(json.dumps({"broken": broken, "never_struck": never_struck}, indent=1) + "\n")
    print(told)


if __name__ == "__main__":
    sys.exit(main())
