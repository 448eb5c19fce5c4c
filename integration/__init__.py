"""Sluis, the console between AccountView and MplusKASSA."""

VERSION = "0.1.0.dev0"
