"""How many connections a process can have open."""

import logging
import resource

log = logging.getLogger("todo")


def max_connections(wanted: int, other_files: int) -> int:
    """How many of `wanted` connections there can be, with so many other files open.

    Raises the process's limit of open files as far as it may.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    possible = wanted if soft == resource.RLIM_INFINITY else max(1, soft - other_files)
    if possible < wanted:
        log.warning("MAX_CONNECTIONS: this process may open %d files, so it serves %d connections", soft, possible)
    return min(wanted, possible)
