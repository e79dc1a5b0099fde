"""The backend of a Todo web application: six endpoints, a real PostgreSQL, each user sees only their own tasks."""

__version__ = "0.1.0"
