"""Programs that lie where the servers' account may not go, put where it may."""

import shutil
from pathlib import Path


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under another name, or a copy of it where that is another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy(source, target)
