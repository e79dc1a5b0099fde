"""OAuth 2.1 for MCP: an app asks, its person decides on a page, and the app gets a personal API token (decision 42).

The resource is this server, `/mcp` in particular; the authorization server is this server with its built-in accounts.
With an external issuer only the metadata that names it is served.
"""
