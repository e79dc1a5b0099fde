"""Delivery: a bounded number of messages at a time, each tried a few times, none in the way of a request.

What waits is in memory. A message that could not be delivered is logged with its cause, without its content and
without the whole address.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from email.message import EmailMessage

import aiosmtplib

from todo.mail.message import Mail, domain_of, message
from todo.observation import CURRENT
from todo.problems import Problem, Unavailable
from todo.setting_types import Mailbox, SmtpServer

log = logging.getLogger("todo")

MAX_WAITING = 500
"""Jobs that wait or are tried; one more is refused."""

MAX_CONNECTIONS = 4
"""Connections to the server at once."""

PAUSES = (0.0, 5.0, 30.0, 120.0)
"""Seconds before each try."""

REPLY_TIMEOUT = 10.0  # seconds that one reply of the server may take
TRY_TIMEOUT = 30.0  # seconds that one try may take
CLOSE_TIMEOUT = 5.0  # seconds that a stopping process waits for what is being sent

Prepare = Callable[[], Awaitable[Sequence[Mail]]]


class Mailer:
    """Sends mail from `sender` by `server`."""

    def __init__(self, server: SmtpServer, sender: Mailbox) -> None:
        self._server = server
        self._sender = sender
        self._tls = ssl.create_default_context() if server.tls != "off" else None
        self._jobs: set[asyncio.Task[None]] = set()
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._closing = asyncio.Event()
        self._quiet_until = 0.0

    def send(self, purpose: str, prepare: Prepare) -> None:
        """Call `prepare` later, and send what it returns. Raises Unavailable when too much waits already.

        `purpose` names the mail in the log.
        """
        if len(self._jobs) >= MAX_WAITING or self._closing.is_set():
            self._log_refusal(purpose)
            raise Unavailable("Too much mail waits to be sent. Try again in a minute.", retry_after=60)
        context = copy_context()
        context.run(CURRENT.set, None)  # what it does is not part of the request
        job = asyncio.create_task(self._run(purpose, prepare), context=context)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _log_refusal(self, purpose: str) -> None:
        """Once a minute at most."""
        if (now := time.monotonic()) >= self._quiet_until:
            self._quiet_until = now + 60
            log.error("mail: %s was not sent: too much mail waits to be sent", purpose)

    async def close(self) -> None:
        """Let running deliveries end, for CLOSE_TIMEOUT seconds; nothing is tried again."""
        self._closing.set()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=CLOSE_TIMEOUT)
        if unfinished := [*self._jobs]:
            for job in unfinished:
                job.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
            log.warning("mail: %d not sent, since the server stops", len(unfinished))

    async def _run(self, purpose: str, prepare: Prepare) -> None:
        try:
            mails = await self._prepared(prepare)
            await asyncio.gather(*(self._deliver(purpose, mail) for mail in mails))
        except Problem as problem:
            log.error("mail: %s was not prepared: %s", purpose, problem.detail)  # noqa: TRY400 # the cause is known
        except Exception as error:
            log.exception("mail: %s was not sent: %s", purpose, type(error).__name__)

    async def _prepared(self, prepare: Prepare) -> Sequence[Mail]:
        """What is to be sent, once the database answers. Raises Unavailable when it does not for all tries."""
        for pause in PAUSES[1:]:
            try:
                return await prepare()
            except Unavailable:
                if await self._stopping_within(pause):
                    raise
        return await prepare()

    async def _deliver(self, purpose: str, mail: Mail) -> None:
        try:
            composed = message(mail, self._sender)  # once: each try has the same Message-ID
        except ValueError:
            log.warning("mail: %s was not sent: the address cannot be used in a message", purpose)
            return
        cause, level = "", logging.ERROR
        for number, pause in enumerate(PAUSES, 1):
            if pause and await self._stopping_within(pause):
                break
            try:
                async with self._connections, asyncio.timeout(TRY_TIMEOUT):
                    await self._try(composed)
            except (aiosmtplib.SMTPException, OSError) as error:
                cause, level = cause_of(error), _level_of(error)
                if _is_permanent(error):
                    break
                log.debug("mail: %s, try %d: %s", purpose, number, cause)
            else:
                return
        log.log(level, "mail: %s for %s was not sent: %s", purpose, masked(mail.to), cause)

    async def _try(self, composed: EmailMessage) -> None:
        server = self._server
        connection = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
            local_hostname=domain_of(self._sender),
            timeout=REPLY_TIMEOUT,
        )
        async with connection:
            await connection.send_message(composed)

    async def _stopping_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False


def masked(address: str) -> str:
    """What the log shows of an address."""
    return f"{address[:1]}…@{address.rpartition('@')[2]}"


_REVEALING = re.compile(r"\S*(?:[@#%]|://)\S*|\S{40,}")
"""Words of a server's reply that may be an address, a link or a token."""


def cause_of(error: Exception) -> str:
    """Why a try failed, without words that may be an address, a link or a token."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server replied {error.code} {_REVEALING.sub('…', error.message)[:200]}"
    return f"{_REVEALING.sub('…', str(error))[:200] or 'no answer in time'} ({type(error).__name__})"


def _level_of(error: Exception) -> int:
    """A warning for a refused recipient, which anybody can cause; an error for what the administrator has to see."""
    return logging.WARNING if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else logging.ERROR


def _is_permanent(error: Exception) -> bool:
    """Whether another try would fail the same way: replies from 500 on (RFC 5321 §4.2.1), and missing extensions."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code >= 500
    return isinstance(error, aiosmtplib.SMTPNotSupported)
