"""`python -m simulators.post_gateway`; everything it is told, it is told by the environment (README.md lists it)."""

import os
from pathlib import Path

import uvicorn

from plumbing.clock import Clock, SimulatedClock, SystemClock
from simulators.post_gateway.app import Background, make_app
from simulators.post_gateway.intake import Intake
from simulators.post_gateway.ledger import Ledger
from simulators.post_gateway.print_house import PrintHouse
from simulators.post_gateway.pusher import Pusher
from simulators.post_gateway.register import DIGITAL_POST, NEMSMS, Register
from simulators.post_gateway.sheets import SheetReader
from simulators.post_gateway.switches import Switchboard
from simulators.post_gateway.wire import BreakableProtocol


def main() -> None:
    """Serve until told to stop."""
    environment = os.environ
    clock, loops = _clock(environment.get("CLOCK_URL"))
    ledger = Ledger(
        Path(environment.get("LEDGER_PATH", "post-gateway.sqlite")),
        contents_kept=int(environment.get("CONTENTS_KEPT", "5000")),
    )
    seed = int(environment.get("SEED", "1"))
    absent = {
        DIGITAL_POST: float(environment.get("EXEMPT_SHARE", "0")),
        NEMSMS: float(environment.get("NEMSMS_ABSENT_SHARE", "0")),
    }
    intake = Intake(
        ledger=ledger,
        register=Register(ledger=ledger, seed=seed, absent=absent),
        print_house=PrintHouse(
            reader=SheetReader(),
            print_days=int(environment.get("PRINT_DAYS", "1")),
            return_share=float(environment.get("RETURN_SHARE", "0")),
            return_days=int(environment.get("RETURN_DAYS", "14")),
            return_code=environment.get("RETURN_CODE", "RETUR"),
            seed=seed,
        ),
        clock=clock,
        switchboard=Switchboard(seed=seed),
        dedupes=environment.get("DEDUPES", "true").lower() != "false",
        status_delay=float(environment.get("STATUS_DELAY_SECONDS", "0.05")),
    )
    pusher = Pusher(
        ledger,
        clock,
        environment.get("STATUS_PUSH_URL"),
        environment.get("STATUS_PUSH_TOKEN"),
        at_once=int(environment.get("PUSHES_AT_ONCE", "64")),
    )
    uvicorn.run(
        make_app(intake, pusher, *loops),
        host=environment.get("HOST", "127.0.0.1"),
        port=int(environment.get("PORT", "8091")),
        http=BreakableProtocol,
        access_log=False,  # a registration query has a CPR number in its URL
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


def _clock(url: str | None) -> tuple[Clock, list[Background]]:
    if url is None:
        return SystemClock(), []
    clock = SimulatedClock(url, "post_gateway")
    return clock, [clock.run]


if __name__ == "__main__":
    main()
