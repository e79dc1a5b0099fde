"""The PostgreSQL that starts by itself when no DATABASE_URL is set."""
