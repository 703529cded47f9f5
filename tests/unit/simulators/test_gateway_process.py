"""The gateway as a process: what it answered stands in its ledger, also when it is killed in the middle."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import aiohttp

from tests.unit.simulators.letters import message, request
from tests.unit.simulators.servers import Receiver, serving


async def _start(path: Path, port: int, push_url: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PORT": str(port), "LEDGER_PATH": str(path), "STATUS_PUSH_URL": push_url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "simulators.post_gateway", env=environment)
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
