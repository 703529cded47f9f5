"""When a job is tried again, and how often."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Pauses grow by `factor` from `first` to `ceiling` seconds, each shortened by up to half at random, so that those who
    failed together do not come back together. After `attempts` claims, crashes included, the job is parked."""

    first: float = 0.5
    factor: float = 2.0
    ceiling: float = 300.0
    attempts: int = 200

    def pause(self, attempt: int) -> float:
        """Seconds until the attempt after the `attempt`th (the first is 1)."""
        growth = self.factor ** min(attempt - 1, 60)
        return float(min(self.first * growth, self.ceiling)) * random.uniform(0.5, 1.0)
