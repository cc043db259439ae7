#!/bin/sh
# Dagster reads the address of its storage from a variable only; here it may lie in a file, as every other secret may.
set -eu
if [ -n "${DAGSTER_POSTGRES_URL_FILE:-}" ]; then
    DAGSTER_POSTGRES_URL=$(cat "$DAGSTER_POSTGRES_URL_FILE")
    export DAGSTER_POSTGRES_URL
    unset DAGSTER_POSTGRES_URL_FILE
fi
exec "$@"
