"""`uploads` as it is deployed: processes of its own, on all real servers, told of absences by Kafka, stopped in the middle."""

import asyncio
import base64
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from typing_extensions import override

from contracts.absence.v1 import AbsenceWithdrawn
from contracts.events import encode
from contracts.topics import DOCUMENT
from plumbing import ids
from stack import ALL_SERVERS, Stack
from stack.paths import ROOT
from stack.ports import free_port
from stack.processes import Process
from stack.secrets_file import Secrets
from stack.settings import TEST_SIGNATURE
from tests.integration.uploads.house import ISSUER
from tests.integration.uploads.test_http import FILE, parts
from tests.integration.uploads.test_sending import pdf
from tests.support.databases import Databases
from tests.support.fixtures import new_run_dir

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What is up, and where."""

    stack: Stack
    uploads: Process
    url: str
    ops_url: str


class _Keys(BaseHTTPRequestHandler):
    """The vault's answer to who asks for keys: each citizen's follows from its id."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = base64.b64encode(b"k" * 32).decode()
        told = [{"state": "known", "citizen_id": one, "key": key} for one in asked["citizen_ids"]]
        body = json.dumps({"keys": told}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def vault() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Keys)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with new_run_dir() as run_dir, vault() as vault_url:
        stack = Stack.start(run_dir, servers=ALL_SERVERS)
        try:
            stack.create_topics()
            secrets = Secrets.load_or_make(run_dir / "secrets.env")
            names = stack.create_buckets(secrets.s3_accounts)
            database = Databases(stack).migrated("uploads")
            http, ops = free_port(), free_port()
            keys = secrets.s3_accounts["uploads"]
            uploads = Process(
                "uploads",
                (sys.executable, "-m", "services.uploads", "serve"),
                log_path=run_dir / "logs" / "uploads.log",
                cwd=ROOT,
                env={
                    "PATH": "/usr/bin:/bin",
                    "DATABASE_URL": database.runtime_dsn,
                    "OPS_PORT": str(ops),
                    "HTTP_PORT": str(http),
                    "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap,
                    "KAFKA_SESSION_TIMEOUT_MS": "6000",
                    "CITIZENS_URL": vault_url,
                    "CITIZENS_TOKEN": "t" * 32,
                    "CITIZEN_TOKEN_KEYS": ISSUER.public_keys,
                    "S3_ENDPOINT_URL": stack.addresses.s3_endpoint,
                    "S3_REGION": stack.addresses.s3_region,
                    "S3_ACCESS_KEY_ID": keys.access_key,
                    "S3_SECRET_ACCESS_KEY": keys.secret_key,
                    "INBOUND_BUCKET": names.inbound,
                    "CLEAN_BUCKET": names.clean,
                    "CLAMD_HOST": stack.addresses.clamd_host,
                    "CLAMD_PORT": str(stack.addresses.clamd_port),
                    "CANARY_SIGNATURE": TEST_SIGNATURE.decode(),
                    "LOCAL_SIGNATURES": "true",
                },
            )
            uploads.start()
            try:
                uploads.wait_ready(f"http://127.0.0.1:{ops}/readyz", 60)
                yield Running(
                    stack=stack, uploads=uploads, url=f"http://127.0.0.1:{http}", ops_url=f"http://127.0.0.1:{ops}"
                )
            finally:
                uploads.stop()
        finally:
            stack.stop()


async def told_of(running: Running, absence_id: UUID, citizen_id: UUID) -> None:
    """intake says whose absence it is; that it was taken back does not keep documents away."""
    now = datetime.now(UTC)
    event = AbsenceWithdrawn(
        absence_id=absence_id,
        citizen_id=citizen_id,
        notification_id=uuid4(),
        sent_at=now,
        received_at=now,
    )
    record = encode(event, event_id=ids.derive(absence_id), time=now)
    producer = AIOKafkaProducer(bootstrap_servers=running.stack.kafka_bootstrap)
    await producer.start()
    await producer.send_and_wait(
        record.topic, key=record.key.encode(), value=record.value, headers=list(record.headers)
    )
    await producer.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def test_a_document_goes_from_the_citizen_to_the_topic(running: Running, session: aiohttp.ClientSession) -> None:
    absence_id, citizen_id = uuid4(), uuid4()
    await told_of(running, absence_id, citizen_id)
    bearer = f"Bearer {ISSUER.token(citizen_id, audience='uploads')}"

    def headers() -> dict[str, str]:
        return {"authorization": bearer, "idempotency-key": str(uuid4())}

    begun: dict[str, str] = {}
    async with asyncio.timeout(30):
        while not begun:
            asked = {"absence_id": str(absence_id), "title": "Fra lægen"}
            async with session.post(f"{running.url}/v1/submissions", json=asked, headers=headers()) as got:
                if got.status == 201:
                    begun = await got.json()
            await asyncio.sleep(0.1)
    url = f"{running.url}/v1/submissions/{begun['submission_id']}"
    body, kind = parts((FILE, pdf()))
    async with session.post(f"{url}/files", data=body, headers={**headers(), **kind}) as got:
        assert got.status == 201, await got.text()
        sha256 = (await got.json())["sha256"]
    async with session.post(f"{url}/send", headers=headers()) as got:
        assert got.status == 200
    event = await heard(running)
    assert event["submission_id"] == begun["submission_id"]
    assert [one["sha256"] for one in event["documents"]] == [sha256]
    assert event["documents"][0]["scanned"]["engine"]


async def heard(running: Running) -> dict[str, Any]:
    consumer = AIOKafkaConsumer(
        DOCUMENT.name, bootstrap_servers=running.stack.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            told: dict[str, Any] = json.loads((await consumer.getone()).value)
            return told
    finally:
        await consumer.stop()


async def test_metrics_and_logs_name_no_file_and_nobody(running: Running, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{running.ops_url}/metrics") as got:
        told = await got.text()
    assert "mitsyg_scanner_in_service 1.0" in told
    assert 'mitsyg_jobs_oldest_seconds{queue="erase"} 0.0' in told  # no eraser runs here to tell of it
    log = running.uploads.log_path.read_text()
    assert "Fra l" not in log
    assert "a.pdf" not in log


def test_it_ends_by_sigterm_without_a_word_of_complaint(running: Running) -> None:
    assert running.uploads.stop(timeout=30) == 0
    log = running.uploads.log_path.read_text()
    assert "service ended" in log
    assert "crashed" not in log
