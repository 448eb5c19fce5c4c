"""Closed days: their comparison with the books, and their sheets."""
