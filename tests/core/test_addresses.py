"""Addresses of this machine."""

from urllib.parse import urlsplit

from integration.core.addresses import LOOPBACK


def test_this_machine_is_known_as_addresses_name_it() -> None:
    assert {urlsplit(f"http://{host}/").hostname for host in ("localhost", "127.0.0.1", "[::1]")} <= set(LOOPBACK)
