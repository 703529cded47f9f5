"""Finds a Java that Kafka runs on: 17 or newer, from JAVA_HOME, the PATH or Debian's directories; else installs Debian's 17."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stack.errors import MissingPiece
from stack.packages import install

_LOWEST = 17
DEBIAN = Path("/usr/lib/jvm")


@functools.cache
def find_java() -> Path:
    """The `java` program."""
    found = _first_fit()
    if found is None:
        install("openjdk-17-jre-headless", f"Java {_LOWEST} or newer, which Kafka runs on,")
        found = _first_fit()
    if found is None:
        message = f"no Java {_LOWEST} or newer after installing one; set JAVA_HOME"
        raise MissingPiece(message)
    return found


def _first_fit() -> Path | None:
    return next((java for java in _candidates() if _major_version(java) >= _LOWEST), None)


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve()
    yield from sorted(DEBIAN.glob("*/bin/java"), reverse=True)


def _major_version(java: Path) -> int:
    if not os.access(java, os.X_OK):
        return 0
    said = subprocess.run((str(java), "-version"), capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version.group(1)) if version else 0
