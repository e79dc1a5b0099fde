"""Whether the SDK is here."""

import importlib.util

MISSING = "the SDK is not installed: install todo-task-api with the extra mcp (in a checkout: pip install '.[mcp]')"


def is_installed() -> bool:
    """Whether the extra `mcp` is installed. The SDK is not imported."""
    return importlib.util.find_spec("mcp") is not None
