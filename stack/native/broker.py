"""One Kafka broker and controller in one JVM (KRaft), on loopback, with settings fit for tests: the same limits as in
production, but groups that settle at once and sessions that may be short.

Invariants: topics are only those that were declared; the address stays the same over any number of kills and restarts.
"""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

from stack.accounts import Account
from stack.addresses import Addresses, SecondListener
from stack.errors import StackError
from stack.kafka_admin import is_broker_ready
from stack.native.files import link_or_copy
from stack.native.jars import KAFKA, jars_of
from stack.native.java import find_java
from stack.ports import free_port
from stack.processes import Process
from stack.settings import BROKER

_START_TIMEOUT_S = 90
# A broker that lives for minutes never earns back what the second compiler takes, and shares two processors with all it serves:
# with the first one alone, and a collector without threads of its own, it took half the CPU.
_JVM = ("-Xms256m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
_JVM_FOR_FORMATTING = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def settings(port: int, controller_port: int, data: Path, second: SecondListener | None = None) -> dict[str, str]:
    """server.properties."""
    listening = {"PLAINTEXT": port, **({"SECOND": second.port} if second else {}), "CONTROLLER": controller_port}
    advertised = {"PLAINTEXT": port, **({"SECOND": second.advertised_port} if second else {})}
    return {
        **BROKER,
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": ",".join(f"{name}://127.0.0.1:{at}" for name, at in listening.items()),
        "advertised.listeners": ",".join(f"{name}://127.0.0.1:{at}" for name, at in advertised.items()),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listening),
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data / "log"),
    }


class NativeKafka:
    """A broker in a directory of its own; `process` is there to be killed, paused and started again."""

    def __init__(
        self,
        home: Path,
        logs: Path,
        account: Account | None,
        *,
        outlives_supervisor: bool,
        second: SecondListener | None = None,
    ) -> None:
        self._home = home
        self._account = account
        self._second = second
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.process = Process(
            "kafka",
            self._argv(),
            log_path=logs / "kafka.log",
            env=self._environment(),
            cwd=home,
            account=account,
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self._prepare()
        self.process.start()

    def wait_ready(self, timeout: float = _START_TIMEOUT_S) -> None:
        self.process.wait_until(lambda: is_broker_ready(self.bootstrap), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, kafka_bootstrap=self.bootstrap)

    def _prepare(self) -> None:
        (self._home / "tmp").mkdir(parents=True, exist_ok=True)
        self._place_jars()
        shutil.copy(KAFKA.home / "log4j2.properties", self._home)
        properties = settings(self.port, free_port(), self._home, self._second)
        (self._home / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        if self._account is not None:
            self._account.own(self._home)
        self._format()

    def _place_jars(self) -> None:
        """Where the cache lies in a home the server's account may not enter, the jars are linked (or copied) out of it."""
        jars = jars_of(KAFKA)
        libs = self._home / "libs"
        if self._account is None or self._account.can_reach(jars / "any"):
            libs.symlink_to(jars)
            return
        libs.mkdir()
        for jar in jars.iterdir():
            link_or_copy(jar, libs / jar.name)

    def _format(self) -> None:
        """Gives the empty log directory its cluster id; a broker does not start on an unformatted one."""
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        outcome = subprocess.run(
            (*self._as_account(), str(find_java()), *_JVM_FOR_FORMATTING, *self._java_options(), "kafka.tools.StorageTool",
             "format", f"--cluster-id={cluster_id}", "--config", str(self._home / "server.properties")),
            env=self._environment(),
            cwd=self._home,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if outcome.returncode != 0:
            message = f"Kafka's storage could not be formatted:\n{outcome.stdout}{outcome.stderr}"
            raise StackError(message)

    def _as_account(self) -> tuple[str, ...]:
        if self._account is None:
            return ()
        return ("setpriv", "--reuid", str(self._account.uid), "--regid", str(self._account.gid), "--clear-groups", "--")

    def _argv(self) -> tuple[str, ...]:
        return (str(find_java()), *_JVM, *self._java_options(), "kafka.Kafka", str(self._home / "server.properties"))

    def _java_options(self) -> tuple[str, ...]:
        return (
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={self._home / 'tmp'}",
            f"-Dlog4j2.configurationFile={self._home / 'log4j2.properties'}",
            "-cp",
            f"{self._home / 'libs'}/*",
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(self._home)}
