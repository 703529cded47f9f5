"""Notifications that had their effect, and the absences they opened."""

from plumbing import audit, dead_letters, inbox, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None

SQL = """
create table absence (
    absence_id uuid primary key,
    absence_reference uuid not null,
    repeat_key bytea not null unique,
    content bytea not null,
    citizen_id uuid not null,
    notification_id uuid not null,
    receipt_id uuid not null,
    first_absence_day date not null,
    sent_at timestamptz not null,
    accepted_at timestamptz not null
);
create table notification (
    notification_id uuid primary key,
    fingerprint bytea not null,
    original_id uuid not null,
    receipt_id uuid not null,
    absence_id uuid not null,
    received_at timestamptz not null
);
create index notification_of_absence on notification (absence_id);
grant select, insert on absence to {role};
grant select, insert, update, delete on notification to {role};
"""


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, audit.SCHEMA, dead_letters.SCHEMA, SQL):
        migrations.apply(schema)
