"""By which key the notifications here are told apart: under another one nothing that is known is recognised.

A database that was filled before this takes the key of the first process that starts on it.
"""

from plumbing.postgres import migrations

revision = "0009"
down_revision = "0008"

SQL = """
create table fingerprint_key (
    is_the_one boolean primary key default true check (is_the_one),
    key_id text not null,
    since timestamptz not null
);
grant select, insert on fingerprint_key to {role};
"""


def upgrade() -> None:
    migrations.apply(SQL)
