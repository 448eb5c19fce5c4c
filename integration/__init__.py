"""Sluis, the console between AccountView and MplusKASSA."""

VERSION = "0.9.0"
