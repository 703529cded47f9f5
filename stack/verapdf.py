"""Whether PDFs keep to the standards they claim, as veraPDF judges it: a program of others, and no part of what made them."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.errors import StackError
from stack.native.jars import VERAPDF, jars_of
from stack.native.java import find_java

PDF_A_2A: Final = "2a"
PDF_UA_1: Final = "ua1"
_JUDGED: Final = frozenset({0, 1})
"""Exit codes of veraPDF: all pass, some fail. Any other says that something could not be judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A file that does not keep to a standard; `rules` are the clauses it breaks, as veraPDF numbers them."""

    file: Path
    standard: str
    rules: tuple[str, ...]


def verify_pdfs(files: Sequence[Path], standard: str) -> list[Finding]:
    """The files that do not keep to the standard, `PDF_A_2A` or `PDF_UA_1`; raises StackError if one could not be judged."""
    paths = [file.resolve() for file in files]
    with tempfile.TemporaryDirectory(prefix="verapdf-") as home:  # it writes its settings into the user's
        outcome = subprocess.run(
            (str(find_java()), f"-Duser.home={home}", "-cp", f"{jars_of(VERAPDF)}/*",
             "org.verapdf.apps.GreenfieldCliWrapper", "--flavour", standard, "--format", "text", "-v", *map(str, paths)),
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    broken = _read(outcome.stdout, standard)
    if outcome.returncode not in _JUDGED or set(broken) != set(paths):
        message = f"veraPDF could not judge all of {len(paths)} files:\n{outcome.stdout}{outcome.stderr}"
        raise StackError(message)
    return [Finding(file=path, standard=standard, rules=rules) for path in paths if (rules := broken[path]) is not None]


def _read(told: str, standard: str) -> dict[Path, tuple[str, ...] | None]:
    """By file, the rules it breaks; None where it passes."""
    verdicts: dict[Path, tuple[str, ...] | None] = {}
    last = Path()
    for line in told.splitlines():
        if verdict := re.fullmatch(rf"(PASS|FAIL) (.+) {standard}", line):
            last = Path(verdict[2])
            verdicts[last] = None if verdict[1] == "PASS" else ()
        elif rule := re.fullmatch(r"\s+FAIL (\S+)", line):
            verdicts[last] = (*(verdicts[last] or ()), rule[1])
    return verdicts
