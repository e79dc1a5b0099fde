"""The schema, up and down: one file for each revision, which Alembic runs."""
