"""The function of the trigger on tasks: it stamps rows, counts them and logs every change.

A migration that adds a field to tasks replaces the function, with the new list of fields.
"""

from collections.abc import Sequence

from todo.migrations.log_agents import AGENTS, NO_AGENTS
from todo.migrations.log_bulk import BULK, NO_BULK
from todo.migrations.log_role import as_log_role as as_log_role  # for the migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION log_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    owner constant text := CASE WHEN TG_OP = 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
    max_tasks bigint;
    held bigint;
    number bigint;
    moment timestamptz;
    old_values jsonb;{declarations}{declare_batch}{declare_bulk}{declare_agent}
BEGIN
    IF TG_RELID <> 'tasks'::regclass AND pg_partition_root(TG_RELID) IS DISTINCT FROM 'tasks'::regclass THEN
        RAISE 'log_task() may only be a trigger of tasks';
    END IF;
{find_bulk_insert}
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.user_id, NEW.id, NEW.completed_at, NEW.created_at, NEW.updated_at, NEW.fingerprint, NEW.revision)
            IS DISTINCT FROM
            (OLD.user_id, OLD.id, OLD.completed_at, OLD.created_at, OLD.updated_at, OLD.fingerprint, OLD.revision)
        THEN
{find_bulk_update}            NEW.user_id := OLD.user_id;
            NEW.id := OLD.id;
            NEW.completed_at := OLD.completed_at;
            NEW.created_at := OLD.created_at;
            NEW.updated_at := OLD.updated_at;
            NEW.fingerprint := OLD.fingerprint;
            NEW.revision := OLD.revision;
        END IF;
{keep_series}        old_values := {old_values};
        IF old_values = '{{}}' THEN
            RETURN OLD;
        END IF;
    END IF;

{count_bytes}{number_bulk}    UPDATE users
       SET revision = users.revision + 1,{add_bytes}
           changed_at = greatest(clock_timestamp(), users.changed_at + interval '1 microsecond'),
           task_count = users.task_count + CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END
     WHERE id = owner
    RETURNING users.revision, users.changed_at, users.task_count{returned} INTO number, moment, held{into};
    IF NOT FOUND THEN
        CASE TG_OP
            WHEN 'DELETE' THEN
                RETURN OLD;
            WHEN 'UPDATE' THEN
                RAISE foreign_key_violation USING TABLE = 'tasks', MESSAGE = 'the user of the task does not exist';
            ELSE
                moment := clock_timestamp();
        END CASE;
    END IF;
{end_of_bulk}{number_batch}{check_agent}
    IF TG_OP = 'DELETE' THEN
        UPDATE changes SET before = NULL, after = NULL
         WHERE user_id = OLD.user_id AND task_id = OLD.id AND after IS NOT NULL;
        UPDATE idempotency SET body = NULL
         WHERE user_id = OLD.user_id AND {of_the_task} AND status NOT IN (204, 404, 409);
        INSERT INTO changes (user_id, revision, task_id, kind, at, via, undoes{batch_column}{agent_columns})
        VALUES (owner, number, OLD.id, 'purge', moment,
                coalesce(nullif(current_setting('app.via', true), ''), 'database'),
                nullif(current_setting('app.undoes', true), '')::bigint{batch_value}{agent_values});
        RETURN OLD;
    END IF;

    IF TG_OP = 'INSERT' THEN
        max_tasks := nullif(current_setting('app.max_tasks', true), '');
        IF held > max_tasks THEN
            RAISE check_violation USING CONSTRAINT = 'max_tasks', TABLE = 'tasks',
                MESSAGE = format('a user may have %s tasks', max_tasks);
        END IF;
        NEW.revision := coalesce(number, 0);
        NEW.created_at := coalesce(NEW.created_at, moment);
        NEW.updated_at := {updated_at};
        NEW.completed_at := CASE WHEN NEW.completed THEN {completed_at} END;
        NEW.fingerprint := task_fingerprint({created_with});
{derive_new}        IF number IS NULL THEN
            RETURN NEW;
        END IF;
    ELSE
        NEW.revision := number;
        NEW.updated_at := greatest(moment, OLD.updated_at + interval '1 microsecond');
        IF NEW.completed <> OLD.completed THEN
            NEW.completed_at := CASE WHEN NEW.completed THEN NEW.updated_at END;
        END IF;
{derive_changed}    END IF;

    INSERT INTO changes
        (user_id, revision, task_id, kind, at, via, undoes, before, after{columns}{batch_column}{agent_columns})
    VALUES (owner, number, NEW.id,
            CASE
                WHEN TG_OP = 'INSERT' THEN 'create'
                WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
                WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
                ELSE 'update'
            END,
            moment,
            coalesce(nullif(current_setting('app.via', true), ''), 'database'),
            nullif(current_setting('app.undoes', true), '')::bigint,
            old_values,
            {new_values}{values}{batch_value}{agent_values});
{drop_oldest}    RETURN NEW;
END $$
"""
"""Lock order: the task's row, which is locked when a BEFORE trigger runs, then its user's. The number is taken under
the user's lock, so the log is in the order of commits.

A change that changes nothing returns the row as it was: NULL would leave RETURNING empty, and the row would look
missing. Where the user of a new task does not exist, the foreign key of tasks refuses the row.
"""

COUNT_BYTES = """    IF TG_OP <> 'DELETE' THEN
        size := {row_bytes} + {field_bytes} + coalesce(pg_column_size(old_values), 0);
    END IF;

"""

DROP_OLDEST = """
    max_bytes := nullif(current_setting('app.max_log_bytes', true), '');
    IF logged > max_bytes THEN
        DELETE FROM changes
         WHERE user_id = owner AND revision IN (
            SELECT oldest.revision
              FROM (SELECT c.revision, c.total FROM changes c
                     WHERE c.user_id = owner ORDER BY c.revision
                     LIMIT CASE WHEN (SELECT coalesce(f.total, 0) FROM changes f
                                       WHERE f.user_id = owner ORDER BY f.revision LIMIT 1) > logged - max_bytes
                                THEN 0 ELSE {oldest_at_once} END) oldest
             WHERE coalesce(oldest.total, 0) <= logged - max_bytes);
    END IF;
"""
"""`total` grows with each change, and a change counts as kept while less than the quota was logged after it."""

KEEP_SERIES = """        IF OLD.position = '' THEN  -- a task of before there were positions
            OLD.position := task_position(OLD.created_at);
            OLD.search := task_search(OLD.title, OLD.description);
        END IF;
        IF NEW.position = '' THEN
            NEW.position := OLD.position;
        END IF;
        IF NEW.series IS NOT NULL AND NEW.series = OLD.series THEN
            IF NEW.recurrence IS DISTINCT FROM OLD.recurrence THEN
                NEW.series := NEW.series
                    || jsonb_build_object('anchor', NEW.due_date, 'anchor_number', 1, 'number', 1);
            ELSIF NEW.due_date IS DISTINCT FROM OLD.due_date OR NEW.time_zone IS DISTINCT FROM OLD.time_zone THEN
                NEW.series := NEW.series
                    || jsonb_build_object('anchor', NEW.due_date, 'anchor_number', NEW.series -> 'number');
            END IF;
        END IF;
"""
"""A series counts from the due date that the user set last, and from 1 where its rule is another one."""

DERIVE_NEW = """        IF NEW.position = '' THEN
            NEW.position := task_position(NEW.created_at);
        END IF;
        NEW.due_at := task_due_at(NEW.due_date, NEW.time_zone);
        NEW.search := task_search(NEW.title, NEW.description);
"""

DERIVE_CHANGED = """        NEW.due_at := CASE
            WHEN NEW.due_date IS NOT DISTINCT FROM OLD.due_date AND NEW.time_zone IS NOT DISTINCT FROM OLD.time_zone
            THEN OLD.due_at ELSE task_due_at(NEW.due_date, NEW.time_zone)
        END;
        NEW.search := CASE
            WHEN NEW.title = OLD.title AND NEW.description IS NOT DISTINCT FROM OLD.description
            THEN OLD.search ELSE task_search(NEW.title, NEW.description)
        END;
"""

NUMBER_BATCH = """    this_batch := nullif(current_setting('app.batch', true), '');
    IF this_batch = 0 AND number IS NOT NULL THEN
        this_batch := number;
        PERFORM set_config('app.batch', number::text, true);
    END IF;
"""
"""`app.batch` is 0 until the transaction's first change, whose number the batch then has."""

SEVERAL_TASKS, EVERY_TASK = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""The `task_id` of a stored answer that shows several tasks, each with its id, or may show something of any task."""

OF_SEVERAL_TASKS = f"""(task_id IN (OLD.id, '{EVERY_TASK}')
            OR task_id = '{SEVERAL_TASKS}' AND position(convert_to(OLD.id::text, 'UTF8') IN body) > 0)"""

ROW_BYTES = 300
"""What a change takes besides its task's fields, approximately."""

OLDEST_AT_ONCE = 400
"""Changes that one write deletes at most: together as large as the largest change, however small they are."""

OTHERS = ("completed_at", "created_at", "updated_at", "deleted_at")
"""Columns that the log keeps besides the fields."""


def log_function(
    fields: Sequence[str],
    *,
    sized: bool = True,
    optional: Sequence[str] = (),
    batches: bool = False,
    bulk: bool = False,
    agents: bool = False,
) -> str:
    """The statement that makes the function, for tasks with these writable fields, in the order of their creation.

    `sized` as of 2026_11_28_size: a change has its size in bytes, and a user's oldest changes go above their quota.
    `optional` as of 2026_11_28_task_fields: fields that most tasks do not have, and that the log leaves out then.
    With them a task has a position, a series, and what the trigger derives: `due_at` and `search`.
    `batches` as of 2026_11_28_undo_batches: changes know their batch, and a stored answer may show several tasks.
    `bulk` as of 2026_11_29_transfer: imports, and undoing them, count their changes once.
    `agents` as of 2026_11_30_agents: changes name the agent that made them, which may do what its token allows.
    """
    every = (*fields, *optional)
    octets = " + ".join(f"coalesce(octet_length(NEW.{name}::text), 0)" for name in every)
    parts = {
        "declarations": "\n    size integer := 0;\n    logged bigint;\n    max_bytes bigint;",
        "count_bytes": COUNT_BYTES.format(row_bytes=ROW_BYTES, field_bytes=octets),
        "add_bytes": "\n           logged_bytes = users.logged_bytes + size,",
        "returned": ", users.logged_bytes",
        "into": ", logged",
        "columns": ", size, total",
        "values": ", size, logged",
        "drop_oldest": DROP_OLDEST.format(oldest_at_once=OLDEST_AT_ONCE),
    }
    derived = {"keep_series": KEEP_SERIES, "derive_new": DERIVE_NEW, "derive_changed": DERIVE_CHANGED}
    batch = {"declare_batch": "\n    this_batch bigint;", "number_batch": NUMBER_BATCH}
    batch |= {"batch_column": ", batch", "batch_value": ", this_batch"}
    kept = (*optional, "position", "series")
    old_values = _changed((*fields, "deleted_at"))
    created_with, new_values = _object(fields), _object((*fields, *OTHERS))
    if optional:
        rows = [f"({', '.join(f'{row}.{name}' for name in kept)})" for row in ("NEW", "OLD")]
        old_values += (
            f"\n            || CASE WHEN {rows[0]} IS NOT DISTINCT FROM {rows[1]} THEN '{{}}' ELSE {_changed(kept)} END"
        )
        created_with += f" || {_object(optional)}"
        new_values += f" || jsonb_strip_nulls({_object(kept)})"
    return FUNCTION.format(
        old_values=old_values,
        created_with=created_with,
        new_values=new_values,
        of_the_task=OF_SEVERAL_TASKS if batches else "task_id = OLD.id",
        **(batch if batches else dict.fromkeys(batch, "")),
        **(BULK if bulk else NO_BULK),
        **(AGENTS if agents else NO_AGENTS),
        **(derived if optional else dict.fromkeys(derived, "")),
        **(parts if sized else dict.fromkeys(parts, "")),
    )


def _changed(names: Sequence[str]) -> str:
    """The values that these columns had, of those that the update changes."""
    return "\n            || ".join(
        f"CASE WHEN NEW.{name} IS NOT DISTINCT FROM OLD.{name} THEN '{{}}'"
        f" ELSE jsonb_build_object('{name}', OLD.{name}) END"
        for name in names
    )


def _object(names: Sequence[str]) -> str:
    """The values of these columns; of no tags none."""
    value = {"tags": "nullif(NEW.tags, '{}')"}
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value.get(name, f'NEW.{name}')}" for name in names) + ")"
