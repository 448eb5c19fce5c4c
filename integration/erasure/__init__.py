"""Data subject requests: finds and erases the personal data of a person."""
