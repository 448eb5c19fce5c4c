"""Sends messages through channels: reads requests from standard input and writes results to standard output.

A request is one line of JSON: `{"address", "title", "body"}`, or `{"address"}` to check an address only. `networks`
lists our own networks that channels may reach. The answer to each line, in the same order, is `{"ok", "why"}`. `why` is
a key of the texts or the error of the channel; the caller removes secrets from it.
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
from integration.alerts.transport.options import INSECURE, UNENCRYPTED, hosts, is_option_refused
from integration.core.connections import is_loopback

ASSET = AppriseAsset(http_redirects=False)  # a redirect would lead to an unchecked address


class _LastWarning(logging.Handler):
    """Stores the last warning of the library."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Store the message."""
        self.last = record.getMessage()


def _open_plugin(address: str, network: ChannelNetwork) -> NotifyBase | str:
    """Return the plug-in for an address, or the key of the reason why nothing may be sent there.

    An unencrypted address must be on this machine, like everything that carries a credential. Options must not weaken
    that.
    """
    parsed = url_to_dict(address)  # type: ignore[no-untyped-call]
    if not parsed:
        return "expected_channel"
    if is_option_refused(parsed.get("qsd") or {}):
        return "expected_channel_option"
    plugin = apprise.Apprise.instantiate(parsed, asset=ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase) or not plugin.enabled:
        return "expected_channel"
    secured: Any = plugin.secure_protocol or ()
    secure = {secured} if isinstance(secured, str) else set(secured)
    scheme = str(plugin.url()).partition("://")[0]  # type: ignore[no-untyped-call]
    reached = hosts((getattr(plugin, "host", ""), getattr(plugin, "smtp_host", "")))
    if scheme not in secure - UNENCRYPTED and not (reached and all(map(is_loopback, reached))):
        return "expected_channel_encrypted"
    if not plugin.verify_certificate or (scheme in secure and getattr(plugin, "secure_mode", "") == INSECURE):
        return "expected_channel_option"
    return plugin if all(_may_connect(host, network) for host in reached) else "expected_channel_network"


def _may_connect(host: str, network: ChannelNetwork) -> bool:
    """Return True if a channel may connect to a host.

    A host whose name cannot be resolved now is checked when the connection is made.
    """
    try:
        network.resolve(host, None)
    except RefusedAddressError:
        return False
    except (OSError, UnicodeError):
        return True
    return True


def _answer(request: Mapping[str, str], log_handler: _LastWarning, network: ChannelNetwork) -> dict[str, Any]:
    log_handler.last, network.refused = "", False
    network.networks = networks_of(request.get("networks", ""))
    plugin = _open_plugin(request["address"], network)
    if isinstance(plugin, str):
        return {"ok": False, "why": plugin}
    if "body" not in request:
        return {"ok": True, "why": ""}
    try:
        is_sent = bool(plugin.notify(body=request["body"], title=request["title"], body_format=NotifyFormat.TEXT))
    except Exception as error:  # noqa: BLE001 - a hundred plug-ins raise different errors
        return {"ok": False, "why": "expected_channel_network" if network.refused else type(error).__name__}
    if not is_sent and network.refused:
        return {"ok": False, "why": "expected_channel_network"}
    return {"ok": is_sent, "why": "" if is_sent else log_handler.last}


def _proxies() -> list[str]:
    """Return the hosts of the proxies that this process uses."""
    addresses = (proxy if "://" in proxy else f"//{proxy}" for proxy in getproxies().values())
    return hosts(urlsplit(proxy).hostname for proxy in addresses)


def main() -> None:
    """Answer each line from standard input."""
    log_handler = _LastWarning()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [log_handler], False
    logger.setLevel(logging.WARNING)
    network = ChannelNetwork(_proxies())
    network.install()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line), log_handler, network)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
