"""`python -m services.notifier serve|migrate|config|jobs|guard|dead-letters`."""

import sys

from plumbing.service import main
from services.notifier.app import NAME, dead_letters, guard, parked_letters, serve
from services.notifier.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve, more={"jobs": parked_letters, "guard": guard, "dead-letters": dead_letters}))
