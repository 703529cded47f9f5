"""Which fault points a service passes, read off the code.

A point is a literal, `faultpoint("relay.after_ack")`. A service passes those in its own files, and those in the plumbing it
makes use of: from every name that its code calls, through the plumbing's own calls, to the functions and classes that
hold points.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class _Definition:
    """A function or class of the plumbing: the points inside it, and the names it calls."""

    points: frozenset[str]
    calls: frozenset[str]


def declared(root: Path) -> frozenset[str]:
    """Every fault point in plumbing and services."""
    return frozenset(
        point for folder in ("plumbing", "services") for tree in _trees(root / folder) for point in _points(tree)
    )


def services(root: Path) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in (root / "services").glob("*/app.py")))


BY_COMMAND: Final = frozenset(
    {"citizens.before_rekey_commit", "replay.after_send", "replay.before_send", "uploads.after_erase"}
)
"""Passed by a command, never by a service that runs: broken in the command's own tests."""


def passed_by(service: str, root: Path) -> frozenset[str]:
    """The fault points that a running process of this service passes."""
    plumbing = _definitions(root / "plumbing")
    found: set[str] = set()
    waiting: set[str] = set()
    for tree in _trees(root / "services" / service):
        found |= _points(tree)
        waiting |= _calls(tree)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for definition in plumbing.get(name, ()):
            found |= definition.points
            waiting |= definition.calls
    return frozenset(found) - BY_COMMAND


def _definitions(folder: Path) -> Mapping[str, list[_Definition]]:
    found: dict[str, list[_Definition]] = {}
    for tree in _trees(folder):
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                definition = _Definition(points=frozenset(_points(node)), calls=frozenset(_calls(node)))
                found.setdefault(node.name, []).append(definition)
    return found


def _trees(folder: Path) -> Iterator[ast.Module]:
    for path in sorted(folder.rglob("*.py")):
        yield _parsed(path)


@cache
def _parsed(path: Path) -> ast.Module:
    """Once per process: the tree is the same for as long as it runs."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _calls(node: ast.AST) -> set[str]:
    return {_called(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)} - {""}


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name) | ast.Subscript(value=ast.Name(id=name)):
            return name
        case _:
            return ""


def _points(node: ast.AST) -> set[str]:
    return {
        point
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and _called(call.func) == "faultpoint"
        for point in _literals(call.args)
    }


def _literals(arguments: Iterable[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
