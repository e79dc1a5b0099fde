"""Settings: read once, frozen, and refused in one line that names the setting and never its value."""

import os
from pathlib import Path
from typing import Any

import pydantic
import pytest

from todo.setting_types import Mailbox, SmtpServer
from todo.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://ada:hunter2@db/todo"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "postgresql://ada:hunter2@db:port/todo?nonsense=hunter2"),
        ("DATABASE_URL", "postgresql://ada:hunter2@hunter2@db/todo"),
        ("DATABASE_URL", "postgresql://ada:p@hunter2:word@localhost:1/db"),
        ("DATABASE_URL", "postgresql://ada:pa/hunter2@localhost/db"),
        ("DIRECT_DATABASE_URL", "hunter2"),
        ("DIRECT_DATABASE_URL", "postgresql://ada@db/todo"),
        ("PORT", "hunter2"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example.com, *"),
        ("CORS_ORIGINS", "https://a.example.com/hunter2"),
        ("CORS_ORIGINS", "https://a.example.com//"),
        ("CORS_ORIGINS", "https://ada:hunter2@a.example.com"),
        ("CORS_ORIGINS", "https://a.example.com:0"),
        ("CORS_ORIGINS", "https://a.example.com:99999"),
        ("CORS_ORIGINS", "https://a..\u2603.\u0301hunter2"),
        ("CORS_ORIGINS", "file://hunter2"),
        ("CORS_ORIGINS", "http://[::hunter2]"),
        ("CORS_ORIGINS", "https://*.app"),
        ("CORS_ORIGINS", "https://*"),
        ("CORS_ORIGINS", "https://a.*.example.app"),
        ("CORS_ORIGINS", "https://*.*.example.app"),
        ("CORS_ORIGINS", "capacitor://*.example.app"),
        ("CORS_ORIGINS", "*://a.example.app"),
        ("ROOT_PATH", "todo"),
        ("ROOT_PATH", "//todo"),
        ("ROOT_PATH", "/todo/../hunter2"),
        ("ROOT_PATH", "/hunter2?x"),
        ("ROOT_PATH", "/to do"),
        ("ROOT_PATH", "/api"),
        ("ROOT_PATH", "/page"),
        ("PAGE", "hunter2"),
        ("CORS_ORIGINS", "a.example.com"),
        ("CORS_ORIGINS", "null"),
        ("POOL_SIZE", "-1"),
        ("POOL_TIMEOUT", "nan"),
        ("PREPARE_THRESHOLD", "many"),
        ("LOG_LEVEL", "loud"),
        ("JWT_SECRET", "hunter2"),
        ("JWT_SECRET", "x" * 31),
        ("JWT_JWKS_URL", "http://issuer.example.com/hunter2"),
        ("JWT_JWKS_URL", "file:///hunter2"),
        ("JWT_JWKS_URL", "https://ada:hunter2@issuer.example.com/keys"),
        ("HSTS_MAX_AGE", "-1"),
        ("JWT_ISSUER", "http://issuer.example.com"),
        ("JWT_ISSUER", "https://issuer.example.com"),
        ("JWT_AUDIENCE", "hunter2"),
        ("RATE_LIMIT", "hunter2"),
        ("RATE_LIMIT", "0"),
        ("RATE_LIMIT_STORE", "memcached://hunter2"),
        ("ACCESS_TOKEN_LIFETIME", "0"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("RATE_LIMIT", "0/minute"),
        ("RATE_LIMIT", "5/minute;1/hour"),
        ("RATE_LIMIT", "5/month"),
        ("RATE_LIMIT_STORE", "redis://:hunter2@127.0.0.1:abc/0"),
        ("RATE_LIMIT_STORE", "redis://:hunter2@127.0.0.1/zero"),
        ("JWT_JWKS_URL", "https://example.com:abc/x"),
        ("JWT_JWKS_URL", "http://localhost:99999/x"),
        ("JWT_SECRET", "-----BEGIN PUBLIC KEY-----" + "x" * 40),
        ("TRUSTED_PROXIES", "10.0.0.1, proxy.hunter2"),
        ("SMTP_URL", "hunter2"),
        ("SMTP_URL", "http://ada:hunter2@mail.example.com"),
        ("SMTP_URL", "smtp://ada:hunter2@"),
        ("SMTP_URL", "smtp://ada:hunter2@mail.example.com:port"),
        ("SMTP_URL", "smtp://ada:hunter2@mail.example.com:99999"),
        ("SMTP_URL", "smtp://ada:p@hunter2@mail.example.com"),
        ("SMTP_URL", "smtp://ada:p/hunter2@mail.example.com"),
        ("SMTP_URL", "smtp://ada:hunter2%0d%0aQUIT@mail.example.com"),
        ("SMTP_URL", "smtp://hunter2@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com/hunter2"),
        ("SMTP_URL", "smtp://mail.example.com?hunter2"),
        ("SMTP_URL", "smtp://mail.example.com?tls=hunter2"),
        ("SMTP_URL", "smtp://ada:hunter2@mail.example.com?tls=off"),
        ("SMTP_URL", "smtps://ada:hunter2@mail.example.com?tls=off"),
        ("MAIL_FROM", "hunter2"),
        ("MAIL_FROM", "Todo <hunter2>"),
        ("MAIL_FROM", "todo@example.com, hunter2@example.com"),
        ("MAIL_FROM", "Todo\nBcc: hunter2@example.com <todo@example.com>"),
        ("PUBLIC_URL", "hunter2.example.com"),
        ("PUBLIC_URL", "javascript:hunter2"),
        ("PUBLIC_URL", "https://ada:hunter2@todo.example.com"),
        ("PUBLIC_URL", "https://todo.example.com/#hunter2"),
        ("PUBLIC_URL", "https://todo.example.com/?hunter2"),
        ("PUBLIC_URL", "https://"),
    ],
)
def test_a_malformed_value_is_refused_with_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        Settings.from_environment()

    message = str(refused.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://ada@db/todo", "postgresql://ada@db/todo"),
        ("postgresql:///todo", "postgresql:///todo"),
        ("postgresql+psycopg://ada@db/todo", "postgresql://ada@db/todo"),
        ("postgresql+psycopg2://ada@db/todo", "postgresql://ada@db/todo"),
        ("postgres+asyncpg://ada@db/todo", "postgresql://ada@db/todo"),
        (
            "postgres://ada:p%40ss@ep-cool-pooler.example.com/neondb?sslmode=require&channel_binding=require",
            "postgresql://ada:p%40ss@ep-cool-pooler.example.com/neondb?sslmode=require&channel_binding=require",
        ),
        (
            "postgresql://ada:x@db/todo?sslmode=require&options=endpoint%3Dep-cool",
            "postgresql://ada:x@db/todo?sslmode=require&options=endpoint%3Dep-cool",
        ),
    ],
)
def test_the_urls_that_providers_give_are_accepted(monkeypatch: pytest.MonkeyPatch, given: str, kept: str) -> None:
    monkeypatch.setenv("DATABASE_URL", given)

    assert Settings.from_environment().database_url == kept


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 587, None, None, "starttls")),
        ("smtps://mail.example.com/", SmtpServer("mail.example.com", 465, None, None, "implicit")),
        (
            "smtp://ada%40example.com:p%40ss%2F%20%25@mail.example.com:2525",
            SmtpServer("mail.example.com", 2525, "ada@example.com", "p@ss/ %", "starttls"),
        ),
        ("smtp://mail:25?tls=off", SmtpServer("mail", 25, None, None, "off")),
        ("smtp://localhost:1025", SmtpServer("localhost", 1025, None, None, "off")),
        ("smtp://ada:x@[::1]:1025", SmtpServer("::1", 1025, "ada", "x", "off")),
        ("smtp://127.0.0.1?tls=required", SmtpServer("127.0.0.1", 587, None, None, "starttls")),
    ],
)
def test_mail_is_encrypted_unless_it_stays_here_or_the_setting_says_so(url: str, server: SmtpServer) -> None:
    given = {"smtp_url": url, "mail_from": "todo@example.com", "public_url": "https://todo.example.com"}
    settings = Settings.from_environment(**given)

    assert settings.smtp_url == server
    assert "p@ss" not in repr(settings)


def test_the_metrics_have_a_port_of_their_own() -> None:
    with pytest.raises(SettingsError, match=r"^METRICS_PORT: must be another port than PORT, which is 8123$"):
        Settings.from_environment(port="8123", metrics_port="8123")
    assert Settings.from_environment(port="8123", metrics_port="8124").metrics_port == 8124


def test_a_mail_server_needs_a_sender_and_an_address_of_the_page() -> None:
    given = {"smtp_url": "smtp://localhost", "mail_from": "Todo <todo@example.com>", "public_url": "https://x.example"}
    for name in ("mail_from", "public_url"):
        with pytest.raises(SettingsError, match=f"^{name.upper()}: is required with SMTP_URL$"):
            Settings.from_environment(**given | {name: None})
    with pytest.raises(SettingsError, match=r"^SMTP_URL: mail is for built-in accounts"):
        Settings.from_environment(**given, jwt_secret="x" * 32)
    assert Settings.from_environment(**given).mail_from == Mailbox("Todo", "todo@example.com")


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example.com, http://localhost:3000,")

    assert Settings.from_environment().cors_origins.entries == ("https://a.example.com", "http://localhost:3000")


@pytest.mark.parametrize(("given", "kept"), [("/todo", "/todo"), ("/todo/", "/todo"), ("/", ""), ("/a/b.c", "/a/b.c")])
def test_a_root_path_ends_without_a_slash(monkeypatch: pytest.MonkeyPatch, given: str, kept: str) -> None:
    monkeypatch.setenv("ROOT_PATH", given)

    assert Settings.from_environment().root_path == kept


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("PORT", "8001\r", 8001),
        ("PORT", "\ufeff8001", 8001),
        ("PORT", " 8001\n", 8001),
        ("HOST", "::1\r\n", "::1"),
        ("LOG_LEVEL", "debug\r", "debug"),
        ("DATABASE_URL", "postgresql://ada@db/todo\n", "postgresql://ada@db/todo"),
        ("DATABASE_URL", "\ufeffpostgres://ada@db/todo\r\n", "postgresql://ada@db/todo"),
        ("TRUSTED_PROXIES", "10.0.0.1,10.0.0.2\r", ("10.0.0.1", "10.0.0.2")),
        ("JWT_JWKS_URL", "https://issuer.example.com/jwks\n", "https://issuer.example.com/jwks"),
        ("DATA_DIR", "/somewhere\r\n", Path("/somewhere")),
        ("PORT", "\r\n", 8000),
        ("DATABASE_URL", "\n", None),
    ],
)
def test_what_a_file_puts_around_a_value_is_ignored(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, kept: Any
) -> None:
    monkeypatch.setenv(name, value)

    assert getattr(Settings.from_environment(), name.lower()) == kept


def test_what_a_file_puts_around_origins_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example.com,https://b.example.com\r")

    assert Settings.from_environment().cors_origins.entries == ("https://a.example.com", "https://b.example.com")


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "\ufeff{}", "{}"])
def test_a_secret_keeps_its_spaces_and_loses_its_line_end(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    secret = " a secret of thirty-two bytes and more "
    monkeypatch.setenv("JWT_SECRET", around.format(secret))

    kept = Settings.from_environment().jwt_secret

    assert kept is not None
    assert kept.get_secret_value() == secret


def test_a_secret_must_be_long_without_its_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "x" * 31 + "\n")

    with pytest.raises(SettingsError, match="JWT_SECRET: must have at least 32 bytes"):
        Settings.from_environment()


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("PORT", "")

    settings = Settings.from_environment()

    assert (settings.database_url, settings.port) == (None, 8000)


def test_the_command_line_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")

    assert Settings.from_environment(port=2, host=None).port == 2


def test_settings_are_frozen() -> None:
    changed: Any = Settings.from_environment()
    with pytest.raises(pydantic.ValidationError):
        changed.port = 1


def test_the_data_folder_is_in_the_users_home_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert Settings.from_environment().folder == Path("/somewhere/todo")
    monkeypatch.setenv("DATA_DIR", "~/mine")
    assert Settings.from_environment().folder == Path("~/mine").expanduser()


@pytest.mark.skipif(os.geteuid() != 0, reason="of root")
def test_roots_data_folder_is_one_that_others_can_enter_unless_there_is_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.from_environment().folder == Path("/var/lib/todo")

    older = tmp_path / ".local" / "share" / "todo"
    (older / "postgres").mkdir(parents=True)
    assert Settings.from_environment().folder == older
