"""`uploads` in this process, on a real database, scanner and object store; the vault answers from memory."""

import asyncio
import contextlib
import io
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast
from uuid import UUID, uuid4

import aiohttp

from contracts.citizen_token.v1 import Issuer, Verifier
from plumbing.clamd import Clamd
from plumbing.clock import SystemClock
from plumbing.jobs import Policy, Worker
from plumbing.objects import Account, Bucket
from plumbing.postgres import Database
from services.uploads.api import Verbs, make_app
from services.uploads.api.receiving import Bounds
from services.uploads.domain.limits import Limits
from services.uploads.domain.records import Known
from services.uploads.domain.submissions import Refused
from services.uploads.inspection import Inspector
from services.uploads.store import Store
from services.uploads.usecases.begin import Begin
from services.uploads.usecases.check_pending import CheckPending
from services.uploads.usecases.deleting import DROP_QUEUE, DropInbound
from services.uploads.usecases.inspect import Inspect
from services.uploads.usecases.scan_again import ScanAgain
from services.uploads.usecases.send import Send
from services.uploads.usecases.show import Show
from services.uploads.usecases.sweep import Sweep
from services.uploads.usecases.take_back import TakeBack
from services.uploads.usecases.take_file import CHECK_QUEUE, TakeFile
from services.uploads.usecases.watch_scanner import WatchedScanner
from stack import Stack
from stack.settings import TEST_SIGNATURE
from tests.support.fixtures import Buckets
from tests.unit.simulators.servers import serving

ISSUER = Issuer.from_seed(b"a seed of thirty-two bytes, ours")


class Vault:
    """Keys that are made when somebody is first asked about."""

    def __init__(self) -> None:
        self.keys: dict[UUID, bytes] = {}
        self.erased: set[UUID] = set()

    async def key(self, citizen_id: UUID) -> bytes:
        if citizen_id in self.erased:
            raise Refused("not-found")
        return self.keys.setdefault(citizen_id, uuid4().bytes + uuid4().bytes)


def spool() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile())


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]
    raw: bytes


@dataclass(kw_only=True, slots=True)
class Citizen:
    """Somebody with one absence, who asks by a token of the portal's."""

    house: "House"
    citizen_id: UUID = field(default_factory=uuid4)
    absence_id: UUID = field(default_factory=uuid4)
    actor_id: UUID | None = None

    @property
    def headers(self) -> dict[str, str]:
        token = ISSUER.token(self.citizen_id, audience="uploads", actor_id=self.actor_id)
        return {"authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        headers = {**self.headers, **more.pop("headers", {})}
        if method == "POST":
            headers.setdefault("idempotency-key", str(uuid4()))
        async with self.house.session.request(method, f"{self.house.address}{path}", headers=headers, **more) as got:
            raw = await got.read()
            is_json = "json" in got.headers.get("content-type", "")
            return Answer(status=got.status, body=json.loads(raw) if is_json else None, headers=got.headers, raw=raw)

    async def begin(self, title: str = "Lægeerklæring", **more: Any) -> UUID:
        """A submission that was begun."""
        asked = {"absence_id": str(self.absence_id), "title": title, **more}
        got = await self.ask("POST", "/v1/submissions", json=asked)
        assert got.status == 201, got
        return UUID(got.body["submission_id"])

    async def add(
        self,
        submission_id: UUID,
        data: bytes,
        *,
        name: str = "erklæring.pdf",
        content_type: str | None = "application/pdf",
        sha256: str | None = None,
        key: UUID | None = None,
    ) -> Answer:
        """A file, by hand: what a client library would put right must come in as it is."""
        boundary = "----boundary7MA4YWxk"
        body = b""
        if sha256 is not None:
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n{sha256}\r\n'.encode()
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'.encode(
            "utf-8", "surrogatepass"
        )
        if content_type is not None:
            body += f"Content-Type: {content_type}\r\n".encode("utf-8", "surrogatepass")
        body += b"\r\n" + data + f"\r\n--{boundary}--\r\n".encode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        if key is not None:
            headers["idempotency-key"] = str(key)
        return await self.ask("POST", f"/v1/submissions/{submission_id}/files", data=io.BytesIO(body), headers=headers)

    async def send(self, submission_id: UUID, key: UUID | None = None) -> Answer:
        headers = {} if key is None else {"idempotency-key": str(key)}
        return await self.ask("POST", f"/v1/submissions/{submission_id}/send", headers=headers)

    async def show(self, submission_id: UUID) -> Any:
        got = await self.ask("GET", f"/v1/submissions/{submission_id}")
        assert got.status == 200, got
        return got.body


@dataclass(kw_only=True, slots=True)
class House:
    """All parts, to be broken one by one."""

    address: str
    session: aiohttp.ClientSession
    database: Database
    store: Store
    vault: Vault
    scanner: WatchedScanner
    inbound: Bucket
    clean: Bucket
    checks: Worker
    scan_again: ScanAgain
    sweep: Sweep
    buckets: Buckets

    async def citizen(self) -> Citizen:
        """A new one, whose absence is known."""
        one = Citizen(house=self)
        async with self.database.transaction() as connection:
            await self.store.know(
                connection, [Known(absence_id=one.absence_id, citizen_id=one.citizen_id, is_withdrawn=False)]
            )
        return one

    async def rows(self, sql: str, *args: object) -> list[Any]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql, *args))

    def objects(self, bucket: str, absence_id: UUID) -> list[str]:
        """Keys below an absence, as the administrator sees them."""
        found = self.buckets.admin.list_objects(bucket, prefix=f"{absence_id}/", recursive=True)
        return [str(one.object_name) for one in found]


@contextlib.asynccontextmanager
async def uploads_house(
    database: Database,
    servers: Stack,
    buckets: Buckets,
    *,
    limits: Limits | None = None,
    idle_seconds: float = 30.0,
    files_at_once: int = 6,
    verdict_seconds: float = 30.0,
    look_seconds: float = 8.0,
    starts_scanner: bool = True,
) -> AsyncIterator[House]:
    """Ready to be asked."""
    limits = limits or Limits()
    clock, store, vault = SystemClock(), Store(), Vault()
    keys = buckets.accounts["uploads"]
    account = Account(
        endpoint=servers.addresses.s3_endpoint,
        region=servers.addresses.s3_region,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
    )
    clamd = Clamd(servers.addresses.clamd_host, servers.addresses.clamd_port, seconds=30.0)
    scanner = WatchedScanner(clamd, canary=TEST_SIGNATURE, largest=limits.file_bytes, stale_days=7, may_be_local=True)
    structure = Inspector(seconds=look_seconds, most_bytes=limits.file_bytes)
    async with aiohttp.ClientSession() as session:
        inbound, clean = Bucket(session, account, buckets.inbound), Bucket(session, account, buckets.clean)
        inspect = Inspect(scanner, structure, clock)
        check = CheckPending(
            database, uploads=store, inspect=inspect, inbound=inbound, clean=clean, clock=clock, spool=spool
        )
        checks = Worker(
            database, CHECK_QUEUE, check, policy=Policy(first=0.1, ceiling=0.5), deadline=60, settle_together=1
        )
        drops = Worker(database, DROP_QUEUE, DropInbound(inbound), policy=Policy(first=0.1, ceiling=0.5))
        verbs = Verbs(
            begin=Begin(database, uploads=store, keys=vault, clock=clock),
            take_file=TakeFile(
                database,
                uploads=store,
                keys=vault,
                inspect=inspect,
                inbound=inbound,
                clean=clean,
                clock=clock,
                limits=limits,
                verdict_seconds=verdict_seconds,
                wake=checks.wake,
            ),
            take_back=TakeBack(database, uploads=store, clock=clock),
            send=Send(database, uploads=store, clock=clock, wake=checks.wake),
            show=Show(database, uploads=store, keys=vault, clean=clean, clock=clock, spool=spool),
        )
        app = make_app(
            verbs,
            Verifier(ISSUER.public_keys, audience="uploads"),
            bounds=Bounds(file_bytes=limits.file_bytes, idle_seconds=idle_seconds, upload_seconds=600),
            spool=spool,
            now=lambda: datetime.now(UTC),
            files_at_once=files_at_once,
        )
        again = ScanAgain(
            database,
            uploads=store,
            scanner=scanner,
            inspect=inspect,
            clean=clean,
            clock=clock,
            spool=spool,
            wake=lambda: None,
            every=0.2,
        )
        if starts_scanner:
            assert await scanner.look()
        loops = [asyncio.create_task(one) for one in (checks.run(), drops.run(), scanner.run())]
        try:
            async with serving(app) as address:
                yield House(
                    address=address,
                    session=session,
                    database=database,
                    store=store,
                    vault=vault,
                    scanner=scanner,
                    inbound=inbound,
                    clean=clean,
                    checks=checks,
                    scan_again=again,
                    sweep=Sweep(database, uploads=store, patience_seconds=0, every=1),
                    buckets=buckets,
                )
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await structure.close()
