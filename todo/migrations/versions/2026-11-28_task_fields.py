"""Due dates, priorities, tags, repetition, reminders and an order of one's own; and what search and sorting need.

`due_at` and `search` are derived by the trigger. `position` and `search` of older tasks are filled in small
transactions, while clients read and write: the trigger gives them to whatever is updated, and logs nothing for it.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from todo.migrations.locks import take
from todo.migrations.log import as_log_role, log_function

revision = "2026_11_28_task_fields"
down_revision = "2026_11_28_size"
branch_labels = None
depends_on = None

FIELDS = ["title", "description", "completed"]
OPTIONAL = ["due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at"]
WRITTEN = ", ".join([*OPTIONAL, "position", "series"])

# Punctuation is named, and not what a letter is, since that depends on the database's locale.
FUNCTIONS = r"""
CREATE FUNCTION task_position(created_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lpad(to_hex(4503599627370495 - greatest(0,
    (date_part('epoch', created_at - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint)), 13, '0') || 'V';

CREATE FUNCTION task_due_at(due_date text, time_zone text) RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF time_zone IS NOT NULL THEN
        PERFORM now() AT TIME ZONE time_zone;
    END IF;
    RETURN CASE
        WHEN due_date IS NULL THEN NULL
        WHEN length(due_date) = 10 THEN due_date::date::timestamp AT TIME ZONE 'UTC'
        WHEN due_date ~ '(Z|[+-]\d\d:\d\d)$' THEN due_date::timestamptz
        ELSE due_date::timestamp AT TIME ZONE coalesce(time_zone, 'UTC')
    END;
END $$;

CREATE FUNCTION task_words(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(content) = char_length(content) THEN regexp_replace(lower(content), '[^a-z0-9]+', ' ', 'g')
    ELSE regexp_replace(
        regexp_replace(lower(normalize(content, NFKD)), '[\u0300-\u036f]+', '', 'g'),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u3004\u3008-\u303f]+', ' ', 'g')
END;

CREATE FUNCTION task_search(title text, description text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('pg_catalog.simple'::regconfig, task_words(title)), 'A')
    || setweight(to_tsvector('pg_catalog.simple'::regconfig, task_words(coalesce(description, ''))), 'B');

CREATE FUNCTION task_tags_valid(tags text[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(array_ndims(tags) = 1 AND cardinality(tags) <= 20 AND (
        SELECT bool_and(coalesce(char_length(tag) BETWEEN 1 AND 50 AND tag = btrim(tag), false))
            AND bool_and(tag !~ '[\u0001-\u001f\u007f-\u009f]')
            AND count(DISTINCT lower(tag)) = count(*)
          FROM unnest(tags) AS tag), false);
END $$
"""

# One check, and a function in PL/pgSQL: PostgreSQL prepares every check, and functions in SQL, for each statement.
CHECKS = {
    "optional_fields": r"""
    (num_nulls(due_date, time_zone, priority, recurrence, recurrence_from, remind_at) = 6 AND tags = '{}') OR (
        (due_date IS NULL OR due_date ~
            '^(19\d\d|2[01]\d\d|2200)-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$')
        AND (time_zone IS NULL OR char_length(time_zone) BETWEEN 1 AND 64)
        AND (priority IS NULL OR priority IN ('low', 'medium', 'high', 'urgent'))
        AND (tags = '{}' OR task_tags_valid(tags))
        AND (recurrence IS NULL OR recurrence ~ '^(daily|weekly|monthly|yearly|FREQ=[A-Z0-9;=,+-]{5,195})$')
        AND (recurrence_from IS NULL OR recurrence_from IN ('due', 'completion'))
        AND (remind_at IS NULL OR (remind_at >= '1900-01-01Z' AND remind_at < '2201-01-01Z')))""",
    "position_form": "position ~ '^[0-9A-Za-z]{1,100}$'",
}

INDEXES = {
    "ix_tasks_due": (["user_id", "due_at", "id"], "deleted_at IS NULL AND due_at IS NOT NULL"),
    "ix_tasks_position": (["user_id", "position", "id"], "deleted_at IS NULL"),
}

# A user's tasks by a thousand, in the order in which every writer of several tasks locks them.
FILL = """
DO $$
DECLARE
    owner text := '';
    behind uuid;
    batch uuid[];
BEGIN
    LOOP
        SELECT id INTO owner FROM users WHERE id > owner ORDER BY id LIMIT 1;
        EXIT WHEN NOT FOUND;
        behind := '00000000-0000-0000-0000-000000000000';
        LOOP
            batch := ARRAY(SELECT id FROM tasks WHERE user_id = owner AND id > behind ORDER BY id LIMIT 1000);
            EXIT WHEN batch = '{}';
            PERFORM FROM tasks WHERE user_id = owner AND id = any(batch) AND position = ''
              ORDER BY id FOR NO KEY UPDATE;
            UPDATE tasks SET position = '' WHERE user_id = owner AND id = any(batch) AND position = '';
            behind := batch[cardinality(batch)];
            COMMIT;
        END LOOP;
    END LOOP;
END $$
"""


def upgrade() -> None:
    if not _switched():
        op.execute("SET LOCAL lock_timeout = '500ms'")
        op.execute(take("tasks", "users"))
        _switch()
    with op.get_context().autocommit_block():
        op.execute(FILL)
        for name in CHECKS:
            op.execute(f"ALTER TABLE tasks VALIDATE CONSTRAINT ck_tasks_{name}")
        for name, (columns, where) in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # what an interrupted attempt left behind
            op.create_index(
                name, "tasks", columns, postgresql_where=sa.text(where), postgresql_concurrently=True
            )  # fmt: skip
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users"))
    op.execute("ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")


def _switched() -> bool:
    """Whether an upgrade that was interrupted came behind the first step."""
    if context.is_offline_mode():
        return False
    return any(column["name"] == "due_date" for column in sa.inspect(op.get_bind()).get_columns("tasks"))


def _switch() -> None:
    """Everything that changes the catalogue alone."""
    op.execute(FUNCTIONS)
    columns: list[sa.Column[object]] = [
        sa.Column("due_date", sa.Text),
        sa.Column("time_zone", sa.Text),
        sa.Column("priority", sa.Text),
        sa.Column("tags", postgresql.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("recurrence", sa.Text),
        sa.Column("recurrence_from", sa.Text),
        sa.Column("remind_at", sa.DateTime(timezone=True)),
        sa.Column("position", sa.Text(collation="C"), nullable=False, server_default=""),
        sa.Column("series", postgresql.JSONB),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("search", postgresql.TSVECTOR),
    ]
    for column in columns:
        op.add_column("tasks", column)
    for name, check in CHECKS.items():
        op.execute(f"ALTER TABLE tasks ADD CONSTRAINT ck_tasks_{name} CHECK ({check}) NOT VALID")
    op.execute(f"GRANT INSERT ({WRITTEN}), UPDATE ({WRITTEN}) ON tasks TO todo_app")
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL)))
    # Row-level security hides the rows from their owner too, who is going to fill them.
    op.execute("ALTER TABLE users NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes", "idempotency"))
    op.execute(as_log_role(log_function(FIELDS)))
    for name in INDEXES:
        op.drop_index(name, "tasks")
    for column in ("search", "due_at", "series", "position", *reversed(OPTIONAL)):
        op.drop_column("tasks", column)
    op.execute("DROP FUNCTION task_tags_valid, task_search, task_words, task_due_at, task_position")
