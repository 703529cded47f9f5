"""Whatever a table was when a statement was prepared, its rows are found by their keys (decision 53): looked at in the general
plans of every service's statements, made while all tables are empty, as after a migration.

What this is about was there: how far letters are, written by one key of two, read the whole table once for each letter, and went
on doing so, since a connection keeps its plan.
"""

import contextlib
import importlib
import json
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import asyncpg
import pytest

from plumbing.postgres import Connection, Database
from stack import DatabaseAddresses, Stack
from tests.support.fixtures import DatabaseFactory

SERVICES: Final = {
    "citizens": ("plumbing.audit",),
    "intake": ("plumbing.audit", "plumbing.dead_letters", "plumbing.inbox", "plumbing.outbox"),
    "notifier": ("plumbing.audit", "plumbing.dead_letters", "plumbing.inbox", "plumbing.jobs", "plumbing.outbox"),
    "tasks": ("plumbing.audit", "plumbing.dead_letters", "plumbing.inbox", "plumbing.outbox"),
    "uploads": ("plumbing.audit", "plumbing.dead_letters", "plumbing.inbox", "plumbing.jobs", "plumbing.outbox"),
}
READS_WHOLE: Final = {
    # lists of what waits, or is being done just now
    "plumbing.audit.chain._WAITING": {"audit_unsealed_group"},
    "plumbing.audit.entries.WAITING": {"audit_unsealed_group"},
    "plumbing.audit.verification.WAITING": {"audit_unsealed_group"},
    "plumbing.jobs.store._DEPTH": {"job_pkey"},
    "plumbing.jobs.store._PARKED": {"job_pkey"},
    "plumbing.outbox.store._DEPTH": {"outbox_pkey", "outbox_parked_key_pkey"},
    "services.intake.store._HOW_MANY_WAIT": {"waiting"},
    "services.tasks.store._COUNT_WAITING": {"waiting_longest"},
    "services.uploads.store._STRAYS": {"arrival"},
    # in order, and what is passed over is little: of closed topics and parked keys, of the newest engine
    "plumbing.outbox.store._READ": {"outbox_pkey"},
    "services.uploads.store._TO_SCAN_AGAIN": {"file_to_scan_again"},
    # indexes that hold nothing else than what is asked for
    "services.notifier.store.gates._HELD_BY_NOBODY": {"letter_held"},
    "services.notifier.store.letters._IN_STATE[held]": {"letter_held"},
    "services.notifier.store.letters._IN_VAIN": {"letter_in_vain"},
    "services.notifier.store.letters._OPEN": {"letter_open"},
    "services.uploads.store._RECALLED": {"file_recalled"},
    "services.uploads.store._WAITING": {"file_pending"},
    # a row, or one for each month or shut gate
    "plumbing.outbox.store._DELETE": {"outbox_lease", "outbox_pkey"},
    "services.citizens.store.month_keys._DESTROY": {"month_key"},
    "services.citizens.store.month_keys._LOCK_NOT_UNDER": {"month_key", "month_key_pkey"},
    "services.notifier.store.gates._GATES": {"letter_gate", "letter_gate_pkey"},
    "services.notifier.store.letters._HELD": {"letter_gate_pkey"},
    "services.notifier.store.letters._HELD_IN_COUNTRY": {"letter_gate_pkey"},
    # one citizen's rows, few enough to look through
    "services.citizens.store.sightings._OF": {"audit_entry if null"},
    "services.uploads.store._LISTED": {"submission if null"},
    # commands: of the whole trail, when keys are changed, and of letters that went out, which nearly all did
    "plumbing.audit.verification._BLOCKS": {"audit_chain_pkey"},
    "plumbing.audit.verification._SEALED_TWICE": {"audit_chain"},
    "plumbing.audit.verification._UNSEALED": {
        "audit_chain",
        "audit_entry",
        "audit_entry_pkey",
        "audit_unsealed_group",
    },
    "services.citizens.store.outside_keys._RELEASE_MASTER_KEYS": {"citizen", "month_key"},
    "services.citizens.store.outside_keys._RELEASE_LOOKUP_KEYS": {"citizen", "erasure"},
    "services.notifier.store.letters._IN_STATE[dispatched]": {"letter"},
}
"""What statements may read whole, or by fewer keys where a parameter is null; whatever else they do is found."""
PIECES: Final = {
    "services.notifier.store.letters._COLUMNS",
    "services.uploads.store._FILES",
    "services.uploads.store._SUBMISSIONS",
}
"""What only others begin with."""

_STATEMENT: Final = re.compile(r"[\s(]*(select|insert|update|delete|with)\b")
_SCANS: Final = frozenset({"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"})
_WHOLE_FIRST: Final = frozenset({"Sort", "Aggregate"})
_OPTIONAL: Final = re.compile(r"\$\d+ IS (NOT )?NULL")
"""A condition that a parameter switches off: the one plan has to do for both, so no row is found by it."""
_OF_ANOTHER: Final = re.compile(r"[\w\"]\.\w")
"""In a condition columns of the table itself stand without its name, others with theirs."""


@contextlib.asynccontextmanager
async def closed(pool: Database) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await pool.close()


def modules(package: str) -> Iterator[ModuleType]:
    module = importlib.import_module(package)
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}."):
        yield importlib.import_module(found.name)


def statements(service: str) -> dict[str, str]:
    """By module and name: all that stand in these modules as constants, or in dicts of them, the pieces of others excepted."""
    packages = (f"services.{service}.store", *SERVICES[service])
    return {
        f"{module.__name__}.{name}": text
        for package in packages
        for module in modules(package)
        for name, text in texts(module)
        if _STATEMENT.match(text) and f"{module.__name__}.{name}" not in PIECES
    }


def texts(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in vars(module).items():
        found = {f"{name}[{key}]": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        yield from ((each, text) for each, text in found.items() if isinstance(text, str))


async def plan(connection: Connection, sql: str) -> dict[str, Any]:
    await connection.execute(f"prepare looked_at as {sql}")
    try:
        types = await connection.fetchval(
            "select parameter_types::text[] from pg_prepared_statements where name = 'looked_at'"
        )
        values = f"({', '.join(f'null::{kind}' for kind in types)})" if types else ""
        told = await connection.fetchval(f"explain (format json) execute looked_at{values}")
    finally:
        await connection.execute("deallocate looked_at")
    found: dict[str, Any] = json.loads(told)[0]["Plan"]
    return found


def parts(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from parts(part)


def _read(scan: dict[str, Any]) -> str:
    name: str = scan.get("Index Name") or scan["Relation Name"]
    return name


def read_whole(node: dict[str, Any], *, is_limited: bool = False) -> Iterator[str]:
    """Tables and indexes that are read by no key, or by none of the rows they are joined to; those that are looked through for a
    condition that may be switched off, marked so."""
    kind = node["Node Type"]
    # the first few of an index, in its order: unless they are sorted first, or most of it may not be what is asked for
    is_limited = kind == "Limit" or (is_limited and kind not in _WHOLE_FIRST)
    is_keyed = "Index Cond" in node or (is_limited and "Filter" not in node)
    if kind == "Seq Scan" or (kind in _SCANS and not is_keyed):
        yield _read(node)
    if _OPTIONAL.search(node.get("Filter", "")):
        yield f"{_read(node)} if null"
    if kind == "Nested Loop":
        scans = [one for one in parts(node["Plans"][1]) if one["Node Type"] in _SCANS]
        if scans and not any(_OF_ANOTHER.search(one.get("Index Cond", "")) for one in scans):
            yield _read(scans[0])
    for part in node.get("Plans", ()):
        yield from read_whole(part, is_limited=is_limited)


LISTS: Final = (
    "plumbing.audit.chain._TAKE",
    "plumbing.jobs.store._HOLD",
    "plumbing.jobs.store._FINISH",
    "plumbing.jobs.store._FINISH_HELD",
    "plumbing.outbox.store._READ",
    "plumbing.outbox.store._DELETE",
    "plumbing.outbox.store._DEPTH",
    "services.intake.store._CONFIRMED",
)
"""Statements about lists of what waits: empty most of the time, and so whenever an analyze looks at them."""


async def plans(addresses: DatabaseAddresses, sqls: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """As a service gets them."""
    pool = await Database.open(addresses.runtime_dsn, application_name="test", max_size=1)
    found = {}
    async with closed(pool), pool.acquire() as connection:
        # the plan that is looked at is the one that is used, not one of many for the values of the moment
        assert await connection.fetchval("show plan_cache_mode") == "force_generic_plan"
        for name, sql in sqls.items():
            with contextlib.suppress(asyncpg.InsufficientPrivilegeError):  # the owner's, of a migration
                found[name] = await plan(connection, sql)
    return found


def read_too_much(found: Mapping[str, dict[str, Any]]) -> dict[str, set[str]]:
    more = {name: set(read_whole(plan)) - READS_WHOLE.get(name, set()) for name, plan in found.items()}
    return {name: tables for name, tables in more.items() if tables}


@pytest.mark.parametrize("service", SERVICES)
async def test_rows_are_found_by_their_keys_however_empty_the_tables_were(
    database: DatabaseFactory, service: str
) -> None:
    found = await plans(database(service), statements(service))
    assert len(found) > 10
    assert read_too_much(found) == {}


@pytest.mark.parametrize("service", SERVICES)
async def test_lists_that_were_looked_at_while_they_were_empty_are_not_read_whole(
    stack: Stack, database: DatabaseFactory, service: str
) -> None:
    addresses = database(service)
    admin = await asyncpg.connect(f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{addresses.name}")
    await admin.execute(
        "update pg_class set relpages = 1, reltuples = 1 where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace"
    )
    await admin.close()
    lists = {name: sql for name, sql in statements(service).items() if name in LISTS}
    found = await plans(addresses, lists)
    assert found.keys() == lists.keys() != set()
    assert read_too_much(found) == {}


async def test_a_pass_over_stored_documents_goes_on_along_its_index_from_where_it_was(
    database: DatabaseFactory,
) -> None:
    name = "services.uploads.store._TO_SCAN_AGAIN"
    found = await plans(database("uploads"), {name: statements("uploads")[name]})
    nodes = list(parts(found[name]))
    [documents] = [one for one in nodes if one.get("Relation Name") == "file"]
    assert (documents["Index Name"], "scanned_at" in documents["Index Cond"]) == ("file_to_scan_again_in_order", True)
    assert [one["Node Type"] for one in nodes if "Sort" in one["Node Type"]] == []
