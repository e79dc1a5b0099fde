"""How a migration replaces the log's functions, which belong to a role that may create objects only meanwhile."""

AS_LOG_ROLE = """
DO $do$
BEGIN
    IF NOT has_schema_privilege('todo_log', current_schema(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON SCHEMA %I TO todo_log', current_schema());
    END IF;
    IF NOT has_schema_privilege('todo_log', current_schema(), 'CREATE') THEN
        RAISE 'the owner of the schema % must first GRANT CREATE ON SCHEMA % TO todo_log',
            current_schema(), current_schema();
    END IF;
    EXECUTE format('SET LOCAL search_path = %I, pg_temp', current_schema());
    SET LOCAL ROLE todo_log;
    EXECUTE $sql${statement}$sql$;
    RESET ROLE;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM todo_log', current_schema());
END $do$
"""


def as_log_role(statement: str) -> str:
    """The statement, run as the role that owns the log's functions, which may create objects only during it."""
    return AS_LOG_ROLE.replace("{statement}", statement)
