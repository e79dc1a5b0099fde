"""The environment of what we start and connect to ourselves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Unset PGHOSTADDR, PGSERVICE, PGDATA and the like inside the block, for this process and those that it starts.

    libpq takes whatever a URL leaves out from them (PostgreSQL 18, §32.15), and PostgreSQL's programs do too. A URL
    cannot overrule them all: PGSERVICE fails where its service is unknown.
    """
    unset = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(unset)
