"""`House`: all services and simulators as processes on a stack, migrated, wired to each other, ready.

Each can be killed, paused and started again by name; a service may have replicas. Addresses never change while the house
stands, so whoever comes back finds the others where they were.
"""

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Self

from stack.addresses import Addresses
from stack.errors import StackError
from stack.members import ERASER, SERVICES, SIMULATORS, UPLOADS, Seat, Wiring, kinds_with
from stack.paths import ROOT
from stack.ports import free_port
from stack.postgres_admin import describe
from stack.processes import Process
from stack.run_file import Remembered, RunFile
from stack.say import say
from stack.secrets_file import FILE_NAME, Secrets
from stack.servers import STATE, Stack

_START_TIMEOUT_S = 60


class House:
    """Processes by name: a service's own name is its first process, `<service>-2`, ... are replicas."""

    def __init__(
        self,
        stack: Stack,
        *,
        services: Sequence[str] = SERVICES,
        session_timeout_ms: int = 6_000,
        gateway_dedupes: bool = True,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        outlives_supervisor: bool = False,
        through: Addresses | None = None,
    ) -> None:
        """`environment` lays more variables over those of a kind of member: `{"intake": {"LOG_LEVEL": "DEBUG"}}`.
        `through`: where the members find the servers, if something stands in between. `services`: who lives here, beside the
        simulators; the stack needs what `stack.members.servers_for` says of them.

        Sessions are shorter than a service's own 30 seconds: the partitions of a killed process wait that long for another.
        """
        self.stack = stack
        self.services = tuple(services)
        self.state_dir = stack.run_dir / STATE
        self._overlay = {kind: dict(variables) for kind, variables in (environment or {}).items()}
        self._outlives_supervisor = outlives_supervisor
        self._seats = {kind: _seat(kind, kind) for kind in kinds_with(self.services)}
        self._processes: dict[str, Process] = {}
        self._naming = threading.Lock()
        self.secrets = Secrets.load_or_make(stack.run_dir / FILE_NAME)
        servers = through or stack.addresses
        self._wiring = Wiring(
            servers=servers,
            databases={service: describe(servers.postgres_admin_dsn, service) for service in self.services},
            http_urls={kind: seat.http_url for kind, seat in self._seats.items()},
            secrets=self.secrets,
            state_dir=self.state_dir,
            session_timeout_ms=session_timeout_ms,
            gateway_dedupes=gateway_dedupes,
        )

    def start(self) -> Self:
        """Makes topics and databases, migrates, starts everybody and waits until all are ready."""
        self.state_dir.mkdir(exist_ok=True)
        say("making topics, databases and buckets" if UPLOADS in self.services else "making topics and databases")
        self.stack.create_topics()
        if UPLOADS in self.services:
            self.stack.create_buckets(self.secrets.s3_accounts)
        for service in self.services:
            self.stack.create_database(service)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.migrate, self.services))
        say(f"starting {', '.join(self._seats)}")
        try:
            for seat in self._seats.values():
                self._process_of(seat).start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def migrate(self, service: str) -> None:
        """`python -m services.<service> migrate`, as a deployment runs it."""
        _command(service, "migrate", environment=self._wiring.migration_environment(service))

    def command(self, service: str, *arguments: str) -> str:
        """`python -m services.<service> …`, as somebody on duty types it beside the service; what it printed. Raises StackError
        for any exit code but 0."""
        return _command(service, *arguments, environment=self.service_env(service))

    def add_replica(self, service: str, environment: Mapping[str, str] | None = None) -> str:
        """Starts one more process of a service and gives its name; it is not waited for. Several threads may do so at once."""
        with self._naming:
            number = next(number for number in itertools.count(2) if f"{service}-{number}" not in self._seats)
            seat = _seat(f"{service}-{number}", service)
            self._seats[seat.name] = seat
            process = self._process_of(seat)
        process.start(environment)
        return seat.name

    def remove_replica(self, name: str) -> None:
        """Drains it if it lives, and forgets it."""
        self.process(name).stop(timeout=40)
        del self._processes[name], self._seats[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._seats)

    def process(self, name: str) -> Process:
        return self._processes[name]

    def service_env(self, name: str) -> dict[str, str]:
        """What the process of this name is told by its environment."""
        seat = self._seats[name]
        return {**self._wiring.environment(seat), **self._overlay.get(seat.kind, {})}

    def ops_url(self, name: str) -> str:
        """Where the process answers /livez, /readyz and /metrics."""
        return self._seats[name].ops_url

    def http_url(self, name: str) -> str:
        """Where the process answers its callers: the vault's API, the gateway, the notifier's status push, documents, the
        clock."""
        return self._seats[name].http_url

    def log_path(self, name: str) -> Path:
        return self.stack.run_dir / "logs" / f"{name}.log"

    def wait_ready(self, names: Iterable[str] | None = None, timeout: float = _START_TIMEOUT_S) -> None:
        for name in names if names is not None else self.names:
            self.process(name).wait_ready(f"{self.ops_url(name)}/readyz", timeout)

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Ends the process if it lives, starts it, with these variables for this life only, and waits until it is ready."""
        self.process(name).restart(environment)
        self.wait_ready([name])

    def remember(self) -> None:
        """Writes down who lives here, so that a later command can end them."""
        held = RunFile.read(self.stack.run_dir)
        known = held or RunFile(addresses=self.stack.addresses, home="")
        house = tuple(Remembered.of(process, self.ops_url(name)) for name, process in self._processes.items())
        replace(known, house=house).write(self.stack.run_dir)

    def stop(self, timeout: float = 40) -> None:
        """Drains the services side by side, then ends the simulators they lean on."""
        with ThreadPoolExecutor(max_workers=32) as pool:
            for kinds in ((*self.services, ERASER), SIMULATORS):
                group = [process for name, process in self._processes.items() if self._seats[name].kind in kinds]
                list(pool.map(lambda process: process.stop(timeout=timeout), group))

    def _process_of(self, seat: Seat) -> Process:
        self._processes[seat.name] = Process(
            seat.name,
            (sys.executable, "-m", seat.module, *seat.arguments),
            log_path=self.log_path(seat.name),
            env=self.service_env(seat.name),
            outlives_supervisor=self._outlives_supervisor,
        )
        return self._processes[seat.name]


def _seat(name: str, kind: str) -> Seat:
    return Seat(name=name, kind=kind, ops_port=free_port(), http_port=free_port())


def _command(service: str, *arguments: str, environment: Mapping[str, str]) -> str:
    outcome = subprocess.run(
        (sys.executable, "-m", f"services.{service}", *arguments),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        message = f"{service} {arguments[0]} ended with {outcome.returncode}:\n{outcome.stdout}{outcome.stderr}"
        raise StackError(message)
    return outcome.stdout
