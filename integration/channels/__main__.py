"""Sends messages through channels: what to send comes in on the standard input, and what became of it goes out.

A line of JSON each: `{"address", "title", "body"}`, or `{"address"}` to have an address looked at; and for each in its
order `{"ok", "why"}`. Why is a code of the words, or what the channel said; whoever asks takes secrets out of it.
"""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

import apprise
from apprise import NotifyBase, NotifyFormat

from integration.core.connections import is_loopback


class _Said(logging.Handler):
    """The last thing the library complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.getMessage()


def _opened(address: str) -> NotifyBase | str:
    """Return what an address leads to, or why nothing may be sent there.

    What is unencrypted stays on this machine, as everything does that carries a credential.
    """
    plugin = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase) or not plugin.enabled:
        return "expected_channel"
    secured: Any = plugin.secure_protocol or ()
    secure = (secured,) if isinstance(secured, str) else tuple(secured)
    scheme = str(plugin.url()).partition("://")[0]  # type: ignore[no-untyped-call]
    host = str(plugin.host or "") if hasattr(plugin, "host") else ""
    if scheme not in secure and not (host and is_loopback(host)):
        return "expected_channel_encrypted"
    return plugin


def _answered(asked: Mapping[str, str], said: _Said) -> dict[str, Any]:
    said.last = ""
    plugin = _opened(asked["address"])
    if isinstance(plugin, str):
        return {"ok": False, "why": plugin}
    if "body" not in asked:
        return {"ok": True, "why": ""}
    try:
        done = bool(plugin.notify(body=asked["body"], title=asked["title"], body_format=NotifyFormat.TEXT))
    except Exception as error:  # noqa: BLE001 - of a hundred plug-ins, each in its own way
        return {"ok": False, "why": type(error).__name__}
    return {"ok": done, "why": "" if done else said.last}


def main() -> None:
    """Answer each line as it comes."""
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [said], False
    logger.setLevel(logging.WARNING)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answered(json.loads(line), said)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
