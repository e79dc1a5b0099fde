"""Settings: read once, frozen, and refused in one line that names the setting and never its value."""

import os
from pathlib import Path
from typing import Any

import pydantic
import pytest

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
        ("CORS_ORIGINS", "https://a.example.com/"),
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


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example.com, http://localhost:3000,")

    assert Settings.from_environment().cors_origins == ("https://a.example.com", "http://localhost:3000")


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
