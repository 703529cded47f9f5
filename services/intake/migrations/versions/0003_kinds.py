"""Every kind of notification: absences that are awaited, preliminary, amended, recovered, withdrawn; what waits for them."""

from plumbing.postgres import migrations

revision = "0003"
down_revision = "0002"

SQL = """
alter table absence
    add column state text not null default 'reported' check (state in ('awaited', 'preliminary', 'reported', 'withdrawn')),
    add column reporter bytea,
    add column report_content bytea,
    add column last_absence_day date,
    add column told_id uuid,
    add column fast_track_sent_at timestamptz,
    add column fast_track_id uuid,
    add column recovered_day date,
    add column recovery_sent_at timestamptz,
    add column recovery_id uuid,
    add column withdrawn_by uuid,
    add column version bigint not null default 1;
alter table absence rename column sent_at to told_sent_at;
update absence set report_content = content, told_id = notification_id;
alter table absence
    alter column state drop default,
    alter column version drop default,
    alter column repeat_key drop not null,
    alter column content drop not null,
    alter column citizen_id drop not null,
    alter column notification_id drop not null,
    alter column receipt_id drop not null,
    alter column first_absence_day drop not null,
    alter column told_sent_at drop not null,
    add check (state = 'awaited' or num_nulls(citizen_id, notification_id, receipt_id, first_absence_day) = 0),
    add check (state <> 'reported' or num_nulls(content, report_content, told_sent_at, told_id) = 0),
    add check ((state = 'withdrawn') = (withdrawn_by is not null)),
    add check (num_nulls(recovered_day, recovery_sent_at, recovery_id) in (0, 3)),
    add check (num_nulls(fast_track_sent_at, fast_track_id) in (0, 2));
create table refund (
    absence_id uuid not null references absence,
    content bytea not null,
    notification_id uuid not null,
    primary key (absence_id, content)
);
create table waiting (
    notification_id uuid primary key,
    absence_id uuid not null references absence,
    citizen_id uuid not null,
    kind text not null,
    sent_at timestamptz not null,
    sealed bytea not null,
    waits_since timestamptz not null,
    card_candidate uuid,
    refused text
);
create index waiting_for_absence on waiting (absence_id);
create index waiting_since on waiting (waits_since);
create index waiting_refused on waiting (waits_since) where refused is not null;
create table card (
    citizen_id uuid not null,
    candidate uuid not null,
    primary key (citizen_id, candidate)
);
grant update on absence to {role};
grant select, insert, delete on card to {role};
grant select, insert, update, delete on refund, waiting to {role};
"""


def upgrade() -> None:
    migrations.apply(SQL)
