"""`uploads` beside a bare script that scans and stores the same bytes; its memory; and whether slow clients hold others up.

The service runs as it is deployed, with the real scanner and the real store; the vault answers from memory. Files are PDFs whose
one stream is random, so that no two are alike: the scanner answers repeats from a cache. Both sides have as many files in work
at once, on the same servers, in turns.
"""

import asyncio
import base64
import io
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import psutil
from minio import Minio
from typing_extensions import override

from contracts.citizen_token.v1 import Issuer
from plumbing.postgres import migrations
from stack import ALL_SERVERS, Stack
from stack.paths import ROOT
from stack.ports import free_port
from stack.processes import Process
from stack.secrets_file import Secrets
from stack.settings import TEST_SIGNATURE

MIB: Final = 1024 * 1024
AT_ONCE: Final = 4
_ISSUER: Final = Issuer.from_seed(b"thirty-two bytes for measuring..")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What is up."""

    stack: Stack
    service: Process
    url: str
    ops_url: str
    database: str
    store: Minio
    bucket: str


def measure(pairs: int) -> None:
    """Everything of this room, printed."""
    with _site() as site:
        asyncio.run(_all(site, pairs))


async def _all(site: Site, pairs: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        spare = iter(await _citizens(site, 4000))
        ours, bare = _service(site, session, spare), _bare(site)
        for size, number in ((1, 40), (10, 8)):
            ratios = [await _pair(ours, bare, size, number, turned=bool(nth % 2)) for nth in range(pairs + 1)]
            print(f"{size} MB files, {AT_ONCE} at once, service beside bare: ratio {_spread(ratios[1:])}", flush=True)
        single = []
        for _ in range(pairs):
            took = await _timed(ours, [pdf(10 * MIB)])
            single.append(took / await _timed(bare, [pdf(10 * MIB)]))
        print(f"one 10 MB file: takes {_spread(single)} times the bare script's time", flush=True)
        for size in (2, 20):
            raised = await _memory(site, session, spare, size)
            print(f"20 uploads of {size} MiB at once: memory raised by {raised:.1f} MiB", flush=True)
        await _slow_clients(site, session, spare)


async def _pair(ours: "Side", bare: "Side", size: int, number: int, *, turned: bool) -> float:
    """How many times the bare script's rate the service's is; each works so many files of so many MB that nobody saw before."""
    rates = {}
    for name, one in (("bare", bare), ("service", ours)) if turned else (("service", ours), ("bare", bare)):
        rates[name] = number / await _timed(one, [pdf(size * MIB) for _ in range(number)])
    ratio = rates["service"] / rates["bare"]
    print(f"  {size} MB: service {rates['service']:.1f}/s, bare {rates['bare']:.1f}/s, {ratio:.2f}", flush=True)
    return ratio


def pdf(size: int) -> bytes:
    """A document of about that size, unlike any other."""
    body = random.randbytes(size - 800)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length 5 >>\nstream\n/I Do\nendstream",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length %d >>\nstream\n" % len(body) + body + b"\nendstream",
    ]
    told, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for nth, one in enumerate(objects, start=1):
        places.append(len(told))
        told += b"%d 0 obj\n" % nth + one + b"\nendobj\n"
    start = len(told)
    told += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(told + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)


Side = Callable[[bytes], Awaitable[None]]


async def _timed(one: Side, files: list[bytes]) -> float:
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(data: bytes) -> None:
        async with turns:
            await one(data)

    began = time.perf_counter()
    await asyncio.gather(*(in_turn(data) for data in files))
    return time.perf_counter() - began


def _bare(site: Site) -> Side:
    """clamd's INSTREAM, then one PUT."""
    host, port = site.stack.addresses.clamd_host, site.stack.addresses.clamd_port

    async def one(data: bytes) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"zINSTREAM\0")
        for at in range(0, len(data), 131_072):
            piece = data[at : at + 131_072]
            writer.write(len(piece).to_bytes(4, "big") + piece)
            await writer.drain()
        writer.write(bytes(4))
        assert await reader.readuntil(b"\0") == b"stream: OK\0"
        writer.close()
        await asyncio.to_thread(_put, site, data)

    return one


def _put(site: Site, data: bytes) -> None:
    site.store.put_object(site.bucket, f"bare/{uuid4()}", io.BytesIO(data), len(data), content_type="application/pdf")


def _service(site: Site, session: aiohttp.ClientSession, spare: Iterator[tuple[UUID, UUID]]) -> Side:
    async def one(data: bytes) -> None:
        url, headers = await _begun(site, session, next(spare))
        async with session.post(f"{url}/files", data=_body(data), headers={**headers, **_KIND}) as got:
            assert got.status == 201, await got.text()

    return one


_KIND: Final = {"content-type": "multipart/form-data; boundary=bench"}
_HEAD: Final = b'--bench\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
_TAIL: Final = b"\r\n--bench--\r\n"


def _body(data: bytes) -> Any:
    return io.BytesIO(_HEAD + data + _TAIL)


async def _begun(site: Site, session: aiohttp.ClientSession, who: tuple[UUID, UUID]) -> tuple[str, dict[str, str]]:
    """A submission's address, and the headers of the next request about it."""
    citizen_id, absence_id = who
    bearer = f"Bearer {_ISSUER.token(citizen_id, audience='uploads', seconds=300)}"
    asked = {"absence_id": str(absence_id), "title": "bench"}
    headers = {"authorization": bearer, "idempotency-key": str(uuid4())}
    async with session.post(f"{site.url}/v1/submissions", json=asked, headers=headers) as got:
        begun = await got.json()
    return f"{site.url}/v1/submissions/{begun['submission_id']}", {**headers, "idempotency-key": str(uuid4())}


async def _memory(site: Site, session: aiohttp.ClientSession, spare: Iterator[tuple[UUID, UUID]], size: int) -> float:
    """How far the service's own memory rises above idle while twenty come in at once, in MiB."""
    process = psutil.Process(site.service.pid)
    files = [pdf(size * MIB - 4096) for _ in range(20)]
    await asyncio.sleep(3)
    idle = process.memory_info().rss
    peak, is_over = idle, False

    async def watch() -> None:
        nonlocal peak
        while not is_over:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    one = _service(site, session, spare)
    await asyncio.gather(*(_patiently(one, data) for data in files))
    is_over = True
    await watching
    return (peak - idle) / MIB


async def _patiently(one: Side, data: bytes) -> None:
    """202 is as good an answer here: the check may be put off where so many come at once."""
    try:
        await one(data)
    except AssertionError as error:
        if "pending" not in str(error):
            raise


async def _slow_clients(site: Site, session: aiohttp.ClientSession, spare: Iterator[tuple[UUID, UUID]]) -> None:
    """The p99 of 1 MB uploads, one after the other, without and with 500 clients that send a byte a second."""
    alone = await _latencies(site, session, spare, 100)
    is_over = asyncio.Event()
    slow = [asyncio.create_task(_dawdle(site, session, next(spare), is_over)) for _ in range(500)]
    await asyncio.sleep(10)
    beside = await _latencies(site, session, spare, 100)
    is_over.set()
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    p99 = [statistics.quantiles(told, n=100)[98] * 1000 for told in (alone, beside)]
    print(f"1 MB alone: p99 {p99[0]:.0f} ms; beside 500 clients of a byte a second: p99 {p99[1]:.0f} ms", flush=True)
    print(f"  ratio {p99[1] / p99[0]:.2f}", flush=True)


async def _latencies(
    site: Site, session: aiohttp.ClientSession, spare: Iterator[tuple[UUID, UUID]], number: int
) -> list[float]:
    found = []
    one = _service(site, session, spare)
    for _ in range(number):
        data = pdf(MIB)
        began = time.perf_counter()
        await one(data)
        found.append(time.perf_counter() - began)
    return found


async def _dawdle(site: Site, session: aiohttp.ClientSession, who: tuple[UUID, UUID], is_over: asyncio.Event) -> None:
    url, headers = await _begun(site, session, who)

    async def drops() -> Any:
        yield _HEAD + b"%PDF-1.7\n"
        while not is_over.is_set():
            await asyncio.sleep(1)
            yield b" "

    async with session.post(f"{url}/files", data=drops(), headers={**headers, **_KIND}):
        pass


async def _citizens(site: Site, number: int) -> list[tuple[UUID, UUID]]:
    """People, each with an absence of theirs, as intake would have told of it."""
    people = [(uuid4(), uuid4()) for _ in range(number)]
    connection = await asyncpg.connect(site.database)
    await connection.executemany(
        "insert into absence (citizen_id, absence_id, is_withdrawn) values ($1, $2, false)", people
    )
    await connection.close()
    return people


def _spread(found: list[float]) -> str:
    return f"median {statistics.median(found):.2f}, from {min(found):.2f} to {max(found):.2f}, {len(found)} times"


class _Keys(BaseHTTPRequestHandler):
    """The vault's answer to who asks for keys."""

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
def _site() -> Iterator[Site]:
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    vault = ThreadingHTTPServer(("127.0.0.1", 0), _Keys)
    threading.Thread(target=vault.serve_forever, daemon=True).start()
    stack = Stack.start(run_dir, servers=ALL_SERVERS)
    service: Process | None = None
    try:
        stack.create_topics()
        secrets = Secrets.load_or_make(run_dir / "secrets.env")
        names = stack.create_buckets(secrets.s3_accounts)
        database = stack.create_database("uploads")
        migrations.upgrade("services.uploads.migrations", database.owner_dsn, role=database.role)
        http, ops = free_port(), free_port()
        keys = secrets.s3_accounts["uploads"]
        service = Process(
            "uploads",
            (sys.executable, "-m", "services.uploads", "serve"),
            log_path=run_dir / "logs" / "uploads.log",
            cwd=ROOT,
            env={
                "PATH": os.defpath,
                "DATABASE_URL": database.runtime_dsn,
                "OPS_PORT": str(ops),
                "HTTP_PORT": str(http),
                "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap,
                "CITIZENS_URL": f"http://127.0.0.1:{vault.server_port}",
                "CITIZENS_TOKEN": "t" * 32,
                "CITIZEN_TOKEN_KEYS": _ISSUER.public_keys,
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
        ).start()
        service.wait_ready(f"http://127.0.0.1:{ops}/readyz", 60)
        yield Site(
            stack=stack,
            service=service,
            url=f"http://127.0.0.1:{http}",
            ops_url=f"http://127.0.0.1:{ops}",
            database=database.runtime_dsn,
            store=stack.store.client(),
            bucket=names.clean,
        )
    finally:
        if service is not None:
            service.stop()
        stack.stop()
        vault.shutdown()
        vault.server_close()
        shutil.rmtree(run_dir, ignore_errors=True)
