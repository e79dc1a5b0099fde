"""The endpoints of the built-in accounts."""
