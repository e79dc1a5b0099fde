"""What stands around every request, outermost first:

1. Starlette's ServerErrorMiddleware, which sees only errors after a response has begun: Edge answers all others.
2. `cors.Cors`, only where `CORS_ORIGINS` is set, outside everything that answers, so that pages may read errors too.
3. `edge.Edge`: the limit of connections, security headers, the last error handler, and dispatch to fast routes.
4. Starlette's ExceptionMiddleware and FastAPI's router, for ordinary routes, pages and static files.
"""
