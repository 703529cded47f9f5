"""The canary is found where it truly lies: on a broker, in a database, in files of logs and in metrics over HTTP."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from laws import canary, privacy
from laws.evidence import Evidence
from laws.reading.kafka import read_log
from laws.reading.simulators import read_texts
from laws.reading.tables import read_tables
from laws.secrets_told import gathered
from stack import Stack
from tests.support.fixtures import DatabaseFactory, TopicFactory

SECRETS = gathered([canary.NOTIFICATION])
SPELLINGS = canary.spellings()


def found(**evidence: object) -> dict[str, set[str]]:
    whole = {"log": {}, "rows": {}, "gateway": {}, "sent": (), **evidence}
    return privacy.found(Evidence(**whole), SECRETS)  # type: ignore[arg-type]


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka)
    await made.start()
    yield made
    await made.stop()


async def test_in_a_topic(kafka: str, topics: TopicFactory, producer: AIOKafkaProducer) -> None:
    topic = topics("canary", partitions=1)
    for raw in SPELLINGS.values():
        await producer.send(topic, b"{}", key=raw)
        await producer.send(topic, b"{}", headers=[("h", raw)])
        await producer.send(topic, raw)
    await producer.flush()
    log = await read_log(kafka)
    assert len(found(log={topic: log[topic]})) == 3 * len(SPELLINGS)


async def test_in_a_table(stack: Stack, database: DatabaseFactory) -> None:
    dsn = f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{database('notifier').name}"
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table leak (plain text, raw bytea, many text[], deep jsonb)")
    texts = [text for raw in SPELLINGS.values() if "\x00" not in (text := raw.decode())]
    for text in texts:
        await connection.execute("insert into leak (plain) values ($1)", text)
        await connection.execute("insert into leak (raw) values ($1)", text.encode())
        await connection.execute("insert into leak (many) values ($1)", ["x", text])
        await connection.execute("insert into leak (deep) values (jsonb_build_object('a', $1::text))", text)
    await connection.close()
    rows = await read_tables(dsn)
    assert len(found(rows={"notifier": {"leak": rows["leak"]}})) == 4 * len(texts)


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'errors_total{{who="{canary.CPR}"}} 1.0\n'.encode())


@pytest.fixture
def metrics() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metrics)
    server.daemon_threads = False  # closing waits for those who still answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_in_logs_and_metrics(tmp_path: Path, metrics: str) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "tasks.log").write_bytes(b"quiet\n" + canary.NAME.encode() + b"\n")
    (tmp_path / "old" / "postgres.log.1").write_bytes(b"\xff " + canary.CPR.encode())
    texts = read_texts(tmp_path, {"intake-2": metrics, "clock": metrics}, ["intake"])
    assert found(texts=texts).keys() == {"tasks.log:2", "old/postgres.log.1:1", "metrics of intake-2"}
