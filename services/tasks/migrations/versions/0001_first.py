"""Absences, their tasks and the letters about them."""

from plumbing import audit, dead_letters, inbox, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None

SQL = """
create table absence (
    absence_id uuid primary key,
    citizen_id uuid not null,
    citizen_kind text not null check (citizen_kind in ('employee', 'unemployed', 'self_employed')),
    municipality_code text not null,
    first_absence_day date not null,
    last_absence_day date,
    reported text not null,
    opened_at timestamptz not null
);
create index absence_of_citizen on absence (citizen_id);
create table letter (
    letter_id uuid primary key,
    version integer not null,
    absence_id uuid not null references absence,
    citizen_id uuid not null,
    cause_id text not null,
    planned_deadline_day date not null,
    state text not null check (state in ('requested', 'dispatched', 'failed')),
    day_zero date,
    deadline_day date,
    requested_at timestamptz not null,
    check ((deadline_day is null) = (day_zero is null)),
    check (state <> 'dispatched' or deadline_day is not null)
);
create table task (
    task_id uuid primary key,
    absence_id uuid not null references absence,
    citizen_id uuid not null,
    kind text not null check (kind in ('comment_reported_information', 'benefit_request', 'information_form',
        'fast_track_consent', 'supplementary_information', 'party_hearing', 'relocation_consent')),
    letter_id uuid not null references letter,
    order_in_letter smallint not null,
    state text not null check (state in ('open')),
    opened_at timestamptz not null,
    day_zero date,
    deadline_day date,
    deadline_at timestamptz,
    check (num_nulls(day_zero, deadline_day, deadline_at) in (0, 3))
);
create index task_of_letter on task (letter_id);
create index task_of_absence on task (absence_id);
grant select, insert on absence to {role};
grant select, insert, update on letter, task to {role};
"""


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, audit.SCHEMA, dead_letters.SCHEMA, SQL):
        migrations.apply(schema)
