"""Installs what is missing: one visible line each. Only root may, and only from Debian's packages; else the package is named."""

import os
import re
import shutil
import subprocess

from stack.errors import MissingPiece
from stack.say import say

_index_is_fresh = False


def install(package: str, purpose: str) -> None:
    """Installs one Debian package, or raises MissingPiece that tells a person what to install."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        message = f"{purpose} is missing: install {package} (Debian: apt-get install {package})"
        raise MissingPiece(message)
    say(f"installing {package} for {purpose}")
    _freshen_index()
    _apt_get("install", "--yes", "--no-install-recommends", package)


def candidate(package: str) -> str | None:
    """The version that `install` would install; None where that cannot be told, or it would not."""
    if os.geteuid() != 0 or shutil.which("apt-cache") is None:
        return None
    _freshen_index()
    said = subprocess.run(("apt-cache", "policy", package), capture_output=True, text=True, check=False, env=_plain())
    found = re.search(r"^\s+Candidate: (\S+)", said.stdout, re.MULTILINE)
    return found.group(1) if found else None


def _freshen_index() -> None:
    global _index_is_fresh  # noqa: PLW0603  the package index is read once per run
    if not _index_is_fresh:
        _apt_get("update")
        _index_is_fresh = True


def _plain() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _apt_get(*words: str) -> None:
    outcome = subprocess.run(
        ("apt-get", "-qq", *words),
        env=_plain(),
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        message = f"apt-get {' '.join(words)} failed:\n{outcome.stderr.strip() or outcome.stdout.strip()}"
        raise MissingPiece(message)
