"""The run-time role has what it needs and nothing else."""

import asyncpg

from tests.integration.citizens.running import Vault

FORBIDDEN = [
    "delete from citizen",
    "truncate citizen",
    "update citizen set citizen_id = gen_random_uuid()",
    "update citizen set created_at = created_at",
    "delete from month_key",
    "truncate month_key",
    "update month_key set key_id = key_id",
    "update month_key set ends_at = ends_at",
    "update erasure set lookup = lookup",
    "truncate erasure",
    "update outside_key set key_id = key_id",
    "update outside_key set since = since",
    "truncate card_candidate",
    "update card_candidate set sealed_card = sealed_card",
    "update card_candidate set said_at = said_at",
    "alter table citizen disable trigger destroyed_is_final",
    "alter table citizen drop constraint whole_or_destroyed",
    "drop table citizen",
    "create table more (id integer)",
    "update alembic_version set version_num = ''",
    "create function f() returns integer language sql as 'select 1'",
    "update audit_entry set actor = actor",
    "delete from audit_entry",
    "truncate audit_entry",
    "update audit_chain set hash = hash",
    "delete from audit_chain",
    "set role citizens_owner",
    "copy citizen to program 'cat'",
]


async def test_the_run_time_role_may_do_nothing_else(vault: Vault) -> None:
    allowed = []
    for statement in FORBIDDEN:
        async with vault.database.acquire() as connection:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
        allowed.append(statement)
    assert allowed == []


async def test_another_services_role_may_not_even_connect(vault: Vault) -> None:
    owner = await vault.owner()
    granted = await owner.fetch(
        "select rolname from pg_roles where not rolsuper and has_database_privilege(rolname, current_database(), 'connect') "
        "and not pg_has_role(rolname, 'pg_read_all_data', 'usage')"
    )
    await owner.close()
    assert {row["rolname"] for row in granted} <= {"citizens", "citizens_owner"}
