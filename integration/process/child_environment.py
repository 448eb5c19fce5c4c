"""The environment that programs begun by this one get: what they need of it, and no secret of ours or of anybody's."""

import os
import sys

NEEDED = frozenset({
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
})  # fmt: skip
FAMILIES = ("LC_", "PYTHON")
SCREENS = frozenset({"DISPLAY", "WAYLAND_DISPLAY"})
DESKTOP = frozenset({"XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "DESKTOP_SESSION", "BROWSER"})
WAY_OUT = frozenset({
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
})  # fmt: skip


def bare() -> dict[str, str]:
    """Return what any program needs of our environment: where its files, words and clock are."""
    return _kept(NEEDED, FAMILIES)


def with_way_out() -> dict[str, str]:
    """Return the same for a program that reaches the world: with proxies and authorities for certificates."""
    return _kept(NEEDED | WAY_OUT, FAMILIES)


def with_database() -> dict[str, str]:
    """Return the same for the programs of PostgreSQL, which read its own variables."""
    return _kept(NEEDED, (*FAMILIES, "PG"))


def with_settings(**more: str) -> dict[str, str]:
    """Return the whole environment for a program of ours that reads the same settings, with `more` of them."""
    return {**os.environ, **more}


def has_screen() -> bool:
    """Tell whether this machine has a screen that somebody may sit before, as far as it says."""
    return sys.platform in ("darwin", "win32") or bool(_kept(SCREENS, ()))


def with_screen() -> dict[str, str]:
    """Return what a program needs that opens a window."""
    return _kept(NEEDED | SCREENS | DESKTOP, (*FAMILIES, "XDG_"))


def _kept(names: frozenset[str], families: tuple[str, ...]) -> dict[str, str]:
    given = os.environ.items()
    return {name: value for name, value in given if name.upper() in names or name.upper().startswith(families)}
