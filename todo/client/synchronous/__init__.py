"""The synchronous client, written by `bin/unasync.py` from `todo/client/asynchronous`."""
