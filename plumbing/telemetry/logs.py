"""Logs: one JSON object a line on standard output.

Invariants: no line holds a CPR number (anything of its form is blacked out, as a second fence behind not logging it);
an exception is told by its class and where it was raised, never by its message, because drivers quote rows and parsers
quote input; a reader that stops reading never stops the service: lines are dropped and counted instead.
"""

import logging
import queue
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from typing_extensions import override

from plumbing.telemetry.metrics import LOG_LINES_DROPPED

_CPR = re.compile(r"(?<!\d)(?:0[1-9]|[1-9]\d)(?:0[1-9]|1[0-2])\d{2}[- ]?\d{4}(?!\d)")
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
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = _DroppingHandler(sys.stdout)
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


def redact(_logger: Any, _name: str, event: _Event) -> _Event:
    """Black out whatever has the form of a CPR number."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _CPR.sub("[redacted]", value)
    return event


def where(error: BaseException) -> list[str]:
    """The innermost frames of an exception, as file:line:function: what happened without what it happened to."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno}:{frame.name}" for frame in frames]


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
        event["event"] = str(record.msg)[:300] if record.args else str(record.msg)[:120]
        event["logger"] = record.name
    return event


class _DroppingHandler(logging.Handler):
    """Writes in a thread of its own; a full queue drops the line."""

    def __init__(self, stream: Any, capacity: int = 10_000) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(capacity)
        threading.Thread(target=self._write, name="log-writer", daemon=True).start()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            LOG_LINES_DROPPED.inc()
        except Exception:  # noqa: BLE001  # a line that cannot be formatted must not stop the work it tells of
            LOG_LINES_DROPPED.inc()

    @override
    def flush(self) -> None:
        """Called at exit: give the writer a moment to catch up."""
        for _ in range(50):
            if self._lines.empty():
                return
            threading.Event().wait(0.02)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                LOG_LINES_DROPPED.inc()
