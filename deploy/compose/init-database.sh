#!/bin/sh
# Runs once, when the image of PostgreSQL makes its data folder: the login that todo serves and migrates with. It owns its
# database and may create the run-time roles; it is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v password="$(cat "${TODO_PASSWORD_FILE:-/run/secrets/todo_password}")" <<'SQL'
create role todo login createrole password :'password';
create database todo owner todo encoding 'UTF8' template template0;
revoke connect on database todo from public;
grant connect on database todo to todo;
SQL
