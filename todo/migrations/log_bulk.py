"""What `log_task` does in a bulk change: an import, or undoing one.

Each task takes its number from a setting, and the function that makes the change writes the user's row once: a row that
one transaction writes a hundred thousand times is found slower and slower. Only a writer that may write `revision` can
ask for it, which the roles of requests may not: the log's own functions.
"""

BULK = {
    "declare_bulk": "\n    bulk boolean := false;",
    "find_bulk_insert": """    IF TG_OP = 'INSERT' THEN
        bulk := NEW.revision IS NOT NULL AND coalesce(current_setting('app.bulk', true), '') <> '';
    END IF;
""",
    "find_bulk_update": """            bulk := NEW.revision <> OLD.revision
                AND coalesce(current_setting('app.bulk', true), '') <> '';
""",
    "number_bulk": """    IF bulk THEN
        number := current_setting('app.bulk')::bigint + 1;
        logged := current_setting('app.bulk_logged')::bigint + size;
        moment := clock_timestamp();
        PERFORM set_config('app.bulk', number::text, true), set_config('app.bulk_logged', logged::text, true);
    ELSE
""",
    "end_of_bulk": "    END IF;\n",
    "updated_at": "CASE WHEN bulk THEN moment ELSE NEW.created_at END",
    "completed_at": "CASE WHEN bulk THEN coalesce(NEW.completed_at, NEW.created_at) ELSE NEW.created_at END",
}
NO_BULK = dict.fromkeys(BULK, "") | {"updated_at": "NEW.created_at", "completed_at": "NEW.created_at"}
"""The parts of the function's text, by their names there."""
