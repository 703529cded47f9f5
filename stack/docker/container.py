"""A server in a container, with the verbs of a `Process`: killed, paused and started again by name.

Its address on this machine stays the same over all of them. Without `outlives_supervisor`, testcontainers' reaper removes it
when the supervisor dies (unless TESTCONTAINERS_RYUK_DISABLED says otherwise, or the reaper's own image cannot be had).
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import docker
from docker.errors import DockerException, NotFound
from docker.models.containers import Container as EngineContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from stack.docker.engine import can_be_had
from stack.errors import NotReady, StackError
from stack.say import say

_POLL_S = 0.1


class Container:
    def __init__(self, name: str, *, log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._container: EngineContainer | None = None
        self._recipe: DockerContainer | None = None

    @classmethod
    def plan(
        cls,
        name: str,
        image: str,
        *,
        ports: Mapping[int, int],
        env: Mapping[str, str],
        command: Sequence[str],
        mounts: Mapping[Path, str] | None = None,
        log_path: Path,
        outlives_supervisor: bool,
    ) -> Self:
        """Not started yet; `ports` are those of the container, each with ours, on loopback only; `mounts` are files and
        directories of ours, to be read there."""
        if outlives_supervisor:
            testcontainers_config.ryuk_disabled = True
        recipe = DockerContainer(image).with_envs(**env)
        if command:
            recipe = recipe.with_command(list(command))
        for path, inner_path in (mounts or {}).items():
            recipe = recipe.with_volume_mapping(str(path), inner_path, "ro")
        for inner, port in ports.items():
            recipe.ports[f"{inner}/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]  # the engine takes an address too
        planned = cls(name, log_path=log_path)
        planned._recipe = recipe
        return planned

    def attach(self, identity: str) -> Self:
        """Takes hold of a container started by an earlier command, if it is still there."""
        try:
            self._container = docker.from_env(timeout=10).containers.get(identity)
        except (NotFound, DockerException):
            self._container = None
        return self

    @property
    def identity(self) -> str:
        return str(self._held().id)

    @property
    def is_alive(self) -> bool:
        if self._container is None:
            return False
        try:
            self._container.reload()
        except NotFound:
            return False
        return str(self._container.status) in ("running", "paused")

    def start(self) -> Self:
        if self._container is not None:
            self._container.start()
        elif self._recipe is not None:
            _do_without_reaper_if_need_be()
            self._container = self._recipe.start().get_wrapped_container()
        return self

    def stop(self, sig: signal.Signals | None = None, timeout: float = 30) -> None:
        if self.is_alive:
            self.resume()
            if sig is not None:
                self._held().kill(signal=sig.name)
            self._held().stop(timeout=int(timeout))
        self._save_log()

    def remove(self) -> None:
        if self._container is not None:
            self._container.remove(force=True, v=True)
            self._container = None

    def kill(self) -> None:
        if self.is_alive:
            self.resume()
            self._held().kill()
            self._held().wait(timeout=30)

    def pause(self) -> None:
        if self._is("running"):
            self._held().pause()

    def resume(self) -> None:
        if self._is("paused"):
            self._held().unpause()

    def wait_until(self, is_ready: Callable[[], bool], timeout: float, what: str = "ready") -> None:
        deadline = time.monotonic() + timeout
        while not is_ready():
            if not self.is_alive or time.monotonic() > deadline:
                message = f"{self.name} was not {what} within {timeout:g} s\n{self.log_tail()}"
                raise NotReady(message)
            time.sleep(_POLL_S)

    def log_tail(self, lines: int = 20) -> str:
        return str(self._held().logs(tail=lines).decode(errors="backslashreplace"))

    def _save_log(self) -> None:
        if self._container is not None:
            self.log_path.write_bytes(self._container.logs())

    def _is(self, status: str) -> bool:
        return self.is_alive and str(self._held().status) == status

    def _held(self) -> EngineContainer:
        if self._container is None:
            message = f"{self.name} was not started"
            raise StackError(message)
        return self._container


def _do_without_reaper_if_need_be() -> None:
    """Without its image no container would start. A supervisor that ends removes them itself, one that is killed does not."""
    config = testcontainers_config
    if not config.ryuk_disabled and not can_be_had(config.ryuk_image):
        say(f"{config.ryuk_image} cannot be had: containers of a supervisor that is killed will stay")
        config.ryuk_disabled = True
