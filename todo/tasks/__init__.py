"""Tasks: the six endpoints, their shapes and their statements."""
