#!/bin/bash
# Run once by the postgres image on an empty volume: a database per service, its owner's role for migrations and its run-time
# role, which has only what the migrations grant. Passwords come from the environment and are quoted by psql.
set -euo pipefail
# nobody but the administrator has any business in the databases that the server brings along
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --command 'revoke all on database postgres, template1 from public'
for service in citizens intake tasks uploads notifier; do
    owner_variable=${service^^}_DB_OWNER_PASSWORD runtime_variable=${service^^}_DB_PASSWORD
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set service="$service" --set owner="${service}_owner" --set database="mitsyg_$service" <<SQL
\getenv owner_password $owner_variable
\getenv runtime_password $runtime_variable
create role :"owner" login password :'owner_password';
create role :"service" login password :'runtime_password';
create database :"database" owner :"owner";
revoke all on database :"database" from public;
grant connect, temporary on database :"database" to :"service";
SQL
done
