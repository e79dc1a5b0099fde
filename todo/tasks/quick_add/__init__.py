"""Quick add: a task read from one line of text. Pure: the caller passes the person's own date and time.

The rules, and the cases for implementations in other languages: docs/reference/quick-add.md.
"""

from todo.tasks.quick_add.line import QuickAdd, parse

__all__ = ["QuickAdd", "parse"]
