"""HTTP itself, as uvicorn speaks it, with one change: bytes that are no HTTP get a problem document too."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo.problems import MEDIA_TYPE, document


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, for `uvicorn.run(http=…)`."""

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
