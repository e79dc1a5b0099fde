"""What `log_task` does for an agent: it notes which one wrote, and refuses what its token may not do.

A transaction says by settings on whose behalf it writes: `app.agent_id` and `app.agent` (its name), and for a token
that may not do everything `app.permissions`; `app.max_deletions` are those of an hour. All of it holds whatever the
statement is. The user's row is locked when deletions are counted, so that none is missed.
"""

AGENTS = {
    "declare_agent": "\n    agent_id uuid := nullif(current_setting('app.agent_id', true), '');",
    "check_agent": """
    IF agent_id IS NOT NULL THEN
        PERFORM check_agent(agent_id, owner, CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END, CASE
            WHEN TG_OP = 'INSERT' THEN 'create'
            WHEN TG_OP = 'DELETE' THEN 'purge'
            WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
            WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
            ELSE 'update'
        END, old_values);
    END IF;
""",
    "agent_columns": ", agent_id, agent",
    "agent_values": ", agent_id, CASE WHEN agent_id IS NOT NULL THEN current_setting('app.agent') END",
}
NO_AGENTS = dict.fromkeys(AGENTS, "")
"""The parts of the function's text, by their names there."""

CHECK_AGENT = """
CREATE FUNCTION check_agent(writer uuid, owner text, task uuid, kind text, old_values jsonb) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    permissions constant text := nullif(current_setting('app.permissions', true), '');
    max_deletions constant bigint := nullif(current_setting('app.max_deletions', true), '');
    undoes constant boolean := coalesce(current_setting('app.undoes', true), '') <> '';
    completes constant boolean := coalesce(current_setting('app.completes', true), '') <> '';
    fields jsonb := old_values - 'series';
    needed text[] := '{}';
    missing text;
    counted boolean := false;
    deleted bigint;
    wait text;
BEGIN
    IF undoes THEN
        needed := '{undo}';
        counted := kind = 'delete' AND NOT completes AND NOT EXISTS (
            SELECT FROM changes c
             WHERE c.user_id = owner AND c.task_id = task AND c.kind = 'create' AND c.agent_id = writer);
        IF counted THEN  -- of a task that it has not created itself
            needed := '{undo,delete}';
        END IF;
    ELSIF completes AND kind <> 'update' THEN  -- what a completion makes, or taking one back
        needed := '{complete}';
        fields := fields - 'deleted_at';
    ELSIF kind = 'purge' THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'agent_purge', TABLE = 'tasks',
            MESSAGE = 'an agent may not purge a task';
    ELSIF kind IN ('delete', 'restore') THEN
        needed := '{delete}';
        counted := kind = 'delete';
        fields := fields - 'deleted_at';
    END IF;
    IF kind = 'create' AND needed = '{}' THEN
        needed := '{create}';
    ELSIF NOT undoes AND kind <> 'create' THEN
        IF fields ? 'completed' THEN
            needed := needed || '{complete}';
        END IF;
        IF fields - 'completed' <> '{}' THEN
            needed := needed || '{edit}';
        END IF;
    END IF;
    SELECT name INTO missing FROM unnest(needed) AS name
     WHERE permissions IS NOT NULL AND name <> ALL (string_to_array(permissions, ',')) LIMIT 1;
    IF missing IS NOT NULL THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'permission_' || missing, TABLE = 'tasks',
            MESSAGE = format('the token may not %s', missing);
    END IF;
    IF NOT counted OR max_deletions IS NULL THEN
        RETURN;
    END IF;
    SELECT count(*), ceil(extract(epoch FROM min(c.at) + interval '1 hour' - clock_timestamp()))::text
      INTO deleted, wait
      FROM changes c
     WHERE c.user_id = owner AND c.agent_id = writer AND c.kind = 'delete'
       AND c.at > clock_timestamp() - interval '1 hour'
       AND NOT (c.undoes IS NOT NULL AND EXISTS (
            SELECT FROM changes made
             WHERE made.user_id = owner AND made.task_id = c.task_id
               AND made.kind = 'create' AND made.agent_id = writer));
    IF deleted >= max_deletions THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'agent_deletions', TABLE = 'tasks',
            MESSAGE = format('the token may delete %s tasks an hour', max_deletions), DETAIL = coalesce(wait, '3600');
    END IF;
END $$
"""
"""`app.undoes` says that a change takes another one back; `app.completes` that it follows from a completion."""
