"""Commands for people: they work over HTTP on any server, by `todo.client`, and import nothing of the server."""
