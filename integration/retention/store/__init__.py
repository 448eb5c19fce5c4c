"""Deletes expired rows from the tables, and gives the space back."""
