"""A message of plain text and simple HTML, of which no part can become a header or an address."""

import html
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid

import idna

from todo.setting_types import Mailbox

_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent to whom. A line of `paragraphs` that is a URL becomes a link."""

    to: str
    subject: str
    paragraphs: tuple[str, ...]


def message(mail: Mail, sender: Mailbox) -> EmailMessage:
    """The message (RFC 5322). Raises ValueError for an address that cannot be one, or a line end in a header."""
    composed = EmailMessage(policy=SMTP)
    composed["From"] = _address(sender.address, sender.name)
    composed["To"] = _address(mail.to)
    composed["Subject"] = mail.subject
    composed["Date"] = format_datetime(localtime())
    composed["Message-ID"] = make_msgid(domain=domain_of(sender))
    composed["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody answers it automatically
    composed.set_content("\n\n".join(mail.paragraphs) + "\n")
    composed.add_alternative(_html(mail), subtype="html")
    return composed


def _address(address: str, name: str = "") -> Address:
    """Its local part may have other letters than ASCII (RFC 6531); the server must then offer SMTPUTF8."""
    address = ascii_domain(address)
    if address.isascii():
        return Address(name, addr_spec=address)
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def ascii_domain(address: str) -> str:
    """The address with its domain as the DNS has it (RFC 5891). Raises ValueError for a domain that is none."""
    local, at, domain = address.rpartition("@")
    if not local or not domain:
        raise ValueError("an address has two parts")
    return f"{local}{at}{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"


def domain_of(sender: Mailbox) -> str:
    """The domain that our messages come from."""
    return ascii_domain(sender.address).rpartition("@")[2]


def _html(mail: Mail) -> str:
    blocks = []
    for paragraph in mail.paragraphs:
        text = html.escape(paragraph)
        blocks.append(f'<p><a href="{text}">{text}</a></p>' if _LINK.fullmatch(paragraph) else f"<p>{text}</p>")
    title = html.escape(mail.subject)
    body = "\n".join(blocks)
    return f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head><body>\n{body}\n</body></html>\n'
