"""Jars of the Java programs we run, fetched once by Maven into the cache and checked against the hashes beside each pom.

Invariants: a directory in the cache is whole (it gets its name only after every jar's hash was right); its name is made of
the hashes, so that a new version never mixes with an old one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.errors import MissingPiece, StackError
from stack.native.java import find_java
from stack.packages import install
from stack.paths import ROOT, cache_dir
from stack.say import say


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A Java program: `home` holds its pom.xml and the hashes of its jars, and names it in the cache."""

    name: str
    home: Path

    @property
    def hashes(self) -> Path:
        return self.home / "jars.sha256"


KAFKA: Final = Program(name="Kafka", home=ROOT / "stack" / "native" / "kafka")
VERAPDF: Final = Program(name="veraPDF", home=ROOT / "stack" / "native" / "verapdf")


def jars_of(program: Program) -> Path:
    """The directory that holds the program's jars; the first call on a machine fetches them (Kafka's 43 MB, veraPDF's 19)."""
    expected = program.hashes.read_text()
    kind = program.home.name
    directory = cache_dir() / f"{kind}-{hashlib.sha256(expected.encode()).hexdigest()[:12]}"
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            _fetch(program, directory, _hashes(expected))
    return directory


def _fetch(program: Program, directory: Path, expected: dict[str, str]) -> None:
    if shutil.which("mvn") is None:
        install("maven", f"Maven, which fetches {program.name}'s jars,")
    java = find_java()
    say(f"fetching {program.name}'s {len(expected)} jars from Maven Central")
    part = directory.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    outcome = subprocess.run(
        ("mvn", "--batch-mode", "--strict-checksums", "--file", str(program.home / "pom.xml"),
         "dependency:copy-dependencies", f"-DoutputDirectory={part}"),
        env={**os.environ, "JAVA_HOME": str(java.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if outcome.returncode != 0:
        errors = [line for line in outcome.stdout.splitlines() if line.startswith("[ERROR]")]
        message = f"Maven could not fetch {program.name}'s jars:\n" + "\n".join(errors[:5] or [outcome.stderr])
        raise MissingPiece(message)
    verify(program, part, expected)
    part.rename(directory)


def verify(program: Program, directory: Path, expected: dict[str, str]) -> None:
    """Raises StackError unless exactly these jars, with exactly these SHA-256 hashes, are there."""
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in directory.glob("*.jar")}
    if found != expected:
        names = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        message = f"{program.name}'s jars are not those of {program.hashes.name}: {', '.join(names)}"
        raise StackError(message)


def _hashes(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}
