"""How Streamlit is set, whichever way the console is started: what it would allow beside us, it does not."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from streamlit import config

FIXED: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],  # no page around ours may send it messages
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.maxUploadSize": 4,  # megabytes, of who administers the console; what takes a file takes less
    "server.scriptHealthCheckEnabled": False,
    "server.showEmailPrompt": False,
    "server.trustedUserHeaders": {},
}
NAMES = ("localhost", "127.0.0.1", "::1")


def options(public: str) -> dict[str, Any]:
    """Return the options of Streamlit for a console that is published at an address, or at none."""
    host = urlsplit(public).hostname
    return {
        **FIXED,
        "server.allowedHosts": [*NAMES, *([host] if host else [])],
        "server.corsAllowedOrigins": [public] if public else [],
        # Without it Streamlit asks an address outside for that of this machine: to print it, and to compare pages with.
        "browser.serverAddress": host or "localhost",
    }


def settle_options(public: str) -> None:
    """Set the options now, and again whenever Streamlit reads its files anew."""

    def put() -> None:
        for name, value in options(public).items():
            config.set_option(name, value)

    put()
    config.on_config_parsed(put, force_connect=True)
