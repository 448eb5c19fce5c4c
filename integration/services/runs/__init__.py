"""Flows and their runs: plan, commit, exceptions, and repairs."""
