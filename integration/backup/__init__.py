"""Backups of a console: made while it runs, verified, and restored into an empty folder or database."""
