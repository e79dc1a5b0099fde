"""Changes: the log of what happened to a user's tasks, read to stay in sync, and taken back."""
