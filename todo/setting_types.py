"""Types of settings: what a value must look like. What each refuses, it says without repeating the value."""

import importlib.util
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator
from pydantic.networks import validate_email
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from todo.origins import Origins

if TYPE_CHECKING:
    from todo.settings import Settings


def _postgres_url(url: str) -> str:
    url = re.sub(r"^postgres(?:ql)?(?:\+(?:psycopg|psycopg2|psycopg_async|asyncpg|pg8000))?://", "postgresql://", url)
    advice = "must be a PostgreSQL URL such as postgresql://user:password@host/name"
    if not url.startswith("postgresql://"):
        raise ValueError(advice)
    try:
        port = str(conninfo_to_dict(url).get("port", ""))
    except ProgrammingError:
        raise ValueError(f"{advice}, with special characters percent-encoded") from None
    # What is left of a password in the wrong place would be taken for a host and printed: refuse it before.
    before = url.partition("?")[0]
    if before.count("@") > 1 or "@" in urlsplit(before).path or not set(port) <= set("0123456789,"):
        raise ValueError(
            "must have special characters in the user and the password percent-encoded: @ as %40, / as %2F"
        )
    return url


def _separated(value: Any) -> Any:
    return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


def _origins(value: Any) -> Any:
    return Origins(_separated(value)) if isinstance(value, str | tuple) else value


SERVED = {
    *("/api", "/api/auth", "/docs", "/docs/assets", "/health", "/manual", "/mcp", "/oauth", "/oauth/page", "/page"),
    "/.well-known",
}


def _root_path(path: str) -> str:
    path = path.rstrip("/")
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*", path) or {".", ".."} & {*path.split("/")}:
        raise ValueError("must be a path such as /todo, of plain characters")
    if path in SERVED:
        raise ValueError("must not be a path of the API itself: choose another one, such as /todo")
    return path


PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
Host = Annotated[str, AfterValidator(lambda host: host.removeprefix("[").removesuffix("]"))]
RootPath = Annotated[str, AfterValidator(_root_path)]
OriginList = Annotated[Origins, NoDecode, BeforeValidator(_origins)]


def _port_is_one(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _safe_url(url: str) -> str:
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if _port_is_one(parts) and parts.password is None and (here or (parts.scheme == "https" and parts.hostname)):
        return url
    raise ValueError("must be an https:// URL (http:// on this machine only) without a password")


def _safe_issuer(issuer: str) -> str:
    return _safe_url(issuer) if issuer.startswith("http:") else issuer


def _rate_limit(rate: str) -> str:
    from limits import parse_many

    if rate != "off":
        advice = "must be off, or one limit such as 6000/minute or 100/second: at least 1 request, at most a day"
        try:
            [limit] = parse_many(rate)
        except ValueError:
            raise ValueError(advice) from None
        if limit.amount < 1 or not 1 <= limit.get_expiry() <= 86_400:
            raise ValueError(advice)
    return rate


def _each_is_a_network(networks: tuple[str, ...]) -> tuple[str, ...]:
    for network in networks:
        try:
            all_addresses = ipaddress.ip_network(network).prefixlen == 0
        except ValueError:
            all_addresses = True
        if all_addresses:
            raise ValueError("each must be an address or a network such as 10.0.0.0/8, not all addresses")
    return networks


def _redis_url(url: str) -> str:
    parts = urlsplit(url)
    number = parts.path.removeprefix("/")
    fits = parts.hostname and _port_is_one(parts) and (not number or number.isdecimal()) and not parts.query
    if parts.scheme not in {"redis", "rediss"} or not fits:
        raise ValueError("must be a Redis URL such as redis://host:6379/0")
    if importlib.util.find_spec("redis") is None:
        raise ValueError("needs the extra: install todo-task-api with the extra redis")
    return url


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that takes mail, as SMTP_URL names it."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    tls: Literal["off", "starttls", "implicit"]


SMTP_PORTS = {"smtp": 587, "smtps": 465}
"""Of submission (RFC 6409 §3.1), and of submission over TLS from the beginning (RFC 8314 §3.3)."""


def _smtp_server(url: object) -> object:
    if not isinstance(url, str):
        return url
    advice = "must be an SMTP URL such as smtp://user:password@host:587, with special characters percent-encoded"
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        fits = (
            re.fullmatch(r"[\w.:-]+", parts.hostname or "")
            and _port_is_one(parts)
            and parts.path in {"", "/"}
            and not parts.fragment
        )
    except ValueError:
        raise ValueError(advice) from None
    user, password = (unquote(each) if each is not None else None for each in (parts.username, parts.password))
    odd = parts.netloc.count("@") > 1 or re.search(r"[\x00-\x1f\x7f]", f"{user}{password}")
    if parts.scheme not in SMTP_PORTS or not fits or odd or bool(user) != bool(password):
        raise ValueError(advice)
    if not options.keys() <= {"tls"} or options.get("tls", "required") not in {"required", "off"}:
        raise ValueError("may end in ?tls=required or ?tls=off, and in no other parameter")
    assert parts.hostname
    here = _is_loopback(parts.hostname)
    encrypted = options.get("tls", "off" if here else "required") == "required"
    if parts.scheme == "smtps" and options.get("tls") == "off":
        raise ValueError("smtps:// is TLS: use smtp:// with ?tls=off")
    if not encrypted and not here and password:
        raise ValueError("would send the password unencrypted: leave out ?tls=off, or the user and the password")
    tls: Literal["off", "starttls", "implicit"] = "starttls" if encrypted else "off"
    if parts.scheme == "smtps":
        tls = "implicit"
    return SmtpServer(parts.hostname, parts.port or SMTP_PORTS[parts.scheme], user or None, password or None, tls)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Who mail comes from: an address, and perhaps a name."""

    name: str
    address: str


def _mailbox(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        name, address = validate_email(text)
    except PydanticCustomError:
        name, address = "", ""
    if not (name.isprintable() and address and address.partition("@")[0].isascii()):
        raise ValueError("must be an e-mail address such as todo@example.com or Todo <todo@example.com>")
    return Mailbox(name if "<" in text else "", address)


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or parts.username is not None or re.search(r"[\x00-\x20\x7f]", url))
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _port_is_one(parts) or not plain:
        raise ValueError("must be the address of the page such as https://todo.example.com")
    return url.rstrip("/")


SmtpUrl = Annotated[SmtpServer, NoDecode, BeforeValidator(_smtp_server)]
MailAddress = Annotated[Mailbox, NoDecode, BeforeValidator(_mailbox)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
SafeUrl = Annotated[str, AfterValidator(_safe_url)]
SafeIssuer = Annotated[str, AfterValidator(_safe_issuer)]
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated), AfterValidator(_each_is_a_network)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated)]


def check_together(settings: "Settings") -> None:
    """Raise ValueError, which begins with the name of one, where two settings do not fit together."""
    if settings.direct_database_url is not None and settings.database_url is None:
        raise ValueError("DIRECT_DATABASE_URL: requires DATABASE_URL, which is not set")
    if settings.metrics_port and settings.metrics_port == settings.port:
        raise ValueError(f"METRICS_PORT: must be another port than PORT, which is {settings.port}")
    if settings.auth_aliases and settings.root_path == "/auth":
        raise ValueError("ROOT_PATH: must not be /auth with AUTH_ALIASES, which serves that path itself")
    if settings.log_key is not None and not 16 <= len(settings.log_key_bytes) <= 64:
        raise ValueError("LOG_KEY: must have 16 to 64 bytes")
    if settings.jwt_secret is not None and len(settings.jwt_secret.get_secret_value().encode()) < 32:
        raise ValueError("JWT_SECRET: must have at least 32 bytes")
    if settings.jwt_secret is not None and "-----BEGIN" in settings.jwt_secret.get_secret_value():
        raise ValueError("JWT_SECRET: contains a PEM key: publish it as a key set and set JWT_JWKS_URL")
    if settings.jwt_secret is not None and settings.jwt_jwks_url is not None:
        raise ValueError("JWT_SECRET: set it or JWT_JWKS_URL, not both: there is one issuer")
    for name in ("mail_from", "public_url"):
        if settings.smtp_url is not None and getattr(settings, name) is None:
            raise ValueError(f"{name.upper()}: is required with SMTP_URL")
    if settings.smtp_url is not None and settings.external_issuer:
        raise ValueError("SMTP_URL: mail is for built-in accounts, which JWT_JWKS_URL or JWT_SECRET switches off")
    for name in ("jwt_issuer", "jwt_audience", "jwt_authorized_parties"):
        if getattr(settings, name) and not settings.external_issuer:
            raise ValueError(f"{name.upper()}: requires JWT_JWKS_URL or JWT_SECRET, which are not set")
