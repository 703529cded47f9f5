"""Citizens, erasures, month keys, and which keys outside the database they belong to."""

from plumbing import audit
from plumbing.postgres import migrations

revision = "0001"
down_revision = None

SQL = """
create table citizen (
    citizen_id uuid primary key,
    lookup bytea unique check (octet_length(lookup) = 32),
    master_key_id text,
    wrapped_key bytea,
    sealed_cpr bytea,
    sealed_card bytea,
    card_said_at timestamptz,
    created_at timestamptz not null,
    destroyed_at timestamptz,
    constraint whole_or_destroyed check (
        case when destroyed_at is null
            then num_nulls(lookup, master_key_id, wrapped_key, sealed_cpr) = 0
                 and (sealed_card is null) = (card_said_at is null)
            else num_nonnulls(lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at) = 0
        end
    )
) with (fillfactor = 85);

-- Destroyed is final, whatever the code above does.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a destroyed row cannot change' using errcode = 'integrity_constraint_violation';
end
$$;
create trigger destroyed_is_final before update on citizen
    for each row when (old.destroyed_at is not null) execute function refuse_change();

create table erasure (
    lookup bytea primary key check (octet_length(lookup) = 32),
    erased_at timestamptz not null
);

create table month_key (
    key_id text primary key,
    ends_at timestamptz not null,
    master_key_id text,
    wrapped_key bytea,
    created_at timestamptz not null,
    destroyed_at timestamptz,
    constraint whole_or_destroyed check (
        case when destroyed_at is null
            then num_nulls(master_key_id, wrapped_key) = 0
            else num_nonnulls(master_key_id, wrapped_key) = 0
        end
    )
);
create trigger destroyed_is_final before update on month_key
    for each row when (old.destroyed_at is not null) execute function refuse_change();

create table outside_key (
    purpose text not null check (purpose in ('lookup', 'master')),
    key_id text not null,
    since timestamptz not null,
    primary key (purpose, key_id)
);
create unique index one_lookup_key on outside_key (purpose) where purpose = 'lookup';

revoke all on citizen, erasure, month_key, outside_key from public, {role};
grant select, insert on citizen, month_key, erasure, outside_key to {role};
grant update (lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at, destroyed_at) on citizen to {role};
grant update (master_key_id, wrapped_key, destroyed_at) on month_key to {role};
grant update (erased_at), delete on erasure to {role};
grant delete on outside_key to {role};
"""


def upgrade() -> None:
    for schema in (audit.SCHEMA, SQL):
        migrations.apply(schema)
