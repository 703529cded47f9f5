"""`python -m services.tasks serve|migrate|config`."""

import sys

from plumbing.service import main
from services.tasks.app import NAME, serve
from services.tasks.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve))
