#!/bin/sh
# Makes the passwords of the databases and the addresses with them, once; beside this file, or in the folder
# that is named, for a server at the address that is named.
# The folder is closed to others; its files are not, for the containers read them under user numbers of their own.
set -eu
folder=${1:-"$(dirname "$0")"}/secrets
address=${2:-postgres:5432}
if [ -e "$folder" ]; then
    echo "$folder exists; remove it to make new secrets" >&2
    exit 1
fi
mkdir -m 700 "$folder"
random() { LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c 32; }
random > "$folder/postgres_password"
for name in dagster conflicts; do
    random > "$folder/${name}_password"
    printf 'postgresql://%s:%s@%s/%s' "$name" "$(cat "$folder/${name}_password")" "$address" "$name" \
        > "$folder/${name}_postgres_url"
done
chmod 644 "$folder"/*
