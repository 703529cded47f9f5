"""Which names a notification's objects may hold: for fields that are near a known one, and for naming a place without
echoing input.

Built from the models once, at import. A path that came from outside is shown only as far as its names are ours; the
rest is masked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

MASK: Final = "?"
_RESERVED_PREFIXES: Final = ("_", "$", "model_")


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one object, and the shapes of those that are objects themselves."""

    names: frozenset[str]
    by_folded_name: dict[str, str]
    children: dict[str, "Shape | Variants"]


@dataclass(frozen=True, slots=True)
class Variants:
    """The shapes of an object that says by `kind` which it is."""

    by_kind: dict[str, Shape]


def shape_of(model: type[BaseModel]) -> Shape:
    """The shape of a model and of all its parts."""
    children = {}
    for name, field in model.model_fields.items():
        if child := _child(field.annotation):
            children[name] = child
    return Shape(frozenset(model.model_fields), {fold(name): name for name in model.model_fields}, children)


def fold(name: str) -> str:
    """A name without case and separators: `CPR` is `cpr`, and `firstAbsenceDay` is `first_absence_day`."""
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def is_reserved(name: str) -> bool:
    """Names that no reporter's field may have: they mean something to some reader of JSON."""
    return name.startswith(_RESERVED_PREFIXES)


@dataclass(frozen=True, slots=True)
class Strangers:
    """The names of a document that are not ours: how many to pass over, and which to refuse, by masked path."""

    ignored: int
    refused: tuple[str, ...]


NO_STRANGERS: Final = Strangers(0, ())


def strangers_in(document: dict[str, Any], shape: Shape) -> Strangers:
    """Looks at every object whose shape is known, and below unknown names at nothing."""
    ignored = 0
    refused: list[str] = []
    pending: list[tuple[str, dict[str, Any], Shape]] = [("", document, shape)]
    while pending:
        path, value, known = pending.pop()
        if not value.keys() <= known.names:
            for name in sorted(value.keys() - known.names):
                if near := known.by_folded_name.get(fold(name)):
                    refused.append(path + near)
                elif is_reserved(name):
                    refused.append(path + MASK)
                else:
                    ignored += 1
        for name, child in known.children.items():
            inner = value.get(name)
            if type(inner) is dict and (variant := _variant(child, inner)):
                pending.append((f"{path}{name}.", inner, variant))
    return Strangers(ignored, tuple(refused)) if ignored or refused else NO_STRANGERS


def masked_path(location: Iterable[str | int], shape: Shape) -> str:
    """A place as reporters read it, `citizen.address.lines[1]`; a name that is not ours becomes `?`, with all below."""
    path = ""
    here: Shape | Variants | None = shape
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif isinstance(here, Variants):
            # pydantic names the chosen variant as a step of its own; a document's own path does not
            here = here.by_kind.get(step) or next((each for each in here.by_kind.values() if step in each.names), None)
            if here is None or step in here.names:
                here, path = _step(here, step, path)
        else:
            here, path = _step(here, step, path)
        if path.endswith(MASK):
            break
    return path


def _step(here: Shape | None, step: str, path: str) -> tuple["Shape | Variants | None", str]:
    name = step if here is not None and step in here.names else MASK
    return (here.children.get(name) if here is not None else None), f"{path}.{name}" if path else name


def _variant(child: Shape | Variants, value: dict[str, Any]) -> Shape | None:
    if isinstance(child, Shape):
        return child
    kind = value.get("kind")
    return child.by_kind.get(kind) if isinstance(kind, str) else None


def _child(annotation: object) -> Shape | Variants | None:
    models = [each for each in _alternatives(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    if len(models) > 1:
        return Variants({_kind(model): shape_of(model) for model in models})
    return shape_of(models[0]) if models else None


def _alternatives(annotation: object) -> list[object]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for each in get_args(annotation) for inner in _alternatives(each)]
    if origin is not None and origin is not Literal and any(_child(each) for each in get_args(annotation)):
        raise TypeError("lists of objects are not known to shapes yet")
    return [annotation]


def _kind(model: type[BaseModel]) -> str:
    kinds = get_args(model.model_fields["kind"].annotation)
    return str(kinds[0])
