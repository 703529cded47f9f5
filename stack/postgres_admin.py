"""What the stack asks of PostgreSQL: is it there, and make a database with its two roles.

Invariants: one database per service; the owner's role is for migrations, the run-time role has only what they grant; nobody
else may connect. A role's password follows from the administrator's, so that any number of commands and test runs that share a
server agree on it without a file.
"""

import asyncio
import hashlib
import hmac
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from stack.addresses import DatabaseAddresses
from stack.ports import is_answering
from stack.waiting import run

_ROLES_LOCK = 7_146_303  # advisory: roles belong to the whole server, and test runs may share it


def is_server_ready(admin_dsn: str) -> bool:
    address = urlsplit(admin_dsn)
    return is_answering(address.hostname or "127.0.0.1", address.port or 5432) and run(_answers(admin_dsn))


def create_database(
    admin_dsn: str, service: str, *, suffix: str = "", template: str | None = None
) -> DatabaseAddresses:
    """An empty database `mitsyg_<service><suffix>` (or a copy of `template`) with roles `<service>` and `<service>_owner`.

    A database that is already there is left as it is.
    """
    addresses = describe(admin_dsn, service, suffix=suffix)
    run(_create(admin_dsn, addresses, template))
    return addresses


def drop_database(admin_dsn: str, name: str) -> None:
    run(_drop(admin_dsn, name))


def checkpoint(admin_dsn: str) -> None:
    run(_checkpoint(admin_dsn))


def describe(admin_dsn: str, service: str, *, suffix: str = "") -> DatabaseAddresses:
    """The addresses a service's database has, whether or not it is there yet."""
    name, role, owner = f"mitsyg_{service}{suffix}", service, f"{service}_owner"
    return DatabaseAddresses(
        name=name,
        role=role,
        owner=owner,
        runtime_dsn=_dsn(admin_dsn, role, name),
        owner_dsn=_dsn(admin_dsn, owner, name),
    )


def _dsn(admin_dsn: str, role: str, database: str) -> str:
    address = urlsplit(admin_dsn)
    host = f"{address.hostname or '127.0.0.1'}:{address.port or 5432}"
    return urlunsplit(("postgresql", f"{role}:{quote(_password(admin_dsn, role))}@{host}", f"/{database}", "", ""))


def _password(admin_dsn: str, role: str) -> str:
    secret = unquote(urlsplit(admin_dsn).password or admin_dsn)
    return hmac.digest(secret.encode(), f"role {role}".encode(), hashlib.sha256).hex()


async def _answers(admin_dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(admin_dsn, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return False
    await connection.close()
    return True


async def _create(admin_dsn: str, wanted: DatabaseAddresses, template: str | None) -> None:
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _ROLES_LOCK)
            for role in (wanted.owner, wanted.role):
                await _ensure_role(connection, role, _password(admin_dsn, role))
        if await connection.fetchval("select exists (select from pg_database where datname = $1)", wanted.name):
            return
        source = f'template "{template}"' if template else ""
        await _repeat_while_in_use(connection, f'create database "{wanted.name}" owner "{wanted.owner}" {source}')
        await connection.execute(f'revoke all on database "{wanted.name}" from public')
        await connection.execute(f'grant connect, temporary on database "{wanted.name}" to "{wanted.role}"')
    finally:
        await connection.close()


async def _ensure_role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, password: str) -> None:
    held = await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role)
    verb = "alter" if held else "create"
    await connection.execute(f"{verb} role \"{role}\" login nosuperuser nocreatedb nocreaterole password '{password}'")


async def _repeat_while_in_use(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> None:
    """A template cannot be copied while another copy of it is being made or a connection to it is still closing."""
    async with asyncio.timeout(30):
        while True:
            try:
                await connection.execute(statement)
            except asyncpg.ObjectInUseError:
                await asyncio.sleep(0.05)
            else:
                return


async def _checkpoint(admin_dsn: str) -> None:
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await connection.execute("checkpoint", timeout=120)
    finally:
        await connection.close()


async def _drop(admin_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()
