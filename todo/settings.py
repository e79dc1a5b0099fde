"""The settings: read once from the environment, frozen, each one described here and in docs/configuration.md."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class CannotStart(Exception):  # noqa: N818 # what it says is what happened
    """What the person who starts the program can mend; the message is one line that says how."""


class SettingsError(CannotStart):
    """A setting cannot be used; the message is one line that names it and never repeats its value."""


def _postgres_url(url: str) -> str:
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    advice = "must be a PostgreSQL URL such as postgresql://user:password@host/name"
    if not url.startswith("postgresql://"):
        raise ValueError(advice)
    try:
        host = str(conninfo_to_dict(url).get("host", ""))
    except ProgrammingError:
        raise ValueError(f"{advice}, with special characters percent-encoded") from None
    if "@" in host:  # a part of the password that was taken for the host: say so before anybody prints it
        raise ValueError("must have an @ in the user or the password percent-encoded, as %40")
    return url


def _origins(value: Any) -> Any:
    return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


def _each_is_an_origin(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}" or not parts.netloc:
            raise ValueError("each must be scheme://host[:port] without a path; * is refused")
    return origins


PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins), AfterValidator(_each_is_an_origin)]


class Settings(BaseSettings):
    """Everything a deployment may set, by environment variables of the same names in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: PostgresUrl | None = Field(
        None,
        description="The PostgreSQL (15 or newer) to use. Without it one starts by itself in `DATA_DIR`.",
    )
    direct_database_url: PostgresUrl | None = Field(
        None,
        description="The unpooled URL of the same database, for migrations, when `DATABASE_URL` is pooled.",
    )
    data_dir: Path | None = Field(
        None,
        description="Where the PostgreSQL that starts by itself keeps its data. Default: the user's data folder.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    workers: int = Field(1, ge=1, le=256, description="How many processes serve.")
    cors_origins: Origins = Field(
        (), description="Origins, separated by commas, whose pages may call the API. Default: none."
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
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="The least that is logged.")

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """The settings as the environment gives them; raises SettingsError for the first malformed value."""
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = str(first["loc"][0]).upper()
            raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None

    @cached_property
    def folder(self) -> Path:
        """DATA_DIR, or the platform's folder for a user's data."""
        if self.data_dir is not None:
            return self.data_dir.expanduser().absolute()
        from platformdirs import user_data_path

        return user_data_path("todo", appauthor=False)
