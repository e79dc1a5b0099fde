"""The asynchronous client. `bin/unasync.py` makes `todo/client/synchronous` of these files."""
