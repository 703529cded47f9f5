"""Kafka and PostgreSQL from the images of docker-compose.yml, with the settings of the native ones."""

import secrets
from pathlib import Path

from stack.addresses import SecondListener
from stack.docker.container import Container
from stack.docker.engine import image_of
from stack.kafka_admin import is_broker_ready
from stack.ports import free_port
from stack.postgres_admin import is_server_ready
from stack.settings import BROKER, POSTGRES

_INNER_KAFKA, _INNER_SECOND, _INNER_POSTGRES = 9092, 9094, 5432


class DockerKafka:
    def __init__(self, logs: Path, *, outlives_supervisor: bool, second: SecondListener | None = None) -> None:
        port = free_port()
        ports = {_INNER_KAFKA: port, **({_INNER_SECOND: second.port} if second else {})}
        listening = {"PLAINTEXT": _INNER_KAFKA, **({"SECOND": _INNER_SECOND} if second else {}), "CONTROLLER": 9093}
        advertised = {"PLAINTEXT": port, **({"SECOND": second.advertised_port} if second else {})}
        self.bootstrap = f"127.0.0.1:{port}"
        addresses = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": ",".join(f"{name}://:{at}" for name, at in listening.items()),
            "advertised.listeners": ",".join(f"{name}://127.0.0.1:{at}" for name, at in advertised.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listening),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
        }
        variables = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in {**BROKER, **addresses}.items()}
        self.process = Container.plan(
            "kafka",
            image_of("kafka"),
            ports=ports,
            env={**variables, "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m"},
            command=(),
            log_path=logs / "kafka.log",
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self.process.start()

    def wait_ready(self, timeout: float = 90) -> None:
        self.process.wait_until(lambda: is_broker_ready(self.bootstrap), timeout)


class DockerPostgres:
    def __init__(self, logs: Path, *, outlives_supervisor: bool) -> None:
        port = free_port()
        password = secrets.token_urlsafe(24)
        self.admin_dsn = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        self.process = Container.plan(
            "postgres",
            image_of("postgres"),
            ports={_INNER_POSTGRES: port},
            env={
                "POSTGRES_PASSWORD": password,
                "POSTGRES_INITDB_ARGS": "--auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C.UTF-8",
            },
            command=("postgres", *(word for key, value in POSTGRES.items() for word in ("-c", f"{key}={value}"))),
            log_path=logs / "postgres.log",
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self.process.start()

    def wait_ready(self, timeout: float = 90) -> None:
        self.process.wait_until(lambda: is_server_ready(self.admin_dsn), timeout)
