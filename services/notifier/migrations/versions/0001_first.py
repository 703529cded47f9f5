"""Letters, the bytes that were fixed for them, and every status that was told of them."""

from plumbing import audit, dead_letters, inbox, jobs, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None

SQL = """
create table letter (
    letter_id uuid not null,
    version integer not null check (version > 0),
    message_uuid uuid not null unique,
    absence_id uuid not null,
    citizen_id uuid not null,
    municipality_code text not null,
    planned_day date not null,
    planned_deadline_day date not null,
    task_ids uuid[] not null,
    kinds text[] not null,
    requested_at timestamptz not null,
    digest bytea not null,
    state text not null check (state in
        ('requested', 'prepared', 'in_doubt', 'handed_over', 'unknown', 'dispatched', 'failed')),
    repeats_recognised boolean,
    awaiting_since timestamptz,
    transmission_id text,
    status_code text,
    dispatched_at timestamptz,
    failure text,
    taken_in_at timestamptz not null default clock_timestamp(),
    primary key (letter_id, version),
    check ((state = 'dispatched') = (dispatched_at is not null)),
    check (num_nulls(transmission_id, status_code, dispatched_at) in (0, 3)),
    check ((state = 'failed') = (failure is not null))
) with (fillfactor = 80);
create index letter_open on letter (state, awaiting_since) where state not in ('dispatched', 'failed');
create index letter_of_absence on letter (absence_id);

-- The bytes of a letter, sealed under the citizen's key, and how they travel. The role may not change them: what is
-- sent again is what was sent first.
create table letter_request (
    letter_id uuid not null,
    version integer not null,
    channel text not null check (channel in ('digital_post', 'paper')),
    sealed bytea not null,
    prepared_at timestamptz not null default clock_timestamp(),
    primary key (letter_id, version),
    foreign key (letter_id, version) references letter
);
alter table letter_request alter column sealed set storage external;

-- Every status message, once, whether it moved a letter or not, or belongs to none.
create table letter_status (
    besked_id uuid primary key,
    message_uuid uuid not null,
    letter_id uuid,
    version integer,
    transmission_id text not null,
    status_code text not null,
    error_code text,
    at timestamptz not null,
    hearing text not null check (hearing in
        ('applied', 'repeated', 'late', 'contradiction', 'unknown_code', 'unmatched')),
    heard_at timestamptz not null default clock_timestamp(),
    foreign key (letter_id, version) references letter,
    check ((hearing = 'unmatched') = (letter_id is null))
);
create index letter_status_of_letter on letter_status (letter_id, version);
create index letter_status_to_look_at on letter_status (hearing, heard_at)
    where hearing in ('contradiction', 'unknown_code', 'unmatched');

grant select, insert, update on letter to {role};
grant select, insert on letter_request, letter_status to {role};
"""


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, jobs.SCHEMA, audit.SCHEMA, dead_letters.SCHEMA, SQL):
        migrations.apply(schema)
