"""Configuration: read once, from the environment only; what is missing or wrong stops the start with a line that says so.

For every setting `X`, `X_FILE` may name a file that holds the value, as secrets are mounted in a cluster. Values of
secrets are never printed.
"""

import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from plumbing.bus import BusSettings

Settings = TypeVar("Settings", bound=BaseSettings)


class BadConfiguration(Exception):
    """The environment does not make a working service; the text names the settings, never their values."""


_CONFIG = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class MigrationSettings(BaseSettings):
    """What the migration job of every service needs."""

    model_config = _CONFIG

    database_owner_url: SecretStr = Field(min_length=1, description="PostgreSQL address of the owner's role.")
    database_url: SecretStr = Field(
        min_length=1, description="PostgreSQL address of the run-time role, which gets the rights."
    )


class ServiceSettings(BaseSettings):
    """What every service needs."""

    model_config = _CONFIG

    database_url: SecretStr = Field(min_length=1, description="PostgreSQL address of the run-time role.")
    ops_host: str = Field("127.0.0.1", description="Where /livez, /readyz and /metrics listen.")
    ops_port: int = Field(ge=0, le=65535, description="Port of the same.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    version: str = Field("dev", description="What /version tells; set when the image is built.")
    start_seconds: float = Field(60.0, gt=0, description="How long a dependency may be missing at the start.")
    drain_seconds: float = Field(20.0, gt=0, description="How long work in progress may take after SIGTERM.")
    clock_url: str | None = Field(None, description="Simulated clock; only together with ALLOW_SIMULATED_CLOCK.")
    allow_simulated_clock: bool = Field(False, description="True only in demonstrations and tests.")

    @model_validator(mode="after")
    def _clock_is_real_unless_allowed(self) -> "ServiceSettings":
        if self.clock_url and not self.allow_simulated_clock:
            raise ValueError("CLOCK_URL is set, but ALLOW_SIMULATED_CLOCK is not: a service keeps real time")
        return self


class KafkaSettings(ServiceSettings):
    """What a service on Kafka needs besides."""

    kafka_bootstrap_servers: str
    kafka_session_timeout_ms: int = Field(30_000, ge=1_000)
    kafka_max_records: int = Field(500, ge=1, le=5_000)

    def bus(self, client_id: str) -> BusSettings:
        """The bus's part of it."""
        return BusSettings(
            bootstrap_servers=self.kafka_bootstrap_servers,
            client_id=client_id,
            session_timeout_ms=self.kafka_session_timeout_ms,
            max_records=self.kafka_max_records,
        )


def load(settings: type[Settings]) -> Settings:
    """Read the settings; raises BadConfiguration with one line per setting that is missing or wrong."""
    try:
        return settings(**_from_files(settings))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc'])).upper() or 'settings'}: {one['msg']}" for one in error.errors()]
        raise BadConfiguration("\n".join(lines)) from None
    except SettingsError as error:  # a value that is to be JSON and is not; the text names the field alone
        raise BadConfiguration(str(error)) from None


def shown(settings: ServiceSettings) -> dict[str, Any]:
    """The effective settings, secrets masked."""
    return {name.upper(): "***" if isinstance(value, SecretStr) else value for name, value in sorted(settings)}


def _from_files(settings: type[BaseSettings]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in settings.model_fields:
        path = os.environ.get(f"{name.upper()}_FILE")
        if path is None:
            continue
        try:
            values[name] = Path(path).read_text().strip()
        except OSError as error:
            raise BadConfiguration(f"{name.upper()}_FILE: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise BadConfiguration(f"{name.upper()}_FILE: is not a text") from None
    return values
