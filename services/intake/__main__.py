"""`python -m services.intake serve|migrate|config|dead-letters`."""

import sys

from plumbing.service import main
from services.intake.app import NAME, dead_letters, serve
from services.intake.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve, more={"dead-letters": dead_letters}))
