"""A user's tasks in and out: imports, exports, calendar feeds. The formats are in `todo.formats`."""
