"""Connections to both systems: set up, checked, and switched between sandbox and production."""
