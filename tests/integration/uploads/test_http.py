"""The exchange itself: sizes that lie, parts too many, clients that dawdle, quotas, safe names on the way back."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest

from contracts.citizen_token.v1 import Issuer
from plumbing.postgres import Database
from services.uploads.domain.limits import MIB, Limits
from stack import Stack
from tests.integration.uploads.house import ISSUER, Answer, Citizen, House, uploads_house
from tests.integration.uploads.test_sending import pdf, picture
from tests.support.fixtures import Buckets


def parts(*told: tuple[str, bytes], boundary: str = "b") -> tuple[bytes, dict[str, str]]:
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in told)
    return body + f"--{boundary}--\r\n".encode(), {"content-type": f"multipart/form-data; boundary={boundary}"}


FILE = 'Content-Disposition: form-data; name="file"; filename="a.pdf"'


async def post(citizen: Citizen, submission: object, *told: tuple[str, bytes], **headers: str) -> Answer:
    body, kind = parts(*told)
    return await citizen.ask("POST", f"/v1/submissions/{submission}/files", data=body, headers={**kind, **headers})


async def test_u07_a_file_may_be_as_large_as_the_limit_and_not_a_byte_larger(
    uploads_database: Database, documents_servers: Stack, buckets: Buckets
) -> None:
    limits = Limits(file_bytes=2 * MIB)
    async with uploads_house(uploads_database, documents_servers, buckets, limits=limits) as house:
        citizen = await house.citizen()
        for more, status in ((-1, 201), (0, 201), (1, 413)):
            submission = await citizen.begin()
            head = picture("JPEG")
            comment = limits.file_bytes + more - len(head)
            got = await citizen.add(submission, padded(head, comment), name="a.jpg", content_type="image/jpeg")
            assert got.status == status, (more, got.body)


def padded(jpeg: bytes, number: int) -> bytes:
    """The picture with so many bytes more, in comments behind its first segment: before it the scanner calls it broken."""
    first = 4 + int.from_bytes(jpeg[4:6], "big")
    told, left = bytearray(jpeg[:first]), number
    while left:
        piece = min(left, 65_000)
        if left - piece < 4 and left != piece:
            piece -= 4
        told += b"\xff\xfe" + (piece - 2).to_bytes(2, "big") + bytes(piece - 4)
        left -= piece
    return bytes(told + jpeg[first:])


async def test_u08_three_gigabytes_are_refused_before_they_come(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin()
    host, port = house.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /v1/submissions/{submission}/files HTTP/1.1\r\nhost: x\r\nauthorization: {citizen.headers['authorization']}\r\n"
        f"idempotency-key: {uuid4()}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 3000000000\r\n\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"413"
    writer.close()


async def test_u08_what_grows_past_the_limit_is_given_up_and_not_read_to_its_end(citizen: Citizen) -> None:
    submission = await citizen.begin()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield f"--b\r\n{FILE}\r\n\r\n%PDF-1.4\n".encode()
        while sent < 200 * MIB:
            sent += MIB
            yield bytes(MIB)

    with contextlib.suppress(aiohttp.ClientError):
        got = await citizen.ask(
            "POST",
            f"/v1/submissions/{submission}/files",
            data=endless(),
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        assert got.status == 413
    assert sent < 80 * MIB
    assert (await citizen.show(submission))["files"] == []


async def test_u09_what_is_announced_otherwise_than_it_comes_is_refused(citizen: Citizen) -> None:
    submission = await citizen.begin()
    for told in ("5", "999999"):
        got = await post(citizen, submission, (f"{FILE}\r\nContent-Length: {told}", pdf()))
        assert (got.status, got.body["code"]) == (400, "invalid")


async def test_u19_parts_that_come_twice_or_two_names_for_one_file_are_refused(citizen: Citizen) -> None:
    submission = await citizen.begin()
    for told in (
        ((FILE, pdf()), (FILE, pdf())),
        (('Content-Disposition: form-data; name="other"; filename="a.pdf"', pdf()),),
        ((f"{FILE}; filename*=UTF-8''b.pdf", pdf()),),
        (('Content-Disposition: form-data; name="sha256"', b"0" * 64),),
    ):
        got = await post(citizen, submission, *told)
        assert (got.status, got.body["code"]) == (400, "invalid"), told
    same = await post(citizen, submission, (f"{FILE}; filename*=UTF-8''a.pdf", pdf()))
    assert same.status == 201


@pytest.mark.parametrize(
    ("headers", "part", "status", "code"),
    [
        ({"content-encoding": "gzip"}, FILE, 400, "encoding-not-accepted"),
        ({}, f"{FILE}\r\nContent-Transfer-Encoding: base64", 400, "encoding-not-accepted"),
        ({"content-range": "bytes 0-99/200"}, FILE, 422, "not-resumable"),
        ({"content-type": "application/pdf"}, FILE, 400, "invalid"),
        ({"content-type": "multipart/form-data"}, FILE, 400, "invalid"),
        ({"idempotency-key": "1"}, FILE, 400, "key-missing"),
        ({"authorization": "Bearer x"}, FILE, 401, "unauthorized"),
    ],
)
async def test_a_request_of_another_form_is_refused(
    citizen: Citizen, headers: dict[str, str], part: str, status: int, code: str
) -> None:
    submission = await citizen.begin()
    got = await post(citizen, submission, (part, pdf()), **headers)
    assert (got.status, got.body["code"]) == (status, code)
    assert (await citizen.show(submission))["files"] == []


async def test_u71_a_hash_that_differs_is_refused_and_one_that_fits_is_not(citizen: Citizen) -> None:
    submission = await citizen.begin()
    document = pdf()
    right = hashlib.sha256(document).hexdigest()
    assert (await citizen.add(submission, document, sha256="0" * 64)).body["code"] == "hash-mismatch"
    assert (await citizen.add(submission, document, sha256="x")).body["code"] == "invalid"
    assert (await citizen.add(submission, document, sha256=right.upper())).status == 201


async def test_u67_a_pause_shorter_than_the_limit_is_borne_and_a_longer_one_is_not(
    uploads_database: Database, documents_servers: Stack, buckets: Buckets
) -> None:
    async with uploads_house(uploads_database, documents_servers, buckets, idle_seconds=1.0) as house:
        citizen = await house.citizen()
        for pause, status in ((0.5, 201), (2.0, 408)):
            submission = await citizen.begin()
            body, kind = parts((FILE, pdf()))

            async def slowly(body: bytes = body, pause: float = pause) -> AsyncIterator[bytes]:
                yield body[:200]
                await asyncio.sleep(pause)
                yield body[200:]

            got = await citizen.ask("POST", f"/v1/submissions/{submission}/files", data=slowly(), headers=kind)
            assert got.status == status
            assert len((await citizen.show(submission))["files"]) == (status == 201)
        assert await house.rows("select * from arrival") == []


async def test_words_that_do_not_come_are_given_up(
    uploads_database: Database, documents_servers: Stack, buckets: Buckets
) -> None:
    async with uploads_house(uploads_database, documents_servers, buckets, idle_seconds=0.5) as house:
        citizen = await house.citizen()

        async def drop_by_drop() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.1)

        async with asyncio.timeout(10):
            got = await citizen.ask(
                "POST", "/v1/submissions", data=drop_by_drop(), headers={"content-type": "application/json"}
            )
        assert (got.status, got.body["code"]) == (408, "too-slow")


async def test_u68_a_citizen_has_so_many_uploads_at_once_and_others_are_not_held_up(
    uploads_database: Database, documents_servers: Stack, buckets: Buckets
) -> None:
    async with uploads_house(uploads_database, documents_servers, buckets, files_at_once=2) as house:
        citizen, other = await house.citizen(), await house.citizen()
        go_on = asyncio.Event()
        body, kind = parts((FILE, pdf()))

        async def held() -> AsyncIterator[bytes]:
            yield body[:100]
            await go_on.wait()
            yield body[100:]

        submissions = [await citizen.begin() for _ in range(3)]
        holding = [
            asyncio.create_task(citizen.ask("POST", f"/v1/submissions/{one}/files", data=held(), headers=dict(kind)))
            for one in submissions[:2]
        ]
        while len(await house.rows("select * from arrival")) < 2:
            await asyncio.sleep(0.02)
        shown = await citizen.show(submissions[0])
        assert shown["receiving"][0]["received_bytes"] >= 0
        assert (await citizen.add(submissions[2], pdf())).status == 429
        assert (await other.add(await other.begin(), pdf())).status == 201
        go_on.set()
        assert [one.status for one in await asyncio.gather(*holding)] == [201, 201]


async def test_u74_the_eleventh_file_and_more_bytes_than_a_day_has_are_refused(
    uploads_database: Database, documents_servers: Stack, buckets: Buckets
) -> None:
    size = len(pdf())
    limits = Limits(files=3, day_bytes=4 * size)
    async with uploads_house(uploads_database, documents_servers, buckets, limits=limits) as house:
        citizen = await house.citizen()
        submission = await citizen.begin()
        document = pdf()
        for _ in range(3):
            assert (await citizen.add(submission, document)).status == 201
        assert (await citizen.add(submission, document)).body["code"] == "quota"
        second = await citizen.begin()
        assert (await citizen.add(second, document)).status == 201  # exactly met
        assert (await citizen.add(second, document)).body["code"] == "quota"


async def test_u72_what_is_taken_out_or_back_meanwhile_leaves_nothing(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin()
    file_id = (await citizen.add(submission, pdf())).body["file_id"]
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    assert (await citizen.add(submission, pdf())).body["code"] == "not-open"
    assert (await citizen.send(submission)).body["code"] == "not-open"
    assert (await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")).status == 404
    [job] = await house.rows("select payload from job where queue = 'erase'")
    assert job["payload"].decode() == f"{citizen.absence_id}/{file_id}/ {submission}"
    other = await citizen.begin()
    assert (await citizen.ask("DELETE", f"/v1/submissions/{other}/files/{file_id}")).status == 404
    assert (await citizen.send(other)).body["code"] == "no-files"


NAMES = (
    ("plain.pdf", "plain.pdf"),
    ("æøå ÆØÅ.pdf", "æøå ÆØÅ.pdf"),
    ('quote".pdf', 'quote".pdf'),
    ("../../etc/passwd.pdf", "passwd.pdf"),
    ("C:\\temp\\x.pdf", "x.pdf"),
    ("a\u202efdp.pdf", "afdp.pdf"),
    ("<img src=x onerror=alert(1)>.pdf", "<img src=x onerror=alert(1)>.pdf"),
    ("$(id);rm -rf `x`.pdf", "$(id);rm -rf `x`.pdf"),
    ("📄🩺.pdf", "📄🩺.pdf"),
    ("a" * 250 + ".pdf", "a" * 196 + ".pdf"),
)


@pytest.mark.parametrize(("told", "shown"), NAMES, ids=[str(nth) for nth in range(len(NAMES))])
async def test_u77_names_come_back_safely_and_in_no_key(house: House, citizen: Citizen, told: str, shown: str) -> None:
    submission = await citizen.begin()
    added = await citizen.add(submission, pdf(), name=told)
    assert (added.status, added.body.get("name")) == (201, shown)
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{added.body['file_id']}/content")
    disposition = got.headers["content-disposition"]
    assert disposition.isascii()
    assert disposition.count('"') == 2
    assert "\n" not in disposition
    assert "\r" not in disposition
    [key] = house.objects(house.buckets.clean, citizen.absence_id)
    assert set(key) <= set("0123456789abcdef-/")
    [row] = await house.rows("select name from file")
    assert shown not in row["name"]


async def test_a_proxy_acts_and_is_on_record(house: House, citizen: Citizen) -> None:
    citizen.actor_id = uuid4()
    submission = await citizen.begin()
    await citizen.add(submission, pdf())
    await citizen.send(submission)
    actors = {row["actor"] for row in await house.rows("select actor from audit_entry")}
    assert actors == {f"proxy:{citizen.actor_id}"}


async def test_a_token_for_another_service_or_of_another_portal_or_too_old_opens_nothing(citizen: Citizen) -> None:
    long_ago = Issuer.from_seed(b"a seed of thirty-two bytes, ours", now=lambda: datetime.now(UTC).timestamp() - 900)
    for token in (
        ISSUER.token(citizen.citizen_id, audience="tasks"),
        Issuer.from_seed(b"x" * 32).token(citizen.citizen_id, audience="uploads"),
        long_ago.token(citizen.citizen_id, audience="uploads"),
        ISSUER.token(citizen.citizen_id, audience="uploads", seconds=3600),
        "",
    ):
        got = await citizen.ask("GET", "/v1/submissions", headers={"authorization": f"Bearer {token}"})
        assert got.status == 401
