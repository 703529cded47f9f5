"""The image recipe: one service's code and libraries, each file checked against its hash, not as root."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from stack.members import SERVICES, SIMULATORS
from stack.paths import ROOT

_RECIPE = (ROOT / "deploy" / "Dockerfile").read_text()
_OURS = {"contracts", "plumbing", "services", "simulators", "deploy"}
_LOCKS = (*SERVICES, "simulators")


def test_it_runs_as_an_unprivileged_user() -> None:
    assert re.findall(r"^USER (.+)$", _RECIPE, re.MULTILINE) == ["10001:10001"]


def test_a_signal_reaches_the_service_itself() -> None:
    assert 'ENTRYPOINT ["/usr/local/bin/service"]' in _RECIPE
    assert "exec /opt/venv/bin/python -m" in _RECIPE


def test_it_copies_contracts_plumbing_and_one_service_only() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+)", _RECIPE, re.MULTILINE)
    assert copied == [
        "deploy/requirements/${LOCK:-$SERVICE}.lock",
        "contracts",
        "plumbing",
        "${KIND}/__init__.py",
        "${KIND}/${SERVICE}",
    ]


def test_nothing_is_installed_without_its_hash() -> None:
    assert "--require-hashes" in _RECIPE


@pytest.mark.parametrize("lock", _LOCKS)
def test_an_images_lock_has_a_hash_for_each_package_and_the_developers_versions(lock: str) -> None:
    pinned = _pins(f"deploy/requirements/{lock}.lock")
    assert pinned
    developers = _pins("requirements.lock")
    assert {name: version for name, version in pinned.items() if developers.get(name) != version} == {}


@pytest.mark.parametrize("lock", ["requirements.lock", *(f"deploy/requirements/{lock}.lock" for lock in _LOCKS)])
def test_a_lock_names_no_package_index(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if "://" in line or line.startswith("--index")]


@pytest.mark.parametrize("lock", _LOCKS)
def test_no_test_library_comes_into_an_image(lock: str) -> None:
    assert not _pins(f"deploy/requirements/{lock}.lock").keys() & {
        "pytest",
        "mypy",
        "ruff",
        "hypothesis",
        "testcontainers",
    }


@pytest.mark.parametrize(
    "package", [*(f"services/{name}" for name in SERVICES), *(f"simulators/{name}" for name in SIMULATORS)]
)
def test_what_an_image_starts_is_there(package: str) -> None:
    assert (ROOT / package / "__main__.py").is_file()


@pytest.mark.parametrize(
    ("lock", "folders"),
    [
        *((service, (f"services/{service}",)) for service in SERVICES),
        ("simulators", ("simulators", "deploy/kafka")),
        ("uploads", ("deploy/minio",)),
    ],
)
def test_every_library_that_an_image_imports_is_in_its_lock(lock: str, folders: tuple[str, ...]) -> None:
    wanted = {module.split(".")[0] for path in _reached(folders) for module in _imported(path)}
    providers = packages_distributions()
    libraries = {module for module in wanted if module not in sys.stdlib_module_names and module not in _OURS}
    pinned = {_canonical(name) for name in _pins(f"deploy/requirements/{lock}.lock")}
    missing = {module for module in libraries if not pinned & {_canonical(name) for name in providers.get(module, [])}}
    assert missing == set()


def _reached(folders: tuple[str, ...]) -> set[Path]:
    """The files of these folders, and those of ours that they import: a capability brings its library to who uses it."""
    left = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    reached = set(left)
    while left:
        found = {path for module in _imported(left.pop()) for path in _files(module)} - reached
        reached |= found
        left += found
    return reached


def _imported(path: Path) -> set[str]:
    """The modules that a file imports when it runs; names taken from a module may be modules too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _files(module: str) -> Iterator[Path]:
    """The files of ours that run when it is imported."""
    parts = module.split(".")
    if parts[0] in _OURS:
        for end in range(1, len(parts) + 1):
            inner = ROOT.joinpath(*parts[:end])
            yield from (path for path in (inner / "__init__.py", inner.with_suffix(".py")) if path.is_file())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(lock: str) -> dict[str, str]:
    """Versions by package; a package whose line is not followed by a hash fails the test."""
    text = (ROOT / lock).read_text()
    pins: dict[str, str] = {}
    for name, version, rest in re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)([^\n]*\n[^\n]*)", text, re.MULTILINE):
        assert "--hash=sha256:" in rest, f"{lock}: {name} has no hash"
        pins[name] = version
    return pins
