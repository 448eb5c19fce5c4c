"""Environment variables for child processes: the ones they need, without any secrets."""

import os
import sys

BASE_VARIABLES = frozenset({
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
})  # fmt: skip
FAMILIES = ("LC_", "PYTHON")
SCREENS = frozenset({"DISPLAY", "WAYLAND_DISPLAY"})
DESKTOP = frozenset({"XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "DESKTOP_SESSION", "BROWSER"})
PROXY_VARIABLES = frozenset({
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
})  # fmt: skip


def base_environment() -> dict[str, str]:
    """Return the variables that any program needs: paths, language and time zone."""
    return _filter_variables(BASE_VARIABLES, FAMILIES)


def network_environment() -> dict[str, str]:
    """Return the variables for a program with network access: also proxies and certificate authorities."""
    return _filter_variables(BASE_VARIABLES | PROXY_VARIABLES, FAMILIES)


def with_database() -> dict[str, str]:
    """Return the variables for PostgreSQL's programs: also those that begin with PG."""
    return _filter_variables(BASE_VARIABLES, (*FAMILIES, "PG"))


def with_settings(**more: str) -> dict[str, str]:
    """Return the whole environment, with `more` added, for our own program with the same settings."""
    return {**os.environ, **more}


def has_screen() -> bool:
    """Return True if this machine appears to have a screen."""
    return sys.platform in ("darwin", "win32") or bool(_filter_variables(SCREENS, ()))


def with_screen() -> dict[str, str]:
    """Return the variables for a program that opens a window."""
    return _filter_variables(BASE_VARIABLES | SCREENS | DESKTOP, (*FAMILIES, "XDG_"))


def _filter_variables(names: frozenset[str], families: tuple[str, ...]) -> dict[str, str]:
    variables = os.environ.items()
    return {name: value for name, value in variables if name.upper() in names or name.upper().startswith(families)}
