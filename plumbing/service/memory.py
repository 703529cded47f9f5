"""How a service process lets Python collect garbage.

Left to itself the cyclic collector runs after so many allocations, whatever they are: at full load it walked each batch's
objects again and again, a third of the intake stage's CPU time when it was profiled. With a high threshold alone it hardly
ran at all, and whatever is in a cycle stayed. So it runs by the clock: what is there once a service has started is frozen out
of its sight, and every ten seconds it looks at the rest: what is in work just then, some 50 000 objects, 15 to 50 ms. What is
not in a cycle is freed at once, as ever; worked batches, statuses and letters leave none.

The C library keeps what was freed between blocks that are still in use, and large buffers come and go all the time: now and
then it is told to give that back. What lies free at the end it gives back at once, and takes again: whoever works with large
buffers all the time has it kept until then.
"""

import asyncio
import ctypes
import gc
from collections.abc import Callable

# Never reached between two looks, unless something goes very wrong.
_ALLOCATIONS = 1_000_000
EVERY_SECONDS = 10.0
_TRIM_EVERY = 3
# malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def settle() -> None:
    """Call once everything that stays is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 10, 10)


def keep_freed(size: int) -> None:
    """From now on up to `size` freed bytes stay with the process until the next `tidy`, buffers up to that size among them."""
    set_option: Callable[[int, int], object] | None = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:  # glibc's
        set_option(_M_MMAP_THRESHOLD, size)
        set_option(_M_TRIM_THRESHOLD, size)


async def tidy() -> None:
    """Collect by the clock, until cancelled."""
    trim = _trim()
    rounds = 0
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        gc.collect()
        rounds += 1
        if rounds % _TRIM_EVERY == 0:
            trim(0)


def _trim() -> Callable[[int], object]:
    """glibc's `malloc_trim`; nothing where the C library is another."""
    found: Callable[[int], object] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found if found is not None else lambda _keep: None
