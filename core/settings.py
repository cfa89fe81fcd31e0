"""The settings of an installation: frozen, read once from the environment. Nobody else reads it.

Every field is documented in ``docs/settings.md``. Settings of a *tenant* are rows, declared by plugins
with ``SettingSpec`` and read through ``core.services.settings``.
"""

from __future__ import annotations

from base64 import b64decode
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import SetupError
from core.i18n import _


class Settings(BaseSettings):
    """What the administrator decides. Names in the environment: ``YUPANA_`` and the field, upper case."""

    model_config = SettingsConfigDict(
        env_prefix="YUPANA_", frozen=True, populate_by_name=True, extra="ignore"
    )

    home: Annotated[Path, AfterValidator(Path.resolve)] = Field(
        Path("var"),
        validate_default=True,
        description="Folder of the embedded database, key and clock",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("DATABASE_URL", "YUPANA_DATABASE_URL"),
        description="Run-time login, postgresql+psycopg://…; empty: the embedded server",
    )
    database_owner_url: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("DATABASE_OWNER_URL", "YUPANA_DATABASE_OWNER_URL"),
        description="Login of the owner of the tables, for `yupana db …` only",
    )
    plugins: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Enabled plugins, separated by commas; unset: all that are installed"
    )
    host: str = Field("127.0.0.1", description="Address the web server listens on")
    port: int = Field(8080, ge=0, le=65535, description="Port of the web server")
    public_url: str = Field("", description="Address people use; empty: http://<host>:<port>")
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of the proxies in front, separated by commas: only from them"
        " X-Forwarded-For and X-Forwarded-Proto count",
    )
    web_workers: int = Field(1, ge=1, description="Web processes; one a core is enough")
    web_threads: int = Field(2, ge=1, description="Threads of a web process")
    worker_threads: int = Field(4, ge=1, description="Jobs a worker runs at a time")
    worker_poll_seconds: float = Field(0.2, gt=0, description="How often an idle worker looks")
    stalled_after_seconds: int = Field(
        30, ge=2, description="A worker silent for so long is dead; its jobs are taken up again"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="smtp://user:password@host:port, smtps://… or smtp://…?starttls=1; empty: no mail leaves",
    )
    mail_from: str = Field("no-responder@localhost", description="Address in From of every mail")
    master_key: SecretStr = Field(
        SecretStr(""), description="Base64 of 32 bytes; empty: <home>/master.key is used"
    )
    sri_simulator_port: int = Field(8099, ge=0, le=65535, description="Port of the SRI simulator")
    sri_url: str = Field(
        "",
        description="Where SRI is: empty for SRI itself (the simulator in a demo), simulator, null, or an address",
    )
    sri_authorities: str = Field(
        "",
        description="PEM file of the certification authorities whose signatures on received documents"
        " are trusted; empty: a person decides on each",
    )
    licence_key: str = Field(
        "",
        description="Self-hosted: the vendor's public key (base64 of 32 bytes, or its file). Every company then works"
        " under a signed licence document (yupana licence install); empty: only those that installed one",
    )
    failpoint: str = Field(
        "", description="Crash tests only: the place where the process kills itself, name:nth"
    )
    mailbox_port: int = Field(8025, ge=0, le=65535, description="Port of the demo's mailbox page")
    mailbox_smtp_port: int = Field(
        8026, ge=0, le=65535, description="SMTP port of the demo's mailbox"
    )
    demo: bool = Field(
        False, description="This installation is a demo: the clock may be set, pages say so"
    )
    secure_cookies: bool | None = Field(
        None, description="Cookies over HTTPS only; unset: when public_url is https"
    )

    @field_validator("plugins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(one.strip() for one in value.split(",") if one.strip())
        return value

    @field_validator("licence_key")
    @classmethod
    def _is_public_key(cls, value: str) -> str:
        if 0 < len(value) < 256 and Path(value).is_file():
            value = Path(value).read_text()
        if value and len(b64decode(value.strip(), validate=True)) != 32:
            raise ValueError("no public key")
        return value.strip()

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("postgresql://", "postgresql+psycopg://")):
            raise ValueError("no address of PostgreSQL")
        return value

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks whose forwarding headers count."""
        return _networks(self.trusted_proxies)

    @property
    def address(self) -> str:
        """The address people use, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def clock_file(self) -> Path:
        """Where the processes of a demo share their clock."""
        return self.home / "clock"

    @property
    def has_secure_cookies(self) -> bool:
        """Whether cookies travel over HTTPS only."""
        if self.secure_cookies is None:
            return self.address.startswith("https:")
        return self.secure_cookies


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(
            ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()
        )
    except ValueError as error:
        raise ValueError(f"{error} (write addresses or networks: 10.0.0.5, 10.0.0.0/24)") from None


def read_settings(**given: Any) -> Settings:
    """The settings from the environment, ``given`` first. Raises ``SetupError`` naming the setting."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        name = name if name.startswith("DATABASE_") else f"YUPANA_{name}"
        raise SetupError(
            _(
                "The setting %(name)s has a value that cannot be (%(value)s). Correct it: docs/settings.md says what it takes.",
                name=name,
                value=_shown(first["input"]),
            )
        ) from None


def _shown(value: Any) -> str:
    """A wrong value as it was typed; a secret, or an address with a password, is not shown."""
    text = str(value)
    return "***" if isinstance(value, SecretStr) or "://" in text else text[:60]


_current: Settings | None = None


def use(settings: Settings) -> Settings:
    """Make ``settings`` those of this process."""
    global _current
    _current = settings
    return settings


def current() -> Settings:
    """The settings of this process, read from the environment at first use."""
    return _current if _current is not None else use(read_settings())
