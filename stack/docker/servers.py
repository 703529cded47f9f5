"""The servers from the images of docker-compose.yml, with the settings of the native ones."""

import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from deploy.minio import Keys, Store
from stack.addresses import Addresses, SecondListener
from stack.clamd_admin import is_scanner_ready
from stack.docker.container import Container
from stack.docker.engine import image_of
from stack.kafka_admin import is_broker_ready
from stack.minio_admin import is_store_ready
from stack.ports import free_port
from stack.postgres_admin import is_server_ready
from stack.secrets_file import kms_key, s3_access_key, s3_secret_key
from stack.settings import BROKER, CLAMD_CONF, OBJECT_STORE, POSTGRES, S3_REGION, SIGNATURES

_INNER_KAFKA, _INNER_SECOND, _INNER_POSTGRES, _INNER_CLAMD, _INNER_MINIO = 9092, 9094, 5432, 3310, 9000


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

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, kafka_bootstrap=self.bootstrap)


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

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, postgres_admin_dsn=self.admin_dsn)


class DockerClamd:
    """`home` is where its signatures lie, so that more can be put there."""

    def __init__(self, home: Path, logs: Path, *, outlives_supervisor: bool) -> None:
        self._signatures = home / "signatures"
        self._port = free_port()
        configuration = "/etc/clamav/mit-sygefravaer.conf"
        self.process = Container.plan(
            "clamd",
            image_of("clamd"),
            ports={_INNER_CLAMD: self._port},
            env={},
            # by name, or the image would start its updater too, and wait for a socket that ours does not have
            command=("clamd", "--foreground", f"--config-file={configuration}"),
            mounts={CLAMD_CONF: configuration, self._signatures: "/var/lib/clamav"},
            log_path=logs / "clamd.log",
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        shutil.copytree(SIGNATURES, self._signatures)
        self.process.start()

    def wait_ready(self, timeout: float = 90) -> None:
        self.process.wait_until(lambda: is_scanner_ready("127.0.0.1", self._port), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, clamd_host="127.0.0.1", clamd_port=self._port)


class DockerMinio:
    def __init__(self, logs: Path, *, outlives_supervisor: bool) -> None:
        port = free_port()
        keys = Keys(access_key=s3_access_key(), secret_key=s3_secret_key())
        self.store = Store(endpoint=f"http://127.0.0.1:{port}", region=S3_REGION, keys=keys)
        self.process = Container.plan(
            "minio",
            image_of("minio"),
            ports={_INNER_MINIO: port},
            env={
                **OBJECT_STORE,
                "MINIO_ROOT_USER": keys.access_key,
                "MINIO_ROOT_PASSWORD": keys.secret_key,
                "MINIO_KMS_SECRET_KEY": kms_key(),
            },
            command=("server", "--quiet", "--anonymous", "--address", f":{_INNER_MINIO}", "/data"),
            log_path=logs / "minio.log",
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self.process.start()

    def wait_ready(self, timeout: float = 90) -> None:
        self.process.wait_until(lambda: is_store_ready(self.store), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(
            addresses,
            s3_endpoint=self.store.endpoint,
            s3_region=self.store.region,
            s3_access_key=self.store.keys.access_key,
            s3_secret_key=self.store.keys.secret_key,
        )
