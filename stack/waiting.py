"""Runs a coroutine to its end from ordinary code, also where an event loop is already running in this thread.

The stack's calls are plain functions so that fixtures, commands and demos read alike; the few that speak to a server do so
in a loop of their own, in a thread of their own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return run_in_thread(lambda: asyncio.run(work))


def run_in_thread(work: Callable[[], Result]) -> Result:
    """For a plain function that starts an event loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()
