"""Statuses that name a paper letter, or nothing, are kept too, with the channel and what befell the letter on its way."""

from plumbing.postgres import migrations

revision = "0004"
down_revision = "0003"

SQL = """
alter table letter_status alter column message_uuid drop not null;
alter table letter_status add column dispatch_id text;
alter table letter_status add column channel text;
alter table letter_status add column event_codes text[] not null default '{}';
alter table letter_status add column event_times timestamptz[] not null default '{}';
"""


def upgrade() -> None:
    migrations.apply(SQL)
