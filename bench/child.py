"""What both sides of a comparison share: their task, and how time, CPU and memory are taken.

Each run is a process of its own, so that its memory and CPU time are its own. The clock runs from the first batch in
hand to the last offset commit with everything produced: start-up and group join are not part of it.
"""

import resource
import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a child is to do."""

    bootstrap: str
    dsn: str
    topic: str
    group: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a child measured of itself: `seconds` of the wall clock, `cpu` seconds (user and system), `peak` memory in MiB."""

    records: int
    seconds: float
    cpu: float
    peak: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


class Meter:
    """Takes the time once."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._cpu = 0.0

    def begin(self) -> None:
        """The first batch is in hand; later calls change nothing."""
        if self._begun is None:
            self._begun = time.perf_counter()
            self._cpu = _cpu()

    def end(self, records: int) -> Measured:
        """All is done."""
        assert self._begun is not None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Measured(records=records, seconds=time.perf_counter() - self._begun, cpu=_cpu() - self._cpu, peak=peak)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


meter = Meter()
