"""Intake and its vault as processes, on servers of their own, on a day that is always the same."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from typing_extensions import override

from stack import DatabaseAddresses, Stack
from stack.members import Seat, Wiring
from stack.paths import ROOT
from stack.ports import free_port
from stack.processes import Process
from stack.secrets_file import Secrets
from tests.support.databases import Databases
from tests.support.fixtures import new_run_dir

KINDS = ("citizens", "intake")


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What is up, and where."""

    kafka: str
    databases: dict[str, DatabaseAddresses]
    seats: dict[str, Seat]
    processes: dict[str, Process]
    logs: Path
    secrets: Secrets

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="backslashreplace")

    def metrics(self, name: str) -> str:
        with urlopen(f"{self.seats[name].ops_url}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def most_memory_mib(self, name: str) -> float:
        """The most that the process ever held in memory."""
        status = Path(f"/proc/{psutil.Process(self.processes[name].pid).pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@contextmanager
def intake_running(now: datetime) -> Iterator[Running]:
    """Servers, vault and intake, ready; the clock says `now` and goes on from there."""
    with new_run_dir() as run_dir, _clock(now) as clock_url:
        stack = Stack.start(run_dir)
        try:
            stack.create_topics()
            maker = Databases(stack)
            databases = {kind: maker.migrated(kind) for kind in KINDS}
            seats = {kind: Seat(name=kind, kind=kind, ops_port=free_port(), http_port=free_port()) for kind in KINDS}
            wiring = Wiring(
                servers=stack.addresses,
                databases=databases,
                http_urls={"clock": clock_url, **{kind: seat.http_url for kind, seat in seats.items()}},
                secrets=Secrets.load_or_make(run_dir / "secrets.env"),
                state_dir=run_dir,
                session_timeout_ms=6_000,
                gateway_dedupes=True,
            )
            processes = {kind: _process(seat, wiring, run_dir / "logs") for kind, seat in seats.items()}
            try:
                for kind, process in processes.items():
                    process.start()
                    process.wait_ready(f"{seats[kind].ops_url}/readyz", 60)
                yield Running(
                    kafka=stack.kafka_bootstrap,
                    databases=databases,
                    seats=seats,
                    processes=processes,
                    logs=run_dir / "logs",
                    secrets=wiring.secrets,
                )
            finally:
                for kind in reversed(KINDS):
                    processes[kind].stop()
        finally:
            stack.stop()


def _process(seat: Seat, wiring: Wiring, logs: Path) -> Process:
    return Process(
        seat.name,
        (sys.executable, "-m", seat.module, *seat.arguments),
        log_path=logs / f"{seat.name}.log",
        env={**wiring.environment(seat), "LOG_LEVEL": "DEBUG", "PYTHONPATH": str(ROOT)},
    )


@contextmanager
def _clock(now: datetime) -> Iterator[str]:
    """Answers as the simulated clock does, always with the same offset."""
    offset = (now - datetime.now(UTC)).total_seconds()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the server's name for it
            body = json.dumps({"now": now.isoformat(), "version": 1, "offset_seconds": offset}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
