"""Settings of the console, from environment variables (`CONSOLE_...`) or a file `.env`."""

import difflib
import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import structlog
from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from integration.connectors.limits import AddressIfAny, Megabytes
from integration.connectors.registration import System
from integration.connectors.systems import SYSTEMS
from integration.core.connections import LOOPBACK, is_loopback, parse_address
from integration.core.errors import ConfigurationError, Reason
from integration.core.masking import register_secrets
from integration.process.standard_error import set_up_log
from integration.shipped import DATA
from integration.words import has_term, term
from integration.words.validation import reason_of

log = structlog.get_logger(__name__)

PREFIX = "CONSOLE_"
DATABASE = "console.sqlite"
ENGINE = "engine.sqlite"  # the file of the engine, in the data folder
AT_SOCKET = "unix://"  # prefix of a listen address that is the path of a Unix socket
LONGEST_SOCKET = 104  # bytes of a path including its terminator that every supported platform accepts
GROUPS = ("pictures", "timestamps", "provider", "login_proxy")  # each value of a group has its own variable


def _console_origin(url: str) -> str:
    """Return the origin of the console's public address. Refuses an address that would send log-ins unencrypted."""
    address = parse_address(url)
    if url and (address is None or not address.is_safe or not address.bare or address.path.strip("/")):
        raise PydanticCustomError("expected_console_address", "expected_console_address")
    return address.origin if address else ""


def _folder(path: Path) -> Path:
    """Refuse a folder whose path would be cut or decoded in the address of a database."""
    if set("?%") & set(str(path.absolute())):
        raise PydanticCustomError("expected_console_data", "expected_console_data")
    return path


def _proxy(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value().strip())
    if url.get_secret_value() and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise PydanticCustomError("expected_console_proxy", "expected_console_proxy")
    return SecretStr(url.get_secret_value().strip())


def _authorities(file: Path | None) -> Path | None:
    """Return the path of the certificates. Refuses a file without certificates when the console starts."""
    if file is None or not str(file).strip(". "):
        return None
    try:
        ssl.create_default_context().load_verify_locations(cafile=file)
    except (OSError, ValueError):  # also covers ssl.SSLError
        raise PydanticCustomError("expected_console_certificates", "expected_console_certificates") from None
    return file


def _networks(networks: str) -> str:
    try:
        for part in filter(None, map(str.strip, networks.split(","))):
            ip_network(part)
    except ValueError:
        raise PydanticCustomError("expected_console_channel_networks", "expected_console_channel_networks") from None
    return networks


class PictureSources(BaseModel):
    """Allowed sources of article pictures: a folder of this machine or a base address."""

    folder: Path | None = None
    address: AddressIfAny = ""
    megabytes: Megabytes = 5


def _time_authority(url: str) -> str:
    parts = urlsplit(url)
    if url and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise PydanticCustomError("expected_console_timestamps__address", "expected_console_timestamps__address")
    return url


class TimeStamps(BaseModel):
    """Time-stamping authority for heads of the audit log, and the certificates that verify it: both or neither."""

    address: Annotated[str, AfterValidator(_time_authority)] = ""
    certificates: Annotated[Path | None, AfterValidator(_authorities), Field(validate_default=True)] = None

    @field_validator("certificates")
    @classmethod
    def _require_certificates(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("address") and file is None:
            shape = "expected_console_timestamps__certificates"
            raise PydanticCustomError(shape, shape)
        return file


class ProviderSettings(BaseModel):
    """OpenID Connect provider that authenticates people, and our client registration there."""

    issuer: AddressIfAny = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")


def _socket_path(path: Path | None) -> Path | None:
    """Return the path of the socket if it is absolute, in an existing folder and short enough for every platform."""
    if path is None or not str(path).strip(". "):
        return None
    fits = path.is_absolute() and path.parent.is_dir() and len(os.fsencode(path)) < LONGEST_SOCKET
    if not fits or not hasattr(socket, "AF_UNIX"):
        raise PydanticCustomError("expected_console_login_proxy__socket", "expected_console_login_proxy__socket")
    return path


class LoginProxySettings(BaseModel):
    """Configuration of a reverse proxy that tells the console who is logged in: the header, and why it can be trusted.

    Either the proxy signs the header (issuer, audience and address of its public keys), or only the proxy can open
    the socket.
    """

    issuer: str = ""
    audience: str = ""
    keys: AddressIfAny = ""
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "Authorization"
    socket: Annotated[Path | None, AfterValidator(_socket_path)] = None


class Settings(BaseSettings):
    """All settings read at the start. Environment names begin with `CONSOLE_`; `__` separates a group from its value.

    The connection settings of each system are a group under the system's name; `access` returns it.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    data: Annotated[Path, AfterValidator(_folder)] = DATA
    database_url: SecretStr = SecretStr("")
    key: SecretStr = SecretStr("")
    previous_key: SecretStr = SecretStr("")
    backup_passphrase: SecretStr = SecretStr("")
    address: Annotated[str, AfterValidator(_console_origin)] = ""
    log_in: Literal["none", "proxy", "accounts", "provider"] = "none"
    provider: ProviderSettings = ProviderSettings()
    login_proxy: LoginProxySettings = LoginProxySettings()
    sandbox: bool = False
    sandbox_articles: int = Field(default=400, ge=50, le=1_000_000)
    patience_seconds: float = Field(default=60, ge=0, le=86_400, allow_inf_nan=False)
    confirmed_place: str = ""
    log: Literal["debug", "info", "warning", "error"] = "warning"
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] = SecretStr("")
    certificates: Annotated[Path | None, AfterValidator(_authorities)] = None
    channel_networks: Annotated[str, AfterValidator(_networks)] = ""
    pictures: PictureSources = PictureSources()
    timestamps: TimeStamps = TimeStamps()
    metrics_token: SecretStr = SecretStr("")

    @field_validator("key", "previous_key", "metrics_token")
    @classmethod
    def _require_length(cls, key: SecretStr) -> SecretStr:
        shortest = 16
        if key.get_secret_value() and len(key.get_secret_value()) < shortest:
            raise PydanticCustomError("expected_signs_least", "expected_signs_least", {"min_length": shortest})
        return key

    @field_validator("database_url")
    @classmethod
    def _require_database_url(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "sqlite:///")):
            raise PydanticCustomError("expected_console_database_url", "expected_console_database_url")
        return url

    @property
    def is_guarded(self) -> bool:
        """True if a log-in is required, by a proxy in front of the console or by the console itself."""
        return bool(self.address) and self.log_in != "none"

    @property
    def asks_log_in(self) -> bool:
        """True if the console identifies each person itself."""
        proves = bool(self.login_proxy.issuer or self.login_proxy.socket)
        return self.log_in in ("accounts", "provider") or (self.log_in == "proxy" and proves)

    def require_sign_on_settings(self) -> None:
        """Raise ConfigurationError if the chosen sign-on method needs a setting that is not set."""
        of_provider = ("issuer", "client_id") if self.log_in == "provider" else ()
        of_proxy = ("audience", "keys") if self.login_proxy.issuer else ()
        for group, names in (("provider", of_provider), ("login_proxy", of_proxy)):
            for name in names:
                if not getattr(getattr(self, group), name):
                    raise _missing_error(f"{PREFIX}{group.upper()}__{name.upper()}")
        if self.login_proxy.socket and self.log_in == "proxy":
            if not self.address:
                raise _missing_error(f"{PREFIX}ADDRESS")
            if not self.login_proxy.issuer and "header" not in self.login_proxy.model_fields_set:
                raise _missing_error(f"{PREFIX}LOGIN_PROXY__HEADER")

    def listen(self, host: str) -> str:
        """Return the host to listen at.

        Without a login only this machine may reach the console. With a proxy on a socket nothing but that socket is
        allowed. Raises ConfigurationError `listens_without_log_in`. An empty host means all addresses.
        """
        if self.log_in == "proxy" and self.login_proxy.socket:
            if (
                host != f"{AT_SOCKET}{self.login_proxy.socket}"
            ):  # a TCP port would let any caller set the proxy's header
                raise ConfigurationError("listens_without_log_in", host=host or "0.0.0.0")  # noqa: S104 - told, not bound
            return host
        published = parse_address(self.address)
        reached = [host, *([published.host] if published else [])]
        remote = next((address for address in reached if not is_loopback(address)), None)
        if remote is not None and not self.is_guarded:
            raise ConfigurationError("listens_without_log_in", host=remote or "0.0.0.0")  # noqa: S104 - told, not bound
        return host

    def route(self, url: str) -> dict[str, Any]:
        """Return the proxy and the certificates for calls to an address. Our proxy setting precedes the machine's.

        Hosts of `NO_PROXY` and this machine itself are reached without a proxy.
        """
        host = urlsplit(url).hostname or ""
        proxy = self.proxy.get_secret_value() or getproxies_environment().get("https", "")
        if host in LOOPBACK or host.startswith("127.") or proxy_bypass_environment(host):
            proxy = ""
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        return {"proxy": proxy, "certificates": self.certificates}

    def access(self, system: str) -> Any:
        """Return the settings group of a system, in the type that its registration names.

        The set-up of the console supplies values that are empty here.
        """
        return getattr(self, system)

    def secrets(self) -> list[str]:
        """Return all secret texts of the settings, including passwords within addresses."""
        groups = (self, self.provider, *map(self.access, SYSTEMS))
        values = [value for group in groups for _, value in group if isinstance(value, SecretStr)]
        texts = [value.get_secret_value() for value in values]
        passwords = [match[1] for text in texts if (match := re.search(r"://[^:/@]*:(.+)@", text))]
        return [
            *(text for text in texts if "://" not in text),
            *passwords,
            *(unquote(password) for password in passwords),
        ]

    def explicit_names(self) -> set[str]:
        """Return the environment names of all settings that were set explicitly."""
        inside = {f"{group}__{name}" for group in groups() for name in getattr(self, group).model_fields_set}
        return {f"{PREFIX}{name.upper()}" for name in inside | (self.model_fields_set - set(groups()))}

    @property
    def key_file(self) -> Path:
        """The file of the generated encryption key, used if no key is set."""
        return self.data / "console.key"

    def operational_url(self) -> str:
        """Return the address of the operational database, in SQLAlchemy's form."""
        url = self.database_url.get_secret_value()
        if url:
            return url.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"sqlite:///{(self.data / DATABASE).absolute()}"

    def engine_url(self) -> str:
        """Return the address of the engine's database: the same PostgreSQL server, or a separate SQLite file."""
        url = self.database_url.get_secret_value()
        if url.startswith("postgresql://"):
            return url.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"sqlite:///{(self.data / ENGINE).absolute()}"


def groups() -> tuple[str, ...]:
    """Return the names of all groups of settings: one for each registered system, and those of the console."""
    return (*SYSTEMS, *GROUPS)


def _model() -> type[Settings]:
    """Return the settings with a group for each registered system."""
    return _model_of(tuple(SYSTEMS.values()))


@cache
def _model_of(systems: tuple[System, ...]) -> type[Settings]:
    of_systems: dict[str, Any] = {system.name: (system.access, system.access()) for system in systems}
    return create_model("_Settings", __base__=Settings, **of_systems)


@dataclass(frozen=True, slots=True)
class KnownSetting:
    """One setting: its environment name, the expected form of its value, and its default as text."""

    name: str
    shape: str
    default: str


def known_settings() -> list[KnownSetting]:
    """Return all settings in the order of their declaration."""
    return list(_known_settings(_model(), PREFIX))


def _known_settings(model: type[BaseModel], prefix: str) -> Iterator[KnownSetting]:
    for name, field in model.model_fields.items():
        inside = field.annotation
        if isinstance(inside, type) and issubclass(inside, BaseModel):
            yield from _known_settings(inside, f"{prefix}{name.upper()}__")
            continue
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        default_text = str(default).lower() if isinstance(default, bool) else "" if default is None else str(default)
        yield KnownSetting(f"{prefix}{name.upper()}", term(_shape(f"{prefix}{name}")), default_text)


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    lines = [
        f"| `{setting.name}` | {setting.shape} | {setting.default and f'`{setting.default}`'} |"
        for setting in known_settings()
    ]
    return "\n".join(["| Setting | What it is | Default |", "|---|---|---|", *lines])


def load_settings(**values: Any) -> Settings:
    """Return the settings and configure logging accordingly.

    Logs a warning for each unknown name that begins with CONSOLE_, with the closest known name. Raises
    ConfigurationError with the name of the first invalid setting and the expected form.
    """
    for name in _undecodable_names():
        raise ConfigurationError("setting_invalid", setting=name, expected="expected_utf8")
    try:
        settings = _model()(**values)
    except ValidationError as error:
        raise setting_error(error, PREFIX) from None
    except SettingsError as error:  # a group of settings was given as one text that is not JSON
        group = next((name for name in groups() if f'"{name}"' in str(error)), "")
        name = f"{PREFIX}{group.upper()}"
        raise _group_error(name) from None
    except UnicodeDecodeError:
        raise ConfigurationError("setting_invalid", setting=".env", expected="expected_utf8_file") from None
    settings.require_sign_on_settings()
    register_secrets(*settings.secrets())
    set_up_log(settings.log)
    for name, nearest in unknown_settings().items():
        log.warning("there is no setting of this name", setting=name, nearest=nearest or "none is similar")
    return settings


def _undecodable_names() -> Iterator[str]:
    """Yield the names of our settings whose values are not valid text."""
    for name, value in os.environ.items():
        try:
            value.encode()
        except UnicodeEncodeError:
            if name.upper().startswith(PREFIX):
                yield name


def setting_error(error: ValidationError, prefix: str) -> ConfigurationError:
    """Return a pydantic error as ConfigurationError with the setting's full name and expected form, not its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = prefix + "__".join(str(part) for part in first["loc"]).upper()
    if name in {f"{PREFIX}{group.upper()}" for group in groups()}:
        return _group_error(name)
    is_known = any(setting.name == name for setting in known_settings())
    why = Reason(_shape(name)) if is_known else reason_of(first)
    return ConfigurationError("setting_invalid", setting=name, expected=why.code, **why.facts)


def _group_error(group: str) -> ConfigurationError:
    return ConfigurationError("setting_invalid", setting=group, expected="expected_one_each", example=f"{group}__URL")


def _missing_error(setting: str) -> ConfigurationError:
    return ConfigurationError("setting_invalid", setting=setting, expected=_shape(setting))


def _shape(name: str) -> str:
    """Return the text key of the expected form of a setting. A system may have no text for its own settings."""
    key = f"expected_{name.lower()}"
    return key if has_term(key) else "expected_any"


def unknown_settings() -> dict[str, str]:
    """Return unknown names with our prefix in the environment and `.env`, each with the closest known name."""
    names = [setting.name for setting in known_settings()]
    file = Settings.model_config.get("env_file")
    environment = {*os.environ, *(dotenv_values(file) if isinstance(file, str) else {})}
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in names)
    return {name: next(iter(difflib.get_close_matches(name.upper(), names, n=1)), "") for name in unknown}


def operating_system_user() -> str:
    """Return the name of the operating system user, empty if unknown."""
    return os.environ.get("USER", "")
