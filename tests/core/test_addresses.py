"""What counts as an address of this machine."""

from ipaddress import ip_address

from integration.core.addresses import LOOPBACK


def test_addresses_of_this_machine_are_those_that_never_leave_it() -> None:
    assert all(name == "localhost" or ip_address(name).is_loopback for name in LOOPBACK)
