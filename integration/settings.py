"""What the console is told from outside: the environment (`CONSOLE_...`) or a file `.env`."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integration.core.errors import ConfigurationError


class AccountViewAccess(BaseModel):
    """Access to AccountView as given by the environment; what is empty comes from the console's set-up."""

    url: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    company: str = ""
    per_second: float | None = Field(default=None, gt=0, description="calls per second, above 0")


class MplusAccess(BaseModel):
    """Access to MplusKASSA as given by the environment; what is empty comes from the console's set-up."""

    url: str = ""
    ident: str = ""
    secret: SecretStr = SecretStr("")
    in_flight: int | None = Field(default=None, ge=1, le=8, description="whole number from 1 to 8")
    per_second: float | None = Field(default=None, gt=0, description="calls per second, above 0")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("https://api.mpluskassa.nl:PORT/")
        return url


class Settings(BaseSettings):
    """Everything that can be set before the start. Names in the environment: `CONSOLE_` and `__` for what is inside."""

    model_config = SettingsConfigDict(
        env_prefix="CONSOLE_", env_nested_delimiter="__", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    data: Path = Field(default=Path("data"), description="folder of the databases")
    database_url: SecretStr = Field(default=SecretStr(""), description="postgresql://user:password@host/database")
    key: SecretStr = Field(
        default=SecretStr(""), description="text that encrypts stored credentials; at least 16 signs"
    )
    sandbox: bool = Field(default=False, description="true or false: start the built-in sandbox and connect to it")
    sandbox_articles: int = Field(default=400, ge=50, le=1_000_000, description="whole number from 50 to 1000000")
    patience_seconds: float = Field(default=60, ge=0, description="seconds a system may need to show what it accepted")
    accountview: AccountViewAccess = AccountViewAccess()
    mplus: MplusAccess = MplusAccess()

    @field_validator("key")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        shortest = 16
        if key.get_secret_value() and len(key.get_secret_value()) < shortest:
            raise ValueError("at least 16 signs")
        return key

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "sqlite:///")):
            raise ValueError("postgresql://user:password@host/database")
        return url

    def operational_url(self) -> str:
        """Return the address of the operational database, in SQLAlchemy's form."""
        given = self.database_url.get_secret_value()
        if given:
            return given.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"sqlite:///{(self.data / 'console.sqlite').absolute()}"

    def engine_url(self) -> str:
        """Return the address of the engine's database: the same server, or a file of its own beside the other."""
        given = self.database_url.get_secret_value()
        if given.startswith("postgresql://"):
            return given.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"sqlite:///{(self.data / 'engine.sqlite').absolute()}"


def load_settings(**given: Any) -> Settings:
    """Return the settings. Raises ConfigurationError with the name of the first wrong one and what it should be."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = [str(part) for part in first["loc"]]
        name = "CONSOLE_" + "__".join(path).upper()
        field = Settings.model_fields.get(path[0]) if path else None
        shape = (field.description if field and len(path) == 1 else None) or first["msg"].removeprefix("Value error, ")
        raise ConfigurationError("setting_invalid", setting=name, expected=shape) from None
