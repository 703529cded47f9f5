"""Whether the house is behind with what it was sent: reporters who see that wait, so that a slow machine is not buried."""

import asyncio
from dataclasses import dataclass

from laws.judging import wait_for_rest
from laws.sources import Sources

_COUNTED = ("records for ", "outbox of ", "jobs of ", "letters without end of ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """`most`: so many records, messages, jobs and letters may be under way."""

    sources: Sources
    most: float

    def is_long(self) -> bool:
        """Also while nobody can say."""
        try:
            measure = asyncio.run(wait_for_rest(self.sources, within=0))
        except Exception:  # noqa: BLE001  # servers and simulators are being broken just now, each in its own way
            return True
        return sum(number for name, number in measure.under_way.items() if name.startswith(_COUNTED)) > self.most
