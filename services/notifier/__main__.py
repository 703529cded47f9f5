"""`python -m services.notifier serve|migrate|config|jobs|guard|letters|dead-letters|read-again`."""

import sys

from plumbing.service import main
from services.notifier.app import NAME, dead_letters, guard, letters, parked_letters, read_again, serve
from services.notifier.settings import Settings

if __name__ == "__main__":
    sys.exit(
        main(
            NAME,
            Settings,
            serve,
            more={
                "jobs": parked_letters,
                "guard": guard,
                "letters": letters,
                "dead-letters": dead_letters,
                "read-again": read_again,
            },
        )
    )
