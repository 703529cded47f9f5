"""Where things lie: the project's root, the cache outside the work tree, the default run directory."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_RUN_DIR = ROOT / ".run"


def cache_dir() -> Path:
    """Jars and other fetched pieces, kept between clones of the work tree."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mit-sygefravaer"
