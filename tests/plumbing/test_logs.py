"""Logs: one JSON object a line, no CPR number anywhere, no exception's message, and never in the way of the work."""

import json
import os
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest

from stack.paths import ROOT

CPR = "6101900001"

PRELUDE = """
import asyncio, logging, sys
from uuid import UUID
import structlog
from plumbing.telemetry import logs
logs.configure("intake", "INFO")
log = structlog.get_logger("services.intake")
lib = logging.getLogger("somelib")
CPR = "6101900001"
"""


def lines_of(program: str) -> list[dict[str, Any]]:
    """What a process that runs this program logs; everything on its standard output is a JSON object."""
    outcome = run(program)
    assert outcome.stderr == ""
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-c", PRELUDE + textwrap.dedent(program)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_line_is_one_json_object_with_time_level_service_and_fields() -> None:
    (line,) = lines_of(r'log.info("took in\na batch", records=3, names=["æ", "b"])')

    assert line["event"] == "took in\na batch"
    assert (line["level"], line["service"], line["records"], line["names"]) == ("info", "intake", 3, ["æ", "b"])
    assert line["timestamp"].endswith("Z")


def test_a_level_below_the_setting_is_not_written() -> None:
    assert lines_of('log.debug("not this"); lib.info("nor this")') == []


@pytest.mark.parametrize(
    "call",
    [
        'log.info(f"report about {CPR}")',
        'log.info(f"report about {CPR[:6]}-{CPR[6:]}")',
        'log.info(f"report about {CPR[:6]} {CPR[6:]}")',
        'log.info(f"æ{CPR}ø")',
        'log.info("x", person=CPR)',
        'log.info("x", person=int(CPR))',
        'log.info("x", people=[CPR, {"deep": (CPR, {CPR})}])',
        'log.info("x", by={CPR: 1})',
        'log.info("x", by={int(CPR): 1})',
        'log.info("x", **{CPR: 1})',
        'log.info("x", _person=CPR)',
        'log.info("x", raw=CPR.encode())',
        'log.info("x", error=ValueError(CPR))',
        'log.info("x", error=[ValueError(CPR)])',
        'log.info("x %s", CPR)',
        'log.bind(person=CPR).info("x")',
        'structlog.contextvars.bind_contextvars(person=CPR); log.info("x")',
        'lib.error("got %s", CPR)',
        'lib.error("got %(x)s", {"x": CPR})',
        'lib.error(f"got {CPR}")',
        "lib.error(ValueError(CPR))",
        'lib.error("x", extra={"person": CPR})',
        'logging.getLogger(CPR).error("x")',
        'lib.error({"person": CPR})',
    ],
)
def test_no_line_holds_a_cpr_number(call: str) -> None:
    outcome = run(call)
    written = outcome.stdout + outcome.stderr

    assert written.strip()
    assert CPR not in written.replace("-", "").replace(" ", "")


RAISE = 'raise ValueError("Kirsten has a broken leg")'


@pytest.mark.parametrize(
    "call",
    [
        'log.exception("x")',
        'log.error("x", exc_info=True)',
        'log.error("x", exc_info=error)',
        'log.error("x", error=error)',
        'lib.exception("x")',
        "lib.exception(error)",
        'lib.error("failed: %s", error)',
        'lib.error(f"{type(error).__name__}: {error}", exc_info=error)',
        'lib.critical(repr(error), exc_info=error)',
        'asyncio.new_event_loop().call_exception_handler({"message": "x", "exception": error})',
    ],
)  # fmt: skip
def test_an_exception_is_told_by_its_class_and_never_by_its_message(call: str) -> None:
    program = f"try:\n    {RAISE}\nexcept ValueError as error:\n    {call}"
    outcome = run(program)

    assert "Kirsten" not in outcome.stdout + outcome.stderr
    assert json.loads(outcome.stdout)


def test_where_an_exception_was_raised_is_told() -> None:
    (line,) = lines_of(f'try:\n    {RAISE}\nexcept ValueError:\n    log.exception("failed")')

    assert line["error"] == "ValueError"
    assert line["where"][-1].endswith(":<module>")


def test_an_exception_nobody_caught_is_told_likewise() -> None:
    outcome = run(RAISE)

    assert outcome.returncode == 1
    assert outcome.stderr == ""
    assert json.loads(outcome.stdout)["error"] == "ValueError"
    assert "Kirsten" not in outcome.stdout


def test_a_task_nobody_asked_about_is_told_likewise() -> None:
    outcome = run(f"""
        async def fail():
            {RAISE}

        async def main():
            asyncio.create_task(fail())
            await asyncio.sleep(0.05)

        asyncio.run(main())
        """)

    assert json.loads(outcome.stdout)["error"] == "ValueError"
    assert "Kirsten" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    "program",
    [
        f"class Odd:\n    def __del__(self):\n        {RAISE}\nOdd()",
        f"import threading\ndef fail():\n    {RAISE}\none = threading.Thread(target=fail)\none.start()\none.join()",
    ],
    ids=["while something is collected", "in a thread"],
)
def test_an_exception_that_nobody_can_be_told_of_is_told_likewise(program: str) -> None:
    (line,) = lines_of(program)

    assert (line["error"], line["level"]) == ("ValueError", "error")
    assert "Kirsten" not in str(line)


def test_a_warning_is_told_by_its_class_and_never_by_its_message() -> None:
    """pydantic warns of a value that it writes although it is none of its field's, and quotes it."""
    (line,) = lines_of("""
        import pydantic
        class Person(pydantic.BaseModel):
            name: str
        Person.model_construct(name=["Kirsten"]).model_dump_json()
        """)

    assert (line["warning"], line["level"]) == ("UserWarning", "warning")
    assert "Kirsten" not in str(line)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_callback_that_fails_is_told_without_what_it_was_called_with(loop: str) -> None:
    (line,) = lines_of(f"""
        import uvloop
        def fail(_told):
            {RAISE}

        async def main():
            asyncio.get_running_loop().call_soon(fail, "Kirsten Jensen")
            await asyncio.sleep(0.05)

        {loop}.run(main())
        """)

    assert line["error"] == "ValueError"
    assert line["event"].startswith("Exception in callback")
    assert "Kirsten" not in str(line)


def test_an_event_that_cannot_be_written_does_not_stop_the_work() -> None:
    lines = lines_of("""
        class Broken:
            def __str__(self):
                raise KeyError
        loop = []
        loop.append(loop)
        for value in (Broken(), loop, "\\ud800"):
            try:
                log.info("odd", value=value)
            except Exception:
                log.error("raised")
        lib.error("%d", "not a number")
        log.info("after")
        """)

    assert lines[-1]["event"] == "after"
    assert "raised" not in [line["event"] for line in lines]


def test_the_last_line_before_the_end_is_written() -> None:
    for _ in range(5):
        lines = lines_of('for nth in range(2000):\n    log.info("x", nth=nth)')
        assert [line["nth"] for line in lines] == list(range(2000))


BLOCKED = """
from plumbing.telemetry.metrics import LOG_LINES_DROPPED
for nth in range(30_000):
    log.info("x" * 100)
print(int(LOG_LINES_DROPPED._value.get()), file=sys.stderr, flush=True)
"""


def test_a_reader_that_stops_reading_stops_neither_the_work_nor_the_end() -> None:
    read_end, write_end = os.pipe()
    began = time.monotonic()
    process = subprocess.Popen(
        (sys.executable, "-c", PRELUDE + BLOCKED), cwd=ROOT, stdout=write_end, stderr=subprocess.PIPE, text=True
    )
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(write_end)
        os.close(read_end)

    assert int(said) > 15_000
    assert process.returncode == 0
    assert time.monotonic() - began < 50


def test_a_reader_that_went_away_stops_nothing() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.Popen(
        (sys.executable, "-c", PRELUDE + BLOCKED), cwd=ROOT, stdout=write_end, stderr=subprocess.PIPE, text=True
    )
    os.close(write_end)
    _, said = process.communicate(timeout=60)

    assert int(said) > 0
    assert process.returncode == 0


def test_what_is_collected_in_the_middle_of_a_line_may_log_too() -> None:
    """Python collects wherever something is allocated, in whatever thread that is, also while a line is handed over; and what
    aiokafka did not close complains then. With a queue whose lock is not to be taken twice, a service stood still for ever."""
    lines = lines_of("""
        import gc, time
        class Unclosed:
            def __init__(self):
                self.me = self
            def __del__(self):
                lib.error("Unclosed")
        gc.set_threshold(3)
        for _ in range(2_000):
            log.info("a line")
            Unclosed()
            time.sleep(0.0005)  # the next to allocate is the thread that writes
    """)
    assert {line["event"] for line in lines} == {"a line", "Unclosed"}
    assert sum(line["event"] == "a line" for line in lines) == 2_000
