"""An MCP server (Model Context Protocol) whose tools are calls of the API: docs/how-to/agents.md.

The tools are written once, over `todo.client.AsyncClient`: `endpoint` serves them at /mcp of the server, `stdio` to a
program that starts `todo mcp`. It needs the extra `mcp`; only `installed` can be imported without it.
"""
