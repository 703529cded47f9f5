"""Reports that repeat an absence under another reference, kept behind it should it give way."""

from plumbing.postgres import migrations

revision = "0006"
down_revision = "0005"

SQL = """
alter table waiting add column repeat_key bytea;
create index waiting_behind on waiting (repeat_key) where repeat_key is not null;
create unique index waiting_report on waiting (absence_id) where repeat_key is not null;
"""


def upgrade() -> None:
    migrations.apply(SQL)
