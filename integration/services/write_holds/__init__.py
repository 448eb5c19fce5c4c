"""Reasons to hold all writes of a flow until a person confirms."""
