"""Addresses of this machine, which nobody outside can be reached by."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
