"""Which version of its schema a database stands at.

The versions of a service are numbered files, `migrations/versions/0001_first.py` and on, whose revision is the number:
so a running service knows the newest without loading the machinery of migrations, which would cost each replica 30 MB.
"""

from importlib import resources

from plumbing.postgres.database import Database


def head(package: str) -> str:
    """The newest version in `package` (e.g. `services.intake.migrations`)."""
    files = resources.files(package).joinpath("versions").iterdir()
    return max(file.name.split("_", 1)[0] for file in files if file.name[:4].isdigit())


async def is_at_head(package: str, database: Database) -> bool:
    """Whether the database stands at the version this code was written for, or at a newer one that it can live with."""
    async with database.acquire() as connection:
        if not await connection.fetchval("select to_regclass('alembic_version') is not null"):
            return False
        version = await connection.fetchval("select version_num from alembic_version")
    return version is not None and str(version) >= head(package)
