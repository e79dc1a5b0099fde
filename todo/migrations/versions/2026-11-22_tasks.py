"""Users, their credentials and their tasks, each user's rows behind a row-level policy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_tasks"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

# Roles belong to the whole cluster: another database may have made them already, or make them this moment (then it
# is tried again), and they outlive a downgrade. From PostgreSQL 16 on the login may enter them but inherits nothing
# from them, policies least of all.
ROLES = """
DO $$
DECLARE
    name text;
    terms text := CASE WHEN current_setting('server_version_num')::int >= 160000
                       THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
BEGIN
    FOREACH name IN ARRAY ARRAY['todo_app', 'todo_accounts'] LOOP
        FOR attempt IN 1..10 LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', name);
                END IF;
                IF NOT EXISTS (
                    SELECT FROM pg_auth_members
                    WHERE roleid = name::regrole AND member = current_user::regrole
                      AND coalesce((to_jsonb(pg_auth_members) ->> 'set_option')::boolean, true)
                ) THEN
                    EXECUTE format('GRANT %I TO CURRENT_USER', name) || terms;
                END IF;
                EXIT;
            EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
                IF attempt = 10 THEN RAISE; END IF;
                PERFORM pg_sleep(0.05);
            END;
        END LOOP;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
    END LOOP;
END $$
"""

# What makes a task the same task when its creation is sent again: the fields a client may create it with.
FINGERPRINT = """
CREATE FUNCTION task_fingerprint(title text, description text, completed boolean) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr(sha256(convert_to(jsonb_build_array(title, description, completed)::text, 'UTF8')), 1, 16)
"""

# The stamps hold for every writer. A change that changes nothing gives the row back as it was: a NULL would
# leave RETURNING empty, and the row would look missing. updated_at moves even when the clock was set back.
STAMP = """
CREATE FUNCTION stamp_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.updated_at := NEW.created_at;
        NEW.completed_at := CASE WHEN NEW.completed THEN NEW.created_at END;
        NEW.fingerprint := task_fingerprint(NEW.title, NEW.description, NEW.completed);
        RETURN NEW;
    END IF;
    IF (NEW.title, NEW.description, NEW.completed, NEW.deleted_at)
        IS NOT DISTINCT FROM (OLD.title, OLD.description, OLD.completed, OLD.deleted_at)
    THEN
        RETURN OLD;
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.fingerprint := OLD.fingerprint;
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    NEW.completed_at := CASE
        WHEN NEW.completed = OLD.completed THEN OLD.completed_at
        WHEN NEW.completed THEN NEW.updated_at
    END;
    RETURN NEW;
END $$
"""

# '' and not NULL is what current_setting gives after a transaction that set it; the sub-select is evaluated once.
ME = "(SELECT nullif(current_setting('app.user_id', true), ''))"

POLICIES = f"""
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users TO todo_app USING (id = {ME}) WITH CHECK (id = {ME});
CREATE POLICY own ON tasks TO todo_app USING (user_id = {ME}) WITH CHECK (user_id = {ME});
CREATE POLICY accounts ON users TO todo_accounts USING (true) WITH CHECK (true);
CREATE POLICY accounts ON credentials TO todo_accounts USING (true) WITH CHECK (true)
"""

GRANTS = """
GRANT SELECT ON users TO todo_app;
GRANT SELECT, DELETE ON tasks TO todo_app;
GRANT INSERT (user_id, id, title, description, completed) ON tasks TO todo_app;
GRANT UPDATE (title, description, completed, deleted_at) ON tasks TO todo_app;
GRANT SELECT, INSERT (id, email) ON users TO todo_accounts;
GRANT SELECT, INSERT ON credentials TO todo_accounts;
GRANT SELECT, INSERT ON signing_keys TO todo_accounts;
GRANT SELECT ON alembic_version TO todo_accounts
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ROLES)
    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint("char_length(id) BETWEEN 1 AND 255", name=op.f("ck_users_id_length")),
        sa.CheckConstraint("char_length(email) BETWEEN 3 AND 254", name=op.f("ck_users_email_length")),
    )
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_credentials"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_credentials_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(email) BETWEEN 3 AND 254", name=op.f("ck_credentials_email_length")),
        sa.CheckConstraint("password_hash LIKE '$argon2id$%'", name=op.f("ck_credentials_password_hash_argon2id")),
    )
    op.create_index("uq_credentials_email", "credentials", [sa.text("lower(email)")], unique=True)
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("private_key", sa.Text, nullable=False),
        sa.Column("public_jwk", postgresql.JSONB, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("retired_at", MOMENT),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_index(
        "uq_signing_keys_current",
        "signing_keys",
        [sa.text("(retired_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "tasks",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("completed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("completed_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("deleted_at", MOMENT),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_tasks"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tasks_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 255", name=op.f("ck_tasks_title_length")),
        sa.CheckConstraint(
            r"title = btrim(title) AND title !~ '[\u0001-\u001f\u007f-\u009f]'",
            name=op.f("ck_tasks_title_clean"),
        ),
        sa.CheckConstraint("char_length(description) <= 10000", name=op.f("ck_tasks_description_length")),
        sa.CheckConstraint(
            r"description !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]'",
            name=op.f("ck_tasks_description_clean"),
        ),
        sa.CheckConstraint("completed = (completed_at IS NOT NULL)", name=op.f("ck_tasks_completed_at_with_completed")),
        sa.CheckConstraint("updated_at >= created_at", name=op.f("ck_tasks_updated_after_created")),
    )
    op.create_index(
        "ix_tasks_list",
        "tasks",
        ["user_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.execute(FINGERPRINT)
    op.execute(STAMP)
    op.execute("CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp_task()")
    for statement in (POLICIES + ";" + GRANTS).split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("REVOKE ALL ON alembic_version FROM todo_accounts")
    for table in ("tasks", "signing_keys", "credentials", "users"):
        op.drop_table(table)
    op.execute("DROP FUNCTION stamp_task, task_fingerprint")
