"""The name of an agent, as the log has it."""

UNNAMED = "MCP client"
LENGTH = 100


def agent_name(name: str | None) -> str:
    """What a client calls itself as a name for the log: 1 to 100 printable characters."""
    printable = "".join(char for char in " ".join((name or "").split()) if char.isprintable())
    return printable.encode(errors="replace").decode()[:LENGTH].strip() or UNNAMED
