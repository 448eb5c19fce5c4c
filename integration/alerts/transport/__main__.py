"""Sends messages through channels: what to send comes in on the standard input, and what became of it goes out.

A line of JSON each: `{"address", "title", "body"}`, or `{"address"}` to have an address looked at; `networks` are those
of our own that it may lead to. For each line, in its order, `{"ok", "why"}`. Why is a code of the words, or what the
channel said; whoever asks takes secrets out of it.
"""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import apprise
from apprise import AppriseAsset, NotifyBase, NotifyFormat
from apprise.plugins import url_to_dict

from integration.alerts.transport.network import ChannelNetwork, RefusedAddressError, networks_of
from integration.alerts.transport.options import INSECURE, hosts, is_option_refused
from integration.core.connections import is_loopback

ASSET = AppriseAsset(http_redirects=False)  # a message goes to the address that was checked, or nowhere


class _Said(logging.Handler):
    """The last thing the library complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.getMessage()


def _opened(address: str, network: ChannelNetwork) -> NotifyBase | str:
    """Return what an address leads to, or why nothing may be sent there.

    What is unencrypted stays on this machine, as everything does that carries a credential. No option weakens that.
    """
    told = url_to_dict(address)  # type: ignore[no-untyped-call]
    if not told:
        return "expected_channel"
    if is_option_refused(told.get("qsd") or {}):
        return "expected_channel_option"
    plugin = apprise.Apprise.instantiate(told, asset=ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase) or not plugin.enabled:
        return "expected_channel"
    secured: Any = plugin.secure_protocol or ()
    secure = (secured,) if isinstance(secured, str) else tuple(secured)
    scheme = str(plugin.url()).partition("://")[0]  # type: ignore[no-untyped-call]
    reached = hosts((getattr(plugin, "host", ""), getattr(plugin, "smtp_host", "")))
    if scheme not in secure and not (reached and all(map(is_loopback, reached))):
        return "expected_channel_encrypted"
    if not plugin.verify_certificate or (scheme in secure and getattr(plugin, "secure_mode", "") == INSECURE):
        return "expected_channel_option"
    return plugin if all(_may_lead_to(host, network) for host in reached) else "expected_channel_network"


def _may_lead_to(host: str, network: ChannelNetwork) -> bool:
    """Tell whether a channel may lead to a host; one whose name is not known now is checked when it is connected to."""
    try:
        network.resolve(host, None)
    except RefusedAddressError:
        return False
    except (OSError, UnicodeError):
        return True
    return True


def _answered(asked: Mapping[str, str], said: _Said, network: ChannelNetwork) -> dict[str, Any]:
    said.last, network.refused = "", False
    network.networks = networks_of(asked.get("networks", ""))
    plugin = _opened(asked["address"], network)
    if isinstance(plugin, str):
        return {"ok": False, "why": plugin}
    if "body" not in asked:
        return {"ok": True, "why": ""}
    try:
        done = bool(plugin.notify(body=asked["body"], title=asked["title"], body_format=NotifyFormat.TEXT))
    except Exception as error:  # noqa: BLE001 - of a hundred plug-ins, each in its own way
        return {"ok": False, "why": "expected_channel_network" if network.refused else type(error).__name__}
    if not done and network.refused:
        return {"ok": False, "why": "expected_channel_network"}
    return {"ok": done, "why": "" if done else said.last}


def _proxies() -> list[str]:
    """Return the hosts of the proxies by which this process reaches the world."""
    given = (proxy if "://" in proxy else f"//{proxy}" for proxy in getproxies().values())
    return hosts(urlsplit(proxy).hostname for proxy in given)


def main() -> None:
    """Answer each line as it comes."""
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [said], False
    logger.setLevel(logging.WARNING)
    network = ChannelNetwork(_proxies())
    network.install()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answered(json.loads(line), said, network)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
