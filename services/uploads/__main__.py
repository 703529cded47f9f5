"""`python -m services.uploads serve|migrate|config|erase|jobs|dead-letters|read-again`."""

import sys

from plumbing.service import main
from services.uploads.app import NAME, dead_letters, erase, parked, read_again, serve
from services.uploads.settings import EraseSettings, Settings


async def _not_here(_settings: EraseSettings) -> None:
    raise AssertionError("erase has no serve of its own")


if __name__ == "__main__":
    if sys.argv[1:2] == ["erase"]:
        sys.exit(main(NAME, EraseSettings, _not_here, more={"erase": erase}))
    sys.exit(main(NAME, Settings, serve, more={"jobs": parked, "dead-letters": dead_letters, "read-again": read_again}))
