"""What a file is called when it is shown: the client's name without what could deceive or do harm (U13 to U18).

The name is somebody's text and may hold anything: it is kept sealed, shown escaped, and never part of a key, path or log line.
"""

import re
import unicodedata
from typing import Final

LONGEST_NAME: Final = 200
_LONGEST_EXTENSION: Final = 10
_SEPARATORS: Final = re.compile(r"[/\\]")
_SPACE: Final = re.compile(r"\s+")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
)


def display_name(told: str) -> str | None:
    """The name to show, or None where nothing usable is left of it.

    Path parts are dropped; control characters, marks that turn the direction of writing, and what has no width are removed;
    the result is NFC and at most 200 characters long, its extension kept.
    """
    last = _SEPARATORS.split(unicodedata.normalize("NFC", told))[-1]
    visible = "".join(one for one in last if unicodedata.category(one) not in _UNSEEN)
    name = _SPACE.sub(" ", visible).strip()
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem.strip(". ") or not (extension.strip() or "." in stem):
        return None
    if stem.split(".")[0].strip().lower() in _DEVICES:
        return None
    if len(name) > LONGEST_NAME:
        ending = f".{extension}" if len(extension) <= _LONGEST_EXTENSION else ""
        name = unicodedata.normalize("NFC", stem[: LONGEST_NAME - len(ending)].rstrip()) + ending
    return name
