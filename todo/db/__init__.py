"""One statement to PostgreSQL and back, as one user."""
