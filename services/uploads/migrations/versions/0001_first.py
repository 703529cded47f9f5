"""Absences a citizen may send documents for, submissions with their files, verdicts, quotas."""

from plumbing import audit, dead_letters, inbox, jobs, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None

SQL = """
create table absence (
    absence_id uuid primary key,
    citizen_id uuid not null,
    is_withdrawn boolean not null
);
create index absence_of_citizen on absence (citizen_id);
create table submission (
    submission_id uuid primary key,
    citizen_id uuid not null,
    actor_id uuid,
    absence_id uuid not null,
    title text not null,
    reason text,
    state text not null check (state in ('open', 'waiting', 'sent', 'withdrawn')),
    request_digest bytea not null,
    begun_at timestamptz not null,
    sent_at timestamptz,
    check ((state in ('waiting', 'sent')) = (sent_at is not null) or state = 'withdrawn')
);
create index submission_of_citizen on submission (citizen_id, begun_at desc);
create index submission_open on submission (begun_at) where state = 'open';
create table file (
    file_id uuid primary key,
    submission_id uuid not null references submission,
    nth bigint generated always as identity,
    name text not null,
    state text not null check (state in ('pending', 'clean', 'recalled', 'infected', 'refused', 'unreadable')),
    code text,
    media_type text not null,
    size bigint not null check (size > 0),
    digest text not null,
    original_digest text not null,
    received_from timestamptz not null,
    received_at timestamptz not null,
    object_version text,
    engine text,
    signatures bigint,
    scanned_at timestamptz,
    is_removed boolean not null default false,
    check ((state in ('infected', 'refused', 'unreadable', 'recalled')) = (code is not null)),
    check (state <> 'clean' or engine is not null)
);
create index file_of_submission on file (submission_id, nth);
create index file_to_scan_again on file (scanned_at) where state = 'clean' and not is_removed;
-- What is coming in or being stored, written down first: what is left of it after a crash is found by this.
create table arrival (
    file_id uuid primary key,
    submission_id uuid not null references submission,
    citizen_id uuid not null,
    begun_at timestamptz not null default clock_timestamp()
);
create index arrival_of_submission on arrival (submission_id);
create table verdict (
    id bigint generated always as identity primary key,
    file_id uuid not null,
    digest text not null,
    outcome text not null,
    engine text,
    signatures bigint,
    name text,
    at timestamptz not null
);
create index verdict_of_file on verdict (file_id);
create table attempt (
    attempt_id uuid primary key,
    submission_id uuid not null references submission,
    at timestamptz not null,
    refused uuid[] not null
);
create index attempt_of_submission on attempt (submission_id, at);
create table quota (
    citizen_id uuid not null,
    day date not null,
    bytes bigint not null,
    primary key (citizen_id, day)
);
revoke all on verdict, attempt from public, {role};
grant select, insert on verdict, attempt to {role};
grant select, insert, update on absence, submission, file, quota to {role};
grant select, insert, delete on arrival to {role};
"""


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, audit.SCHEMA, dead_letters.SCHEMA, jobs.SCHEMA, SQL):
        migrations.apply(schema)
