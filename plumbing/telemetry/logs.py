"""Logs: one JSON object a line on standard output.

Invariants: no line holds a CPR number (anything of its form is blacked out, as a second fence behind not logging it);
an exception, or a warning, is told by its class and where it was raised, never by its message, because drivers quote rows and
parsers quote input, also where Python itself would print it; a reader that stops reading never stops the service: lines are
dropped and counted instead.
"""

import contextlib
import logging
import os
import queue
import re
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any

import structlog
from typing_extensions import override

from plumbing.telemetry.metrics import LOG_LINES_DROPPED

_CPR = re.compile(r"(?<!\d)(?:0[1-9]|[1-9]\d)(?:0[1-9]|1[0-2])\d{2}[- ]?\d{4}(?!\d)")
_REDACTED = "[redacted]"
_OF_STRUCTLOG = frozenset({"_record", "_from_structlog"})
# where asyncio begins to show what a callback was called with
_ARGUMENTS = re.compile(r"[(<]")
_Event = MutableMapping[str, Any]


def configure(service: str, level: str = "INFO") -> None:
    """Set up logging for this process; libraries speak at WARNING and above."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service(service),
        _exceptions,
        redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_library_message, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = _DroppingHandler(sys.stdout.fileno())
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for ours in ("plumbing", "services", "contracts"):
        logging.getLogger(ours).setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    warnings.showwarning = _warned  # type: ignore[assignment]  # Python calls it by place


def redact(_logger: Any, _name: str, event: _Event) -> _Event:
    """Black out whatever has the form of a CPR number, wherever it stands; exceptions are told by their class."""
    return {
        _CPR.sub(_REDACTED, name): value if name in _OF_STRUCTLOG else _clean(value) for name, value in event.items()
    }


def where(error: BaseException) -> list[str]:
    """The innermost frames of an exception, as file:line:function: what happened without what it happened to."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno}:{frame.name}" for frame in frames]


def _clean(value: Any, depth: int = 6) -> Any:
    match value:
        case None | bool() | float():
            return value
        case int():
            return _REDACTED if _CPR.fullmatch(str(value)) else value
        case BaseException():
            return type(value).__name__
        case Mapping() | list() | tuple() | set() | frozenset():
            return _clean_parts(value, depth - 1) if depth else "[deeper]"
        case _:
            return _CPR.sub(_REDACTED, _said_by(value))


def _clean_parts(value: Mapping[Any, Any] | Collection[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_clean(str(name)): _clean(part, depth) for name, part in value.items()}
    return [_clean(part, depth) for part in value]


def _said_by(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # a line must not stop the work it tells of
        return type(value).__name__


def _service(name: str) -> "structlog.typing.Processor":
    def add(_logger: Any, _name: str, event: _Event) -> _Event:
        event["service"] = name
        return event

    return add


def _exceptions(_logger: Any, _name: str, event: _Event) -> _Event:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = where(error)
    return event


def _library_message(_logger: Any, _name: str, event: _Event) -> _Event:
    """A library's line is told by its template: the arguments may hold keys, rows or addresses."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["event"] = _template(record)
        event["logger"] = record.name
    return event


def _template(record: logging.LogRecord) -> str:
    if isinstance(record.msg, BaseException):
        return type(record.msg).__name__
    text = str(record.msg)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and (said := str(error)) and said in text:
        return type(error).__name__
    if error is not None and not record.args:
        text = _ARGUMENTS.split(text, 1)[0].rstrip()
    return text.split("\n", 1)[0][: 300 if record.args else 120]


def _uncaught(_type: type[BaseException], error: BaseException, _traceback: Any) -> None:
    """Python's own way would print the message."""
    structlog.get_logger("services").critical("uncaught exception", exc_info=error)


def _unraisable(told: "sys.UnraisableHookArgs") -> None:
    structlog.get_logger("services").error("an exception that nobody can be told of", exc_info=told.exc_value)


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_type is not SystemExit:
        structlog.get_logger("services").error("uncaught exception in a thread", exc_info=told.exc_value)


def _warned(_message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    at = f"{'/'.join(filename.split('/')[-3:])}:{lineno}"
    structlog.get_logger("services").warning("Python warns", warning=category.__name__, where=[at])


class _DroppingHandler(logging.Handler):
    """Writes in a thread of its own; what does not fit is dropped.

    The queue is one that may be put to while it is being put to: Python collects wherever something is allocated, in either
    thread, and what a library did not close complains by a line of its own then. With a lock that is not to be taken twice
    (`queue.Queue`) the process stood still for ever. The thread writes to the descriptor itself: one that is blocked holding the
    lock of `sys.stdout` would make the interpreter abort when it ends.
    """

    def __init__(self, descriptor: int, capacity: int = 10_000) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._capacity = capacity
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._put = self._written = 0
        threading.Thread(target=self._write, name="log-writer", daemon=True).start()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # a line must not stop the work it tells of
            LOG_LINES_DROPPED.inc()
            return
        if self._put - self._written >= self._capacity:
            LOG_LINES_DROPPED.inc()
            return
        self._put += 1  # by one at a time: whoever emits holds the handler's lock
        self._lines.put(line)

    @override
    def flush(self) -> None:
        """Called at exit: give the writer a moment to catch up."""
        deadline = time.monotonic() + 1
        while self._written < self._put and time.monotonic() < deadline:
            time.sleep(0.01)

    def _write(self) -> None:
        while True:
            lines = [self._lines.get()]
            with contextlib.suppress(queue.Empty):
                while len(lines) < 100:
                    lines.append(self._lines.get_nowait())
            try:
                _write_all(self._descriptor, "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"))
            except OSError:
                LOG_LINES_DROPPED.inc(len(lines))
            self._written += len(lines)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
