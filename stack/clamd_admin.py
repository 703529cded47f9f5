"""What the stack asks of a scanner: is it there, what does it say of these bytes, and to know one more signature, or one less.

A test turns a document that was stored as clean into a bad one by a signature of some of its bytes. clamd answers RELOAD before
it has loaded anything; so whoever teaches it waits until it finds, or no longer finds, the bytes themselves.
"""

import re
import socket
import time
from pathlib import Path

from stack.errors import StackError

_PIECE = 128 * 1024
_NAME = re.compile(r"[A-Za-z0-9.-]{1,60}")
_POLL_S = 0.05


def is_scanner_ready(host: str, port: int) -> bool:
    try:
        return _ask(host, port, b"zPING\0", timeout=2) == "PONG"
    except OSError:
        return False


def scan(host: str, port: int, data: bytes, *, timeout: float = 60) -> str:
    """clamd's own words: "stream: OK", "stream: <signature> FOUND", or what is wrong; empty where it only hung up."""
    pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
    body = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    return _ask(host, port, b"zINSTREAM\0" + body + bytes(4), timeout=timeout)


def learn(signatures: Path, host: str, port: int, name: str, text: bytes) -> None:
    """From now on these bytes, anywhere in a file, are found as `<name>.UNOFFICIAL`. `signatures` is clamd's directory."""
    if _NAME.fullmatch(name) is None or len(text) < 4:
        message = f"{name} is no name for a signature, or its {len(text)} bytes are too few"
        raise StackError(message)
    part = signatures / f"{name}.part"
    part.write_text(f"{name}:0:*:{text.hex()}\n")
    part.chmod(0o644)
    part.rename(_file(signatures, name))
    _reload_until(host, port, text, finds=name)


def forget(signatures: Path, host: str, port: int, name: str) -> None:
    """The same undone."""
    path = _file(signatures, name)
    text = bytes.fromhex(path.read_text().strip().rpartition(":")[2])
    path.unlink()
    _reload_until(host, port, text, finds=None)


def _file(signatures: Path, name: str) -> Path:
    return signatures / f"{name}.ndb"


def _reload_until(host: str, port: int, text: bytes, *, finds: str | None, timeout: float = 30) -> None:
    wanted = f"stream: {finds}.UNOFFICIAL FOUND" if finds else "stream: OK"
    _ask(host, port, b"zRELOAD\0", timeout=5)
    deadline = time.monotonic() + timeout
    while (said := scan(host, port, text)) != wanted:
        if time.monotonic() > deadline:
            message = (
                f"{timeout:g} s after it was to reload, clamd says of a signature's own bytes: {said}; not: {wanted}"
            )
            raise StackError(message)
        time.sleep(_POLL_S)


def _ask(host: str, port: int, data: bytes, *, timeout: float) -> str:
    """What it says before it closes. It may close while we still send: then it has said why."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        said = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(4096):
                said += piece
        except ConnectionError:
            said += _last_words(connection)
    return said.rstrip(b"\0").decode(errors="backslashreplace")


def _last_words(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""
