"""Streamlit options of the console, however it is started. They disable features that would bypass the guard."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from streamlit import config

FIXED: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],  # no embedding page may send messages
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.maxUploadSize": 4,  # megabytes, for administrators only; each upload field has a lower limit
    "server.scriptHealthCheckEnabled": False,
    "server.showEmailPrompt": False,
    "server.trustedUserHeaders": {},
}
NAMES = ("localhost", "127.0.0.1", "::1")


def options(public: str) -> dict[str, Any]:
    """Return the Streamlit options of a console with this public address, which may be empty."""
    host = urlsplit(public).hostname
    return {
        **FIXED,
        "server.allowedHosts": [*NAMES, *([host] if host else [])],
        "server.corsAllowedOrigins": [public] if public else [],
        # Without it, Streamlit asks an external service for this machine's address, to print it and to compare origins.
        "browser.serverAddress": host or "localhost",
    }


def set_options(public: str) -> None:
    """Set the options now, and again whenever Streamlit reads its configuration files."""

    def put() -> None:
        for name, value in options(public).items():
            config.set_option(name, value)

    put()
    config.on_config_parsed(put, force_connect=True)
