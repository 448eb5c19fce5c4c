"""Limits the network for channels to public addresses, this machine, and networks that an administrator allows.

A process resolves each name once. The result is checked, and every connection goes to exactly that address.
"""

import ipaddress
import socket
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

from integration.core.connections import is_loopback

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")  # all that is given out of IPv6; the rest is local, or wraps IPv4
NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
)  # the metadata address of Azure, and special ranges of the IANA registries that not every Python version knows


def networks_of(text: str) -> tuple[IpNetwork, ...]:
    """Return the networks of a comma-separated list. Raises ValueError for an invalid network."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_public(address: IpAddress) -> bool:
    """Return True if an address belongs to the public internet, and so does the IPv4 address that it embeds."""
    inner = _embedded_address(address)
    if inner is not None and not is_public(inner):
        return False
    if isinstance(address, ipaddress.IPv6Address) and inner is None and address not in UNICAST:
        return False
    if address.is_multicast or any(address in network for network in NOT_PUBLIC):
        return False
    return address.is_global or inner is not None


def _embedded_address(address: IpAddress) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address embeds."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class RefusedAddressError(socket.gaierror):
    """A channel must not connect to this address."""


class ChannelNetwork:
    """Checks the addresses of connections, and caches the resolved addresses of names."""

    def __init__(self, proxies: Collection[str] = (), resolve: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        """`proxies` are the proxy hosts from the settings; they may have any address."""
        self.networks: Sequence[IpNetwork] = ()  # our own networks that channels may reach
        self.refused = False  # True if an address was refused since the last reset
        self._proxies = frozenset(proxies)
        self._resolve = resolve
        self._resolved_names: dict[str, list[str]] = {}
        self._proxy_addresses: set[IpAddress] = set()

    def install(self) -> None:
        """Check every connection of this process from now on."""
        socket.getaddrinfo = self.resolve
        sys.addaudithook(self._audit)

    def resolve(self, host: Any, port: Any, *rest: Any, **options: Any) -> list[Any]:
        """Return the result of `socket.getaddrinfo` for the address to which a name was first resolved.

        Raises RefusedAddressError if any of its addresses is not allowed.
        """
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if not name:
            return self._resolve(host, port, *rest, **options)
        if name not in self._resolved_names:
            self._resolved_names[name] = self._addresses(name)
        addresses = [ipaddress.ip_address(text) for text in self._resolved_names[name]]
        if name in self._proxies:
            self._proxy_addresses.update(addresses)
        elif not all(self._is_allowed(address, named_loopback=is_loopback(name)) for address in addresses):
            raise self._refusal()
        return [
            pair for text in self._resolved_names[name] for pair in self._resolve_address(text, port, *rest, **options)
        ]

    def _addresses(self, name: str) -> list[str]:
        try:
            return [str(ipaddress.ip_address(name))]
        except ValueError:
            pairs = self._resolve(name, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(pair[4][0]) for pair in pairs))

    def _resolve_address(self, address: str, port: Any, *rest: Any, **options: Any) -> list[Any]:
        try:
            return self._resolve(address, port, *rest, **options)
        except RefusedAddressError:
            raise
        except socket.gaierror:  # the address is of another family than requested
            return []

    def _is_allowed(self, address: IpAddress, *, named_loopback: bool) -> bool:
        inner = _embedded_address(address)
        if any(candidate in network for candidate in (address, inner) if candidate for network in self.networks):
            return True
        return named_loopback if (inner or address).is_loopback else is_public(address)

    def _refusal(self) -> RefusedAddressError:
        self.refused = True
        return RefusedAddressError(socket.EAI_FAIL, "no channel may connect to this address")

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse a connection that bypasses `resolve`, such as one to a numeric address."""
        if event not in CONNECTING or arguments[1] is None:
            return
        try:
            address = ipaddress.ip_address(arguments[1][0])
        except (ValueError, TypeError, IndexError):  # a name that `resolve` has not seen, or a Unix socket
            raise self._refusal() from None
        if address not in self._proxy_addresses and not self._is_allowed(address, named_loopback=True):
            raise self._refusal()
