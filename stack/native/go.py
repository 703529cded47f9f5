"""Programs in Go, built once from the module proxy at a pinned version, into the cache.

Invariants: Go checks every module against its checksum database as it always does, and we check the program's own module against
the hash in this file, which covers the hashes of all it is made of; a program in the cache is whole, and its directory is named
for its version.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.errors import MissingPiece, StackError
from stack.packages import candidate, install
from stack.paths import cache_dir
from stack.say import say

PLACES: Final = (Path("/usr/local/go/bin/go"), Path("/usr/lib/go/bin/go"))
_LOWEST = (1, 24)
_PACKAGE = "golang-go"


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """`sum` is what Go says the module's hash is. `title` is how the program is spoken of."""

    title: str
    name: str
    module: str
    version: str
    sum: str


MINIO: Final = Program(
    title="MinIO",
    name="minio",
    module="github.com/minio/minio",
    version="v0.0.0-20260212201848-7aac2a2c5b7c",  # the last there is: later than the last release, with its fixes
    sum="h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=",
)


def program(wanted: Program) -> Path:
    """The program; the first call on a machine builds it, which takes minutes and some 3 GB of Go's own cache."""
    directory = cache_dir() / f"{wanted.name}-{wanted.version}"
    if directory.is_dir():
        return directory / wanted.name
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{wanted.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            _build(wanted, directory)
    return directory / wanted.name


def find_go() -> Path:
    """The `go` program, 1.24 or newer; Debian's package is installed where it is new enough, else the need is named."""
    found = _first_fit()
    if found is None:
        _install()
        found = _first_fit()
    if found is None:
        raise MissingPiece(_need())
    return found


def verify(wanted: Program, said: str) -> None:
    """Raises StackError unless `go version -m` says that the program was built from the module we know."""
    line = next((line.split() for line in said.splitlines() if line.split()[:1] == ["mod"]), [])
    if line != ["mod", wanted.module, wanted.version, wanted.sum]:
        message = f"{wanted.title} was not built from {wanted.module}@{wanted.version} with the hash {wanted.sum}"
        raise StackError(message)


def _build(wanted: Program, directory: Path) -> None:
    go = find_go()
    say(f"building {wanted.title} from source: some minutes, once")
    part = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    _run(
        wanted,
        (str(go), "install", "-trimpath", "-ldflags", "-s -w", f"{wanted.module}@{wanted.version}"),
        {"GOBIN": str(part), "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"},
    )
    verify(wanted, _run(wanted, (str(go), "version", "-m", str(part / wanted.name)), {}))
    part.rename(directory)


def _run(wanted: Program, command: tuple[str, ...], variables: dict[str, str]) -> str:
    """In a directory without a go.mod, so that nobody's module has a say in it."""
    outcome = subprocess.run(
        command, env={**os.environ, **variables}, cwd="/", capture_output=True, text=True, check=False
    )
    if outcome.returncode != 0:
        message = f"{wanted.title} could not be built:\n" + "\n".join(outcome.stderr.splitlines()[-10:])
        raise MissingPiece(message)
    return outcome.stdout


def _install() -> None:
    offered = candidate(_PACKAGE)
    if offered is None or _numbers(offered) < _LOWEST:
        raise MissingPiece(_need())
    install(_PACKAGE, f"Go {_version(_LOWEST)} or newer, which builds MinIO,")


def _need() -> str:
    return f"Go {_version(_LOWEST)} or newer, which builds MinIO, is missing: install it, or set MINIO_BIN to a MinIO server"


def _first_fit() -> Path | None:
    return next((go for go in _candidates() if _go_version(go) >= _LOWEST), None)


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("go"):
        yield Path(on_path)
    yield from PLACES


def _go_version(go: Path) -> tuple[int, ...]:
    if not os.access(go, os.X_OK):
        return (0,)
    said = subprocess.run((str(go), "version"), cwd="/", capture_output=True, text=True, check=False).stdout
    version = re.search(r"\bgo(\d+\.\d+)", said)
    return _numbers(version.group(1)) if version else (0,)


def _numbers(version: str) -> tuple[int, ...]:
    """The first two of a version, also of one as Debian writes it: `2:1.24~2` is (1, 24)."""
    found = re.match(r"(?:\d+:)?(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else (0,)


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
