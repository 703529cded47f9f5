"""Two lookup keys at a time, card candidates, and who saw what by subject."""

from plumbing.postgres import migrations

revision = "0002"
down_revision = "0001"

SQL = """
-- Which lookup key a row is found under. Until now there was one key for all rows: as a constant default it is put in place
-- without writing a row anew, and stays for the processes of the version before, which don't name the column.
do $$
declare
    only_key text := (select key_id from outside_key where purpose = 'lookup');
begin
    execute format('alter table citizen add column lookup_key_id text default %L', only_key);
    execute format('alter table erasure add column lookup_key_id text default %L', only_key);
end
$$;
alter table citizen add constraint lookup_has_its_key check (lookup is null or lookup_key_id is not null);
alter table erasure alter column lookup_key_id set not null;

-- A lookup key is current where people made known from now on are found under it: one at a time, whatever each replica was
-- told to prefer. For master keys the column says nothing.
drop index one_lookup_key;
alter table outside_key add column is_current boolean not null default true;
create unique index one_current_lookup_key on outside_key (purpose) where purpose = 'lookup' and is_current;

-- What was said about a person in a message of which nobody knows yet whether it is accepted.
create table card_candidate (
    citizen_id uuid not null references citizen,
    candidate_id uuid not null,
    said_at timestamptz not null,
    sealed_card bytea not null,
    kept_at timestamptz not null,
    primary key (citizen_id, candidate_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
create index card_candidate_by_age on card_candidate (kept_at);

-- Who saw a person's data?
create index audit_entry_by_subject on audit_entry (subject, id) where subject is not null;

revoke all on card_candidate from public, {role};
grant select, insert, delete, update (kept_at) on card_candidate to {role};
grant update (lookup_key_id) on citizen to {role};
grant update (is_current) on outside_key to {role};
"""


def upgrade() -> None:
    migrations.apply(SQL)
