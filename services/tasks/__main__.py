"""`python -m services.tasks serve|migrate|config|dead-letters|read-again`."""

import sys

from plumbing.service import main
from services.tasks.app import NAME, dead_letters, read_again, serve
from services.tasks.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve, more={"dead-letters": dead_letters, "read-again": read_again}))
