"""`python -m services.notifier serve|migrate|config`."""

import sys

from plumbing.service import main
from services.notifier.app import NAME, serve
from services.notifier.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve))
