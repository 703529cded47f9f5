"""Kafka's own jars, fetched once by Maven into the cache and checked against the hashes committed beside the pom.

Invariants: a directory in the cache is whole (it gets its name only after every jar's hash was right); its name is made of
the hashes, so that a new version never mixes with an old one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from stack.errors import MissingPiece, StackError
from stack.native.java import find_java
from stack.packages import install
from stack.paths import ROOT, cache_dir
from stack.say import say

KAFKA = ROOT / "stack" / "native" / "kafka"


def kafka_jars() -> Path:
    """The directory that holds the broker's jars; the first call on a machine fetches them (43 MB)."""
    expected = (KAFKA / "jars.sha256").read_text()
    directory = cache_dir() / f"kafka-{hashlib.sha256(expected.encode()).hexdigest()[:12]}"
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            _fetch(directory, _hashes(expected))
    return directory


def _fetch(directory: Path, expected: dict[str, str]) -> None:
    if shutil.which("mvn") is None:
        install("maven", "Maven, which fetches Kafka's jars,")
    java = find_java()
    say(f"fetching Kafka's {len(expected)} jars from Maven Central")
    part = directory.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    outcome = subprocess.run(
        ("mvn", "--batch-mode", "--strict-checksums", "--file", str(KAFKA / "pom.xml"), "dependency:copy-dependencies",
         f"-DoutputDirectory={part}"),
        env={**os.environ, "JAVA_HOME": str(java.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if outcome.returncode != 0:
        errors = [line for line in outcome.stdout.splitlines() if line.startswith("[ERROR]")]
        message = "Maven could not fetch Kafka's jars:\n" + "\n".join(errors[:5] or [outcome.stderr])
        raise MissingPiece(message)
    verify(part, expected)
    part.rename(directory)


def verify(directory: Path, expected: dict[str, str]) -> None:
    """Raises StackError unless exactly these jars, with exactly these SHA-256 hashes, are there."""
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in directory.glob("*.jar")}
    if found != expected:
        names = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        message = f"Kafka's jars are not those of jars.sha256: {', '.join(names)}"
        raise StackError(message)


def _hashes(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}
