"""`python -m simulators.clock`: HOST (127.0.0.1), PORT (8090), CLOCK_STATE_PATH (the file that outlives a kill)."""

import os
from pathlib import Path

import uvicorn

from simulators.clock.app import make_app
from simulators.clock.dial import Dial


def main() -> None:
    """Serve until told to stop."""
    state = os.environ.get("CLOCK_STATE_PATH")
    uvicorn.run(
        make_app(Dial(Path(state) if state else None)),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8090")),
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
