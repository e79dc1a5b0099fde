"""What no framework could beat: a bare ASGI application with our statements, and one that answers a constant."""
