#!/bin/sh
# Run once by the PostgreSQL image, when its volume is empty: a database and a login for Dagster, and for the store.
set -eu
SECRETS=${SECRETS:-/run/secrets}
export SECRETS
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set dagster_password `cat "$SECRETS/dagster_password"`
\set conflicts_password `cat "$SECRETS/conflicts_password"`
CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE DATABASE dagster OWNER dagster;
-- CREATEROLE is for `conflict-assets store roles`.
CREATE ROLE conflicts LOGIN CREATEROLE PASSWORD :'conflicts_password';
CREATE DATABASE conflicts OWNER conflicts ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE dagster, conflicts FROM PUBLIC;
SQL
