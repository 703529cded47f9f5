"""`python -m services.intake serve|migrate|config|dead-letters|read-again`."""

import sys

from plumbing.service import main
from services.intake.app import NAME, dead_letters, read_again, serve
from services.intake.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve, more={"dead-letters": dead_letters, "read-again": read_again}))
