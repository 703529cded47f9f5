"""Who can be reached by which service: the register that a look-up asks.

A share of everybody cannot be, decided by a keyed hash of the number: the same person always is the same, whatever was asked
before and however often the simulator starts. Who was exempted by hand, or taken off the list, is as they were put.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.post_gateway import handed_in
from simulators.post_gateway.ledger import Ledger

DIGITAL_POST = "digitalpost"
NEMSMS = "nemsms"
SERVICES = frozenset({DIGITAL_POST, NEMSMS})
SERVICE_OF = {handed_in.DIGITAL_POST: DIGITAL_POST, handed_in.NEMSMS: NEMSMS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """`absent` is the share of people, 0 to 1, who are not in a service; `seed` is the hash's key."""

    ledger: Ledger
    seed: int = 1
    absent: Mapping[str, float] = field(default_factory=dict)

    def has(self, number: str, service: str) -> bool:
        """Whether that person or company is in the service."""
        told = self.ledger.exemption(number, service)
        return self._drawn(number, service) >= self.absent.get(service, 0.0) if told is None else not told

    def _drawn(self, number: str, service: str) -> float:
        digest = hmac.digest(f"register {self.seed}".encode(), f"{service}:{number}".encode(), "sha256")
        return int.from_bytes(digest[:8]) / 2**64
