"""Permissions of the files that the program writes."""

OTHERS = 0o077  # permission bits of group and others
