"""Addresses of channels: a name is resolved and checked once, and the connection goes to the checked address."""

import socket
import subprocess
import sys
from ipaddress import ip_address
from typing import Any

import pytest

from integration.alerts.transport.network import ChannelNetwork, RefusedAddressError, is_public, networks_of


class Names:
    """A service of names whose answers change from one question to the next."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)

    def resolve(self, host: str, port: Any, *rest: Any, **keywords: Any) -> list[Any]:
        """Return the next answer for a name, and for a number the answer of the machine."""
        try:
            ip_address(host)
        except ValueError:
            host_addresses = self._answers.pop(0)
            return [pair for address in host_addresses for pair in socket.getaddrinfo(address, port, *rest, **keywords)]
        return socket.getaddrinfo(host, port, *rest, **keywords)


def addresses(network: ChannelNetwork, host: str) -> list[str]:
    return [pair[4][0] for pair in network.resolve(host, 443, type=socket.SOCK_STREAM)]


def test_a_name_is_resolved_once() -> None:
    network = ChannelNetwork(resolve=Names(("8.8.8.8",), ("10.0.0.1",)).resolve)
    assert addresses(network, "hooks.example.com") == ["8.8.8.8"]
    assert addresses(network, "hooks.example.com") == ["8.8.8.8"]
    assert network.resolve("hooks.example.com", 443, socket.AF_INET6) == []


@pytest.mark.parametrize(
    "answer",
    [("10.0.0.1",), ("8.8.8.8", "169.254.169.254"), ("127.0.0.1",), ("::1",), ("fd00::1",), ("64:ff9b::a00:1",)],
)
def test_a_name_that_leads_inside_is_refused(answer: tuple[str, ...]) -> None:
    network = ChannelNetwork(resolve=Names(answer).resolve)
    network.networks = networks_of("10.9.0.0/16")
    for _ in range(2):
        with pytest.raises(RefusedAddressError):
            addresses(network, "hooks.example.com")
    assert network.refused


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_this_machine_is_reached_by_its_own_names(host: str) -> None:
    assert addresses(ChannelNetwork(), host)


def test_networks_and_proxies_of_the_settings_are_reached() -> None:
    network = ChannelNetwork(["proxy.shop"], Names(("10.1.2.3",), ("10.2.2.3",)).resolve)
    network.networks = networks_of("10.1.0.0/16, 127.0.0.0/8")
    assert addresses(network, "hooks.shop") == ["10.1.2.3"]
    assert addresses(network, "proxy.shop") == ["10.2.2.3"]
    network._audit("socket.connect", (None, ("10.2.2.3", 3128)))


@pytest.mark.parametrize(
    "address", [("10.0.0.1", 25), ("fe80::1", 25, 0, 0), ("hooks.example.com", 25), "/run/x.sock", b"/x"]
)
def test_a_connection_past_the_service_of_names_is_refused(address: Any) -> None:
    for event in ("socket.connect", "socket.sendto"):
        with pytest.raises(RefusedAddressError):
            ChannelNetwork()._audit(event, (None, address))
    ChannelNetwork()._audit("socket.connect", (None, ("127.0.0.1", 25)))
    ChannelNetwork()._audit("open", (None, address))


def test_a_process_resolves_and_connects_under_these_rules_from_the_installation_on() -> None:
    attempts = """
import socket
from integration.alerts.transport.network import ChannelNetwork, RefusedAddressError

ChannelNetwork().install()
for connect in (
    lambda: socket.getaddrinfo("10.0.0.1", 25),
    lambda: socket.socket().connect(("10.0.0.1", 25)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("169.254.169.254", 53)),
):
    try:
        connect()
    except RefusedAddressError:
        print("refused")
"""
    finished = subprocess.run([sys.executable, "-c", attempts], stdout=subprocess.PIPE, text=True, check=True)
    assert finished.stdout.split() == ["refused"] * 3


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
        ("::ffff:10.0.0.1", False), ("2002:a00:1::", False), ("64:ff9b::a9fe:a9fe", False), ("224.0.0.1", False),
        ("::7f00:1", False), ("64:ff9b:1::a00:1", False), ("fec0::1", False), ("::ffff:0:a00:1", False),
        ("ff02::1", False), ("192.168.0.1", False), ("100.64.0.1", False), ("192.0.2.1", False), ("::", False),
        ("168.63.129.16", False), ("192.0.0.192", False), ("192.88.99.1", False), ("3fff::1", False),
        ("::ffff:168.63.129.16", False),
    ],
)  # fmt: skip
def test_what_is_public_is_so_inside_too(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public
