"""Upper bounds for any framework: bare ASGI applications with our statements, and one with a constant response."""
