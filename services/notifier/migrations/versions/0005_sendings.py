"""Letters go by a channel that is chosen, and by another when one failed; what the register said, and too many at once, is kept.

A row of `letter` holds the sending under way; `gateway_id` takes the place of `message_uuid`, since a paper letter's id need be
no UUID. The notifier that knew the old column has to be stopped first: requests wait in Kafka meanwhile, the gateway pushes
again.
"""

from plumbing.postgres import migrations

revision = "0005"
down_revision = "0004"

SQL = """
alter table letter add column sending integer not null default 1 check (sending > 0);
alter table letter add column channel text check (channel in ('digital_post', 'paper'));
alter table letter add column gateway_id text unique;
alter table letter add column may_be_taken boolean not null default false;
alter table letter add column proof_channel text check (proof_channel in ('digital_post', 'paper'));
alter table letter add column template text not null default 'report';
alter table letter alter column template drop default;
update letter set gateway_id = message_uuid::text;
update letter set channel = 'digital_post' where state <> 'requested';
update letter set proof_channel = 'digital_post' where dispatched_at is not null;
alter table letter drop column message_uuid;
alter table letter drop constraint letter_state_check;
alter table letter add constraint letter_state_check check (state in
    ('held', 'requested', 'prepared', 'in_doubt', 'handed_over', 'unknown', 'dispatched', 'returned', 'failed'));
alter table letter drop constraint letter_check;
alter table letter drop constraint letter_check1;
alter table letter add constraint letter_proven check ((state in ('dispatched', 'returned')) = (dispatched_at is not null));
alter table letter add constraint letter_proof_whole check
    (num_nulls(transmission_id, status_code, dispatched_at, proof_channel) in (0, 4));
drop index letter_open;
create index letter_open on letter (state, awaiting_since) where state not in ('dispatched', 'returned', 'failed');

-- Sendings that definitively failed. Of one that arrived after all, the proof is added; nothing else ever changes.
create table letter_past_sending (
    letter_id uuid not null,
    version integer not null,
    sending integer not null check (sending > 0),
    channel text not null check (channel in ('digital_post', 'paper')),
    gateway_id text not null unique,
    code text not null,
    ended_at timestamptz not null default clock_timestamp(),
    transmission_id text,
    status_code text,
    dispatched_at timestamptz,
    primary key (letter_id, version, sending),
    foreign key (letter_id, version) references letter,
    check (num_nulls(transmission_id, status_code, dispatched_at) in (0, 3))
);

alter table letter_request add column sending integer not null default 1;
alter table letter_request drop constraint letter_request_pkey;
alter table letter_request add primary key (letter_id, version, sending);

-- What the gateway's register said before a letter's first sending.
create table letter_lookup (
    letter_id uuid not null,
    version integer not null,
    registered boolean not null,
    looked_up_at timestamptz not null default clock_timestamp(),
    primary key (letter_id, version),
    foreign key (letter_id, version) references letter
);

-- The guard: letters asked for, by the hour, and gates that are shut. '*' is the whole country.
create table letter_pace (
    municipality_code text not null,
    template text not null,
    hour timestamptz not null,
    number integer not null,
    primary key (municipality_code, template, hour)
) with (fillfactor = 50);
create table letter_gate (
    municipality_code text not null,
    template text not null,
    shut_by text not null,
    reason text not null,
    shut_at timestamptz not null default clock_timestamp(),
    primary key (municipality_code, template)
);
create index letter_held on letter (template, municipality_code, taken_in_at) where state = 'held';

grant select, insert on letter_lookup to {role};
grant select, insert on letter_past_sending to {role};
grant update (transmission_id, status_code, dispatched_at) on letter_past_sending to {role};
grant select, insert, update, delete on letter_pace, letter_gate to {role};
"""


def upgrade() -> None:
    migrations.apply(SQL)
