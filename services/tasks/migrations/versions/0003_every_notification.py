"""Absences by every kind of notification: what is told and since which event, tasks that are closed, events that wait.

Defaults are what holds for absences and tasks that the service wrote before, and writes while its older version still runs beside
this one: reported, by their first event, not closed. Pay, which it did not keep, stays null, and the rules know what that means.
"""

from plumbing.postgres import migrations

revision = "0003"
down_revision = "0002"

SQL = """
alter table absence
    add column state text not null default 'reported'
        check (state in ('awaited', 'preliminary', 'reported', 'withdrawn')),
    add column version integer not null default 1 check (version >= 0),
    add column told_version integer not null default 1 check (told_version between 0 and version),
    add column pay_kind text check (pay_kind in ('wage', 'sickness_benefit', 'nothing')),
    add column pay_until date check (pay_until is null or pay_kind is not null),
    add column fast_track_version integer not null default 0 check (fast_track_version between 0 and version),
    add column recovered_version integer not null default 0 check (recovered_version between 0 and version),
    add column recovered_day date check ((recovered_day is null) = (recovered_version = 0)),
    alter column citizen_kind drop not null,
    alter column municipality_code drop not null,
    alter column first_absence_day drop not null,
    alter column reported drop not null,
    add check ((told_version = 0) = (reported is null) and (told_version = 0) = (citizen_kind is null)),
    add check (state <> 'reported' or told_version > 0),
    add check (state = 'awaited' or (municipality_code is not null and first_absence_day is not null));

alter table task
    drop constraint task_state_check,
    add constraint task_state_check check (state in ('open', 'withdrawn', 'superseded')),
    add column closed_at timestamptz check ((closed_at is null) = (state = 'open')),
    add column notification_id uuid,
    add column about text not null default 'report' check (about in ('report', 'refund', 'fast_track'));

-- What reporters sent beside their reports and citizens are shown, sealed under the citizen's key.
create table notice (
    notification_id uuid primary key,
    absence_id uuid not null references absence,
    kind text not null check (kind in ('refund_requested', 'fast_track_requested')),
    version integer not null,
    sent_at timestamptz not null,
    reported text not null
);
create index notice_of_absence on notice (absence_id);

-- Events whose absence is not known yet, as they came; what is sealed in them stays sealed.
create table waiting (
    event_id text primary key,
    absence_id uuid not null references absence,
    version integer not null,
    type text not null,
    value bytea not null,
    waits_since timestamptz not null default clock_timestamp()
);
create index waiting_for_absence on waiting (absence_id);
create index waiting_longest on waiting (waits_since);

grant update on absence to {role};
grant select, insert on notice to {role};
grant select, insert, delete on waiting to {role};
"""


def upgrade() -> None:
    migrations.apply(SQL)
