"""Reading XML that others wrote.

Invariants: a document type declaration is refused where it begins, so no entity is ever declared, expanded or fetched;
size, depth, the number of elements and what their names are made of are bounded while the tree is built; whatever is
wrong raises `BadXml` with a code, never with a piece of the document. Public services put personal data into XML: no
text of it belongs into a log line.

The declared encoding is heeded, and of names that XML does not know only `utf8` is understood: it is how Python's own
ElementTree spells UTF-8, and so do those who write with it (python-serviceplatformen, digital_post.py).
"""

import re
from typing import Final, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

__all__ = ["BadXml", "Element", "parse", "text_of"]

MAX_DEPTH = 64
MAX_ELEMENTS = 20_000
MAX_NAMESPACE = 500
"""A namespace is written once and stands in the name of every element: of 200 kB they would make gigabytes."""
_SAYS_UTF8: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml\s+version\s*=\s*(["'])1\.\d\1\s+encoding\s*=\s*(["'])(?i:utf8)\2"""
)


class BadXml(Exception):
    """Not XML that is read here; `code` is one of too-large, not-xml, doctype, too-deep, too-many-elements, long-namespace."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(document: bytes, *, max_bytes: int) -> Element:
    """The root element, with names in Clark notation (`{namespace}name`); raises BadXml."""
    if len(document) > max_bytes:
        raise BadXml("too-large")
    reader = _Reader("utf-8" if _SAYS_UTF8.match(document) else None)
    try:
        return reader.read(document)
    except expat.ExpatError:
        raise BadXml("not-xml") from None
    except (ValueError, LookupError, UnicodeError):  # an encoding nobody knows
        raise BadXml("not-xml") from None


def text_of(root: Element, local_name: str) -> str | None:
    """The stripped text of the first element of that name, in whatever namespace; None where it is absent or empty."""
    for element in root.iter():
        if element.tag.rpartition("}")[2] == local_name:
            return (element.text or "").strip() or None
    return None


class _Reader:
    """`encoding` takes the place of the declared one."""

    def __init__(self, encoding: str | None) -> None:
        self._tree = TreeBuilder()
        self._depth = 0
        self._elements = 0
        self._parser = expat.ParserCreate(encoding, "}")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartNamespaceDeclHandler = _bound_namespace
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._tree.data

    def read(self, document: bytes) -> Element:
        self._parser.Parse(document, True)
        return self._tree.close()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise BadXml("too-deep")
        if self._elements > MAX_ELEMENTS:
            raise BadXml("too-many-elements")
        self._tree.start(_clark(name), {_clark(key): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_clark(name))


def _clark(name: str) -> str:
    return "{" + name if "}" in name else name


def _bound_namespace(_prefix: str | None, namespace: str | None) -> None:
    if namespace is not None and len(namespace) > MAX_NAMESPACE:
        raise BadXml("long-namespace")


def _refuse_doctype(*_: object) -> NoReturn:
    raise BadXml("doctype")
