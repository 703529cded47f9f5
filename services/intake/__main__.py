"""`python -m services.intake serve|migrate|config`."""

import sys

from plumbing.service import main
from services.intake.app import NAME, serve
from services.intake.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve))
