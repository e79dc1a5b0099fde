"""A real SMTP server on loopback that keeps what it is sent, and can refuse it."""

import datetime as dt
import email
import email.policy
import ipaddress
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.processes import free_port

USER, PASSWORD = "post@example.com", "p@ss/word: hunter2"


@dataclass
class MailServer:
    """What arrived, with whom it is for; `replies` are sent in place of "250 OK", one for each message."""

    port: int
    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    attempts: int = 0
    replies: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name
        self.attempts += 1
        self.encrypted.append(session.ssl is not None)
        if self.replies:
            return self.replies.pop(0)
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received += [(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    def attempted(self) -> None:
        """Return when a message has come. Fails after ten seconds."""
        deadline = time.monotonic() + 10
        while not self.attempts:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def to(self, address: str, count: int = 1) -> list[EmailMessage]:
        """The messages for this address, when there are `count`. Fails after ten seconds."""
        deadline = time.monotonic() + 10
        while len(found := [message for recipient, message in self.received if recipient == address]) < count:
            assert time.monotonic() < deadline, self.received
            time.sleep(0.02)
        return found


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def link_in(message: EmailMessage) -> str:
    """The address of the page that a message leads to."""
    [link] = re.findall(r"^https?://\S+$", text_of(message), re.MULTILINE)
    return str(link)


def token_in(message: EmailMessage) -> str:
    return link_in(message).rpartition("=")[2]


@contextmanager
def mail_server(port: int | None = None, **options: Any) -> Iterator[MailServer]:
    """A server that runs in a thread; `options` are aiosmtpd's."""
    server = MailServer(port or free_port())
    controller = Controller(server, "127.0.0.1", server.port, authenticator=server.authenticate, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server on 127.0.0.1 has for TLS, and the file of the certificate that a client has to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the mail server of a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, chain = folder / "trusted.pem", folder / "chain.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(secret + trusted.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context, trusted
