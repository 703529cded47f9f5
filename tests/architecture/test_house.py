"""What import contracts cannot see: the same anatomy in every service, fault points by literal names, nobody's path or host."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "app.py").exists())
ANATOMY = {"__main__", "app", "api", "handlers", "usecases", "store", "gateways", "settings", "domain"}
# Each further name is a decision: what it is for stands beside it.
MORE = {
    "intake": {"municipalities": "Denmark's municipalities as dated data"},
    "notifier": {
        "commands": "what somebody on duty types",
        "letters": "words and bytes of a letter",
        "post_status": "the gateway's status messages, read",
    },
    "uploads": {"inspection": "the look into a file, in a process that can do no harm"},
}


def sources(*rooms: str) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def calls_of(tree: ast.Module, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_there_are_the_services_of_the_first_path() -> None:
    assert {"citizens", "intake", "tasks", "notifier"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_files_that_every_service_has_and_no_other(service: str) -> None:
    home = ROOT / "services" / service
    modules = {
        path.stem
        for path in home.iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())
    } - {"migrations"}
    assert modules <= ANATOMY | MORE.get(service, {}).keys()
    assert {"__main__", "app", "settings", "domain", "store", "usecases"} <= modules
    assert (home / "migrations" / "env.py").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_page_tells_what_it_owns_and_what_happens_when_others_are_down(service: str) -> None:
    page = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    for part in ("**Owns**", "**Tables**", "| when this is down |"):
        assert part in page, part


def test_fault_points_have_literal_names_that_are_used_once() -> None:
    seen: dict[str, Path] = {}
    for path, tree in sources("plumbing", "services"):
        if path.name == "faults.py":
            continue
        for call in calls_of(tree, "faultpoint"):
            (name,) = call.args
            assert isinstance(name, ast.Constant), f"{path}: a fault point's name is a literal"
            text = str(name.value)
            assert re.fullmatch(r"[a-z]+\.[a-z_]+", text), text
            assert text not in seen, f"{text} stands in {path} and in {seen.get(text)}"
            seen[text] = path
    assert len(seen) >= 15


def test_the_product_never_asks_whether_it_is_simulated() -> None:
    for path, tree in sources("services"):
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not {name for name in names if "simulat" in name.lower()}, path


def test_sql_is_never_put_together_from_values() -> None:
    """What is executed is made of named constants alone: values go in as parameters."""
    for path, tree in sources("services", "plumbing"):
        if "migrations" in path.parts or path.name == "migrations.py":
            continue
        for statement in executed(tree):
            assert is_constant(statement), f"{path}:{statement.lineno}"


def executed(tree: ast.Module) -> Iterator[ast.expr]:
    """The first argument of whatever looks like executing SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            is_sql = node.func.attr in {"execute", "fetch", "fetchrow", "fetchval", "executemany"}
            yield from node.args[:1] if is_sql else ()


def is_constant(statement: ast.expr) -> bool:
    match statement:
        case ast.JoinedStr():
            return False
        case ast.BinOp(left=left, right=right):
            return all(is_constant(side) and not isinstance(side, ast.Call | ast.Subscript) for side in (left, right))
        case _:
            return True
