"""The refusals of OAuth, which have codes of their own (RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2)."""


class OAuthError(Exception):
    """A refusal: its code, what a person can do about it, and the status of the answer."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


class UnknownClient(Exception):  # noqa: N818 # what it says is what happened
    """Nobody may be sent back: the app is unknown, or would have people sent where it has not registered."""
