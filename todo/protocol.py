"""HTTP itself, as uvicorn speaks it, with what long streams need, and problem documents for bytes that are no HTTP."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo.problems import MEDIA_TYPE, document

ABORT = "todo.abort"
"""In a request's scope: cuts its connection at once, with whatever waits to be written."""

LEAVE = "todo.leave"
"""In the state of the lifespan: what to call when the server is about to stop."""


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, for `uvicorn.run(http=…)`."""

    def on_message_begin(self) -> None:
        """Let the application cut the connection, where uvicorn would wait for the reader."""
        super().on_message_begin()
        self.scope[ABORT] = self.transport.abort  # type: ignore[literal-required] # ASGI allows keys of one's own

    def shutdown(self) -> None:
        """Tell the application, whose streams would otherwise never end: uvicorn waits for them."""
        if leave := self.app_state.get(LEAVE):
            leave()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # uvicorn calls it so
        """Answer what cannot be parsed, and close: what follows cannot be trusted either."""
        body = document(400, "Bad Request", "This is not HTTP/1.1, or its method is unknown.", "")
        lines = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"connection: close",
            *(name + b": " + value for name, value in self.server_state.default_headers),
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self.transport.close()
