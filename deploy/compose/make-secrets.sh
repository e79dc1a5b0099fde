#!/bin/sh
# Makes the passwords of compose.yaml, once, in deploy/compose/secrets (or the folder that is given): random, and readable
# for the owner of this folder alone. The containers are given the files that they need.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
[ ! -e "$folder" ] || { echo "make-secrets: $folder exists already; nothing was changed" >&2; exit 1; }
umask 077
mkdir "$folder"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
password=$(random)
random > "$folder/postgres_password"
printf '%s' "$password" > "$folder/todo_password"
printf '"todo" "%s"\n' "$password" > "$folder/pgbouncer_users"
# Read by `docker compose` itself.
{
    printf 'DATABASE_URL=postgresql://todo:%s@pgbouncer:6432/todo\n' "$password"
    printf 'DIRECT_DATABASE_URL=postgresql://todo:%s@postgres:5432/todo\n' "$password"
} > "$folder/todo.env"
# The folder is closed; inside their containers other users read these.
chmod 644 "$folder/postgres_password" "$folder/todo_password" "$folder/pgbouncer_users"
