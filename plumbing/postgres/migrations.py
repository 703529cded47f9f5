"""Migrations: plain SQL under alembic, applied by a job (`python -m services.<name> migrate`), never by each replica at start.

A service's `migrations/env.py` calls `run()`; its versions call `apply(sql)`. `{role}` in the SQL is the run-time
role, which gets only what the migration grants it: the owner's role is used nowhere but here.
"""

import asyncio
from importlib import resources
from urllib.parse import urlsplit

import asyncpg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only

_ONE_AT_A_TIME = 7_146_304  # an advisory lock of this database


def upgrade(package: str, owner_dsn: str, *, role: str) -> None:
    """Bring the database of `package` (e.g. `services.intake.migrations`) to the newest version, in one transaction."""
    config = _config(package)
    config.attributes["dsn"] = owner_dsn
    config.attributes["role"] = role
    command.upgrade(config, "head")


def role_of(dsn: str) -> str:
    """The role a run-time address logs in as; raises ValueError when it names none."""
    try:
        role = urlsplit(dsn).username
    except ValueError:  # its text may quote the address
        role = None
    if not role or not role.replace("_", "").isalnum():
        raise ValueError("DATABASE_URL must name the run-time role as its user")
    return role


def run() -> None:
    """What a service's `env.py` does: one transaction around all the versions that are missing."""
    asyncio.run(_run(context.config.attributes["dsn"]))


def apply(sql: str) -> None:
    """Execute `sql`, several statements if need be, with `{role}` replaced by the run-time role."""
    bind = op.get_bind()
    bind.exec_driver_sql("select 1")  # makes sure that the adapter's transaction has begun
    driver = bind.connection.driver_connection
    assert driver is not None
    # The driver itself: a prepared statement, which SQLAlchemy would use, holds a single command.
    await_only(driver.execute(sql.replace("{role}", context.config.attributes["role"])))


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(package)))
    return config


async def _run(dsn: str) -> None:
    # the driver reads the address itself, as it does at run time, options like sslmode included
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=pool.NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


def _migrate(connection: Connection) -> None:
    # Two jobs at once: the second waits, and finds nothing left to do.
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    # A migration waits for a lock at most this long: a service that works is worth more than a migration that is early.
    connection.exec_driver_sql("set lock_timeout = '10s'")
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    role = context.config.attributes["role"]  # it came through `role_of`, or from a test
    connection.exec_driver_sql(f'grant select on alembic_version to "{role}"')


__all__ = ["apply", "role_of", "run", "upgrade"]
