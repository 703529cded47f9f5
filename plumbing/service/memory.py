"""How a service process lets Python collect garbage.

A batch of 500 messages makes some hundred thousand objects, none of them in cycles, and Python's collector, as it is
set by default, walks them and everything that was imported again and again: a third of the intake stage's CPU time
when it was profiled. What is there once a service has started is frozen out of its sight, and it looks less often;
what is not in a cycle is freed at once as ever.
"""

import gc

# A batch's objects several times over: cycles are rare here (exceptions, closed connections), so they may wait a little.
_YOUNG = 100_000


def settle() -> None:
    """Call once everything that stays is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
