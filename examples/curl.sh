#!/bin/sh
# All six endpoints, by curl, as a new user. BASE names another server: BASE=https://todo.example.com sh examples/curl.sh
set -eu
BASE=${BASE:-http://127.0.0.1:8000}

call() { # METHOD PATH [BODY]
    printf '\n> %s %s %s\n' "$1" "$2" "${3-}" >&2
    curl --silent --show-error --fail-with-body -X "$1" "$BASE$2" \
        -H "Authorization: Bearer ${TOKEN-}" ${3+-H 'Content-Type: application/json' -d "$3"} \
        -w '\n< %{http_code}\n'
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

echo "Sign up: the answer holds the token and the user's id."
SESSION=$(call POST /api/auth/signup "{\"email\": \"ada-$$-$(date +%s)@example.com\", \"password\": \"a long and quiet afternoon\"}")
TOKEN=$(printf %s "$SESSION" | field access_token)
USER_ID=$(printf %s "$SESSION" | sed 's/.*"user"://' | field id)

echo "Create two tasks."
TASK=$(call POST "/api/$USER_ID/tasks" '{"title": "Water the ferns", "description": "The ones in the hall too"}')
printf '%s\n' "$TASK"
ID=$(printf %s "$TASK" | field id)
call POST "/api/$USER_ID/tasks" '{"title": "Feed the cat"}'

echo "List them, newest first; one page of them; the pending ones."
call GET "/api/$USER_ID/tasks"
call GET "/api/$USER_ID/tasks?limit=1"
call GET "/api/$USER_ID/tasks?status=pending"

echo "Read one."
call GET "/api/$USER_ID/tasks/$ID"

echo "Update it: what is left out stays, null clears the description."
call PUT "/api/$USER_ID/tasks/$ID" '{"title": "Water all ferns"}'
call PUT "/api/$USER_ID/tasks/$ID" '{"description": null}'

echo "Toggle its completion, then set it."
call PATCH "/api/$USER_ID/tasks/$ID/complete"
call PATCH "/api/$USER_ID/tasks/$ID/complete" '{"completed": true}'

echo "Delete it."
call DELETE "/api/$USER_ID/tasks/$ID"
call GET "/api/$USER_ID/tasks"
