"""Databases are lost, one after the other, and come back from a backup that held nothing yet: everything is read from the log
again, by the command that docs/runbooks/restored-database.md tells of.

What was announced before the loss is announced again, at another time and under the same ids: so nobody is asked twice, and no
citizen gets a second letter. Of tasks first the absences are read, then the fates of their letters.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from campaign.site import Site
from laws.names import ABSENCE, LETTER, NOTIFICATION
from laws.reading.kafka import group_lags
from stack.errors import NotReady

LOST: Final[Mapping[str, tuple[str, ...]]] = {"intake": (NOTIFICATION,), "tasks": (ABSENCE, LETTER)}
WHO: Final = ("--actor", "campaign", "--purpose", "restore")
LONGEST_WAIT_SECONDS: Final = 60.0


def restore(site: Site) -> None:
    """Loses the databases and brings them back."""
    for service, topics in LOST.items():
        process = site.house.process(service)
        process.stop()
        site.stack.drop_database(site.stack.database(service).name)
        site.stack.create_database(service)
        site.house.migrate(service)
        for topic in topics:
            process.stop()
            site.house.command(service, "read-again", topic, "--since", "beginning", "--move", *WHO)
            process.start()
            _wait_until_read(site, service, topic)


def _wait_until_read(site: Site, service: str, topic: str) -> None:
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while asyncio.run(group_lags(site.stack.kafka_bootstrap))[f"{service} on {topic}"]:
        if time.monotonic() > until:
            raise NotReady(f"{topic} was not read by {service} within {LONGEST_WAIT_SECONDS:g} s")
        time.sleep(0.5)
