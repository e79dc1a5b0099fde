"""Delivery to a real SMTP server: with and without TLS, failures, retries, bounds, and what the log says of them."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from email.headerregistry import Address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.mail_server import PASSWORD, USER, MailServer, certificate, mail_server, text_of
from tests.support.processes import free_port
from todo.mail import sender
from todo.mail.message import Mail, message
from todo.mail.sender import Mailer
from todo.problems import Problem, Unavailable
from todo.setting_types import Mailbox
from todo.settings import Settings

pytestmark = pytest.mark.anyio

INSECURE = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning:aiosmtpd")

LINK = "https://todo.example.com/todo/#reset=a-secret-token"
HELLO = Mail("ada@example.com", "Hello", ("Choose a new password:", LINK, "1 < 2 & 3"))
FROM = {"mail_from": "Todo <todo@example.com>", "public_url": "https://todo.example.com/todo/"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def mailer(url: str) -> Mailer:
    settings = Settings.from_environment(smtp_url=url, **FROM)
    assert settings.smtp_url
    assert settings.mail_from
    return Mailer(settings.smtp_url, settings.mail_from)


async def delivered(made: Mailer, *mails: Mail) -> None:
    """Send them, and wait until each was delivered or given up."""

    async def prepare() -> Sequence[Mail]:
        return mails

    made.send("a greeting", prepare)
    await asyncio.wait_for(asyncio.gather(*made._jobs), 20)


async def test_an_address_may_have_other_letters_than_ascii() -> None:
    with mail_server(enable_SMTPUTF8=True) as server:
        await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), Mail("jörg@example.com", "Hello", ("Hi",)))
        [found] = server.to("jörg@example.com")
        assert found["To"] == "jörg@example.com"


async def test_a_message_has_text_html_and_what_keeps_others_from_answering_it(server: MailServer) -> None:
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), HELLO)

    [found] = server.to("ada@example.com")
    assert (found["From"], found["To"], found["Subject"]) == ("Todo <todo@example.com>", "ada@example.com", "Hello")
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Date"].datetime.tzinfo
    assert found["Message-ID"].endswith("@example.com>")
    assert text_of(found) == f"Choose a new password:\n\n{LINK}\n\n1 < 2 & 3\n"
    page = found.get_body(("html",))
    assert page is not None
    assert f'<a href="{LINK}">' in page.get_content()
    assert "1 &lt; 2 &amp; 3" in page.get_content()
    assert server.encrypted == [False]


@INSECURE
async def test_a_user_and_a_password_sign_in() -> None:
    with mail_server(auth_required=True, auth_require_tls=False) as server:
        url = f"smtp://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}"
        await delivered(mailer(url), HELLO)
        assert server.logins
        assert len(server.to("ada@example.com")) == 1


@INSECURE
async def test_a_wrong_password_is_logged_without_it_and_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with mail_server(auth_required=True, auth_require_tls=False) as server:
        await delivered(mailer(f"smtp://{quote(USER, safe='')}:wrong-hunter@127.0.0.1:{server.port}"), HELLO)
        assert server.received == []
        assert server.logins == ["PLAIN", "LOGIN"]  # one try, by each mechanism that the server names
    assert "a greeting for a…@example.com was not sent: the mail server replied 535 " in caplog.text
    assert not [word for word in ("hunter", "post@", "ada@", "secret-token") if word in caplog.text]


@INSECURE  # aiosmtpd does not know that it has TLS when it has it from the beginning
@pytest.mark.parametrize("how", ["starttls", "implicit"])
async def test_mail_is_encrypted_for_a_server_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0,))
    context, trusted = certificate(tmp_path)
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True}
    options = options if how == "starttls" else {"ssl_context": context, "auth_require_tls": False}
    with mail_server(auth_required=True, **options) as server:
        scheme, tls = ("smtp", "?tls=required") if how == "starttls" else ("smtps", "")
        url = f"{scheme}://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}{tls}"
        await delivered(mailer(url), HELLO)
        assert server.received == []
        assert "certificate verify failed" in caplog.text

        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        await delivered(mailer(url), HELLO)
        assert len(server.to("ada@example.com")) == 1
        assert server.encrypted == [how == "starttls"]  # of the other it does not know, and could not answer without


async def test_nothing_is_sent_to_a_server_without_tls_that_must_have_it(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0,))
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}?tls=required"), HELLO)

    assert server.attempts == 0
    assert "STARTTLS" in caplog.text


async def test_a_temporary_refusal_is_tried_again(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 0.1, 0.1))
    server.replies += ["451 try later", "421 busy"]
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), HELLO)

    assert len(server.to("ada@example.com")) == 1
    assert server.attempts == 3


@pytest.mark.parametrize(("reply", "tries"), [("451 greylisted", 3), ("550 no such user", 1)])
async def test_what_stays_refused_is_logged_with_the_reason_and_neither_address_nor_link(
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reply: str,
    tries: int,
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 0.1, 0.1))
    caplog.set_level(logging.DEBUG, "todo")
    server.replies += [f"{reply} <ada@example.com> {LINK} a-secret-token-of-forty-characters-and-more"] * 3
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), HELLO)

    assert server.attempts == tries
    assert f"a greeting for a…@example.com was not sent: the mail server replied {reply} … … …" in caplog.text
    assert not [word for word in ("ada@", "secret-token") if word in caplog.text]


async def test_a_server_that_is_down_is_logged_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 0.1))
    await delivered(mailer(f"smtp://127.0.0.1:{free_port()}"), HELLO)

    assert "Connect call failed" in caplog.text


async def test_a_server_that_says_nothing_does_not_hold_a_try_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0,))
    monkeypatch.setattr(sender, "REPLY_TIMEOUT", 0.3)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        await asyncio.wait_for(delivered(mailer(f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"), HELLO), 3)
    assert "was not sent" in caplog.text
    assert "imed out" in caplog.text


async def test_one_refused_message_does_not_keep_another_from_being_sent(server: MailServer) -> None:
    server.replies.append("550 no")
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), HELLO, Mail("bob@example.com", "Hello", ("Hello",)))

    assert len(server.received) == 1


async def test_the_number_that_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MAX_WAITING", 2)
    made, release = mailer(f"smtp://127.0.0.1:{free_port()}"), asyncio.Event()

    async def prepare() -> Sequence[Mail]:
        await release.wait()
        return []

    made.send("a greeting", prepare)
    made.send("a greeting", prepare)
    with pytest.raises(Unavailable, match="Too much mail"):
        made.send("a greeting", prepare)
    release.set()
    await asyncio.gather(*made._jobs)
    made.send("a greeting", prepare)
    await made.close()


async def test_a_stopping_server_waits_for_what_is_being_sent_and_not_for_what_is_to_be_tried_again(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 60.0))
    server.replies.append("451 try later")
    made = mailer(f"smtp://127.0.0.1:{server.port}")

    async def prepare() -> Sequence[Mail]:
        return [HELLO]

    made.send("a greeting", prepare)
    async with asyncio.timeout(10):
        await asyncio.to_thread(server.attempted)
        made.send("a greeting", prepare)
        await made.close()
    assert len(server.to("ada@example.com")) == 1
    assert "451 try later" in caplog.text
    with pytest.raises(Unavailable):
        made.send("a greeting", prepare)


async def test_what_cannot_be_prepared_is_logged_and_the_database_is_asked_again(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 0.05, 0.05))
    made = mailer(f"smtp://127.0.0.1:{server.port}")
    failures: list[Exception] = [Unavailable("The database is away."), Unavailable(), ValueError("a bug")]

    async def prepare() -> Sequence[Mail]:
        if failures:
            raise failures.pop(0)
        return [HELLO]

    for _ in range(2):
        made.send("a greeting", prepare)
        await asyncio.gather(*made._jobs)
    assert "a greeting was not sent: ValueError" in caplog.text
    assert len(server.to("ada@example.com")) == 1

    failures += [Unavailable("The database is away.")] * 3
    made.send("a greeting", prepare)
    await asyncio.gather(*made._jobs)
    assert "a greeting was not prepared: The database is away." in caplog.text
    assert issubclass(Unavailable, Problem)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com>\r\nRCPT TO:<eve@example.com",
        "ada",
        "",
    ],
)
async def test_no_address_becomes_a_header_or_another_recipient(
    server: MailServer, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    await delivered(mailer(f"smtp://127.0.0.1:{server.port}"), Mail(address, "Hello", ("Hello",)))

    assert server.received == []
    assert "the address cannot be used in a message" in caplog.text
    assert "eve" not in caplog.text


def test_no_subject_and_no_name_becomes_a_header() -> None:
    with pytest.raises(ValueError, match=r"linefeed|CR|newline"):
        message(Mail("ada@example.com", "Hello\r\nBcc: eve@example.com", ()), Mailbox("", "todo@example.com"))
    with pytest.raises(ValueError, match=r"linefeed|CR|newline"):
        message(HELLO, Mailbox("Todo\r\nBcc: eve@example.com", "todo@example.com"))


def test_a_domain_of_other_characters_is_sent_as_the_dns_has_it() -> None:
    made = message(Mail("ada@münchen.example", "Grüße", ("Grüße",)), Mailbox("Töne", "todo@münchen.example"))

    assert made["To"].addresses == (Address("", "ada", "xn--mnchen-3ya.example"),)
    assert made.as_bytes().partition(b"\r\n\r\n")[0].isascii()
