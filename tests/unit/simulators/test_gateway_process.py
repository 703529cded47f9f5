"""The gateway as a process: the public library's own client works against it, and what it answered stands in its ledger,
also when it is killed in the middle."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import cast

import aiohttp
from python_serviceplatformen import digital_post
from python_serviceplatformen.authentication import KombitAccess
from python_serviceplatformen.models.message import Recipient, Sender, create_nemsms
from python_serviceplatformen.models.physical_mail import create_physical_mail

from services.notifier.post_status import read_status
from tests.unit.simulators.letters import CPR, message, request
from tests.unit.simulators.papers import LETTER
from tests.unit.simulators.servers import Receiver, ledger_of, serving


async def _start(path: Path, port: int, push_url: str, output: int | None = None) -> asyncio.subprocess.Process:
    told = {"PORT": str(port), "LEDGER_PATH": str(path), "STATUS_PUSH_URL": push_url, "PRINT_DAYS": "0"}
    environment = {**os.environ, **told}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.post_gateway", env=environment, stdout=output, stderr=output
    )
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/livez"):
                    return process
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def test_a_kill_loses_nothing_that_was_answered_and_every_status_still_comes(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    receiver, path = Receiver(), tmp_path / "ledger.sqlite"
    async with serving(receiver.app) as receiving, aiohttp.ClientSession() as session:
        process = await _start(path, unused_tcp_port, f"{receiving}/modtag")
        for _ in range(20):
            async with session.post(
                f"http://127.0.0.1:{unused_tcp_port}/service/KombiPostAfsend_1/memos", data=request(message())
            ) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert sqlite3.connect(path).execute("select count(*) from letter").fetchone() == (20,)
        process = await _start(path, unused_tcp_port, f"{receiving}/modtag")
        await receiver.wait_for(20)
        process.terminate()
        assert await process.wait() in {0, -signal.SIGTERM}
        assert len(set(receiver.bodies)) == 20


class _Access:
    """What the public library needs of a login."""

    def __init__(self, environment: str, certificate: Path) -> None:
        self.environment = environment
        self.cert_path = str(certificate)

    def get_access_token(self, _entity: str) -> str:
        return "Holder-of-key token"


async def test_the_public_librarys_own_client_works_against_it(tmp_path: Path, unused_tcp_port: int) -> None:
    certificate, output = tmp_path / "certificate.pem", tmp_path / "output"
    certificate.touch()
    receiver, address = Receiver(), f"http://127.0.0.1:{unused_tcp_port}"
    access = cast("KombitAccess", _Access(f"{address}/", certificate))
    sms = create_nemsms(
        "Påmindelse",
        "Du har opgaver, der skal løses på grund af dit fravær",
        Sender(senderID="55133018", idType="CVR", label="Aarhus Kommune"),
        Recipient(recipientID=CPR, idType="CPR", label="Åse Ægidius"),
    )
    letter, paper = message(label="Brev på dansk: æøå"), create_physical_mail(265, LETTER)
    with output.open("w") as written:
        async with serving(receiver.app) as receiving, aiohttp.ClientSession() as session:
            process = await _start(tmp_path / "l", unused_tcp_port, f"{receiving}/modtag", written.fileno())
            transactions = [
                await asyncio.to_thread(digital_post.send_message, "Digital Post", letter, access),
                await asyncio.to_thread(digital_post.send_message, "NemSMS", sms, access),
                await asyncio.to_thread(digital_post.send_physical_mail, paper, access),
            ]
            for service in ("digitalpost", "nemsms"):
                assert await asyncio.to_thread(digital_post.is_registered, CPR, service, access)
            exempt = {"number": CPR, "exempt": True}
            async with session.post(f"{address}/_sim/exemptions", json=exempt) as answer:
                assert answer.status == 200
            assert not await asyncio.to_thread(digital_post.is_registered, CPR, "digitalpost", access)
            async with session.post(f"{address}/_sim/mailboxes", data={"number": CPR}) as answer:
                mailbox = await answer.text()
            attempts = (await ledger_of(session, address))["attempts"]
            bodies = await receiver.wait_for(7)
            process.terminate()
            await process.wait()
    assert [(one["transaction_id"], one["outcome"]) for one in attempts] == [(one, "accepted") for one in transactions]
    told = [read_status(body) for body in bodies]
    assert {(one.gateway_id, one.status_code, one.error_code) for one in told if one.channel != "Fysisk Post"} == {
        (letter.messageHeader.messageUUID, "Afleveret Digital Post", None),
        (sms.messageHeader.messageUUID, "Afleveret Digital Post", None),
    }
    printed = [one for one in told if one.channel == "Fysisk Post"]
    assert {one.gateway_id for one in printed} == {paper.afsendelse_identifikator.value}
    assert "Modtaget Post Danmark" in {one.status_code for one in printed}
    assert "Brev på dansk: æøå" in mailbox
    assert "Påmindelse" in mailbox
    for secret in (CPR, "Påmindelse", "Åse", "Kirsten"):
        assert secret not in output.read_text()
